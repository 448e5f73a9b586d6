#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include <kiln/annotate/annotator.h>
#include <kiln/serve/http/server.h>
#include <kiln/serve/routes/authority.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/serve/commands.h>
#include <kiln/tools/serve/signals.h>

namespace kiln::tools {
namespace {

struct AnnotateWords {
  annotate::AnnotatorOptions options;
  std::string address = "127.0.0.1", token_file, kind, to;
  int port = 8100;
};

void write_export(const AnnotateWords& words) {
  if (words.to.empty()) fail("annotate: --export {} needs --to, where it is written", words.kind);
  const int64_t count = annotate::export_labels(words.options, words.kind, words.to);
  print(fmt::format("{} pictures\n{}\n", count, words.to));
}

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

// Until SIGINT or SIGTERM. Returns what is said then, when the labels file says all.
std::string let_people_work(const AnnotateWords& words) {
  Signals signals;
  annotate::Annotator annotator(words.options);
  constexpr int64_t kBody = 4 << 20;  // boxes with masks
  serve::Server server({.address = words.address, .port = words.port, .limits = {.body_bytes = kBody}},
                       [&](serve::Request request, const serve::Reply& reply) {
                         annotator.handle(std::move(request), reply);
                       });
  print(fmt::format("{} of {} pictures are done; labels go to {}\nopen http://{}:{}/ and end with Ctrl-C\n",
                    annotator.done(), annotator.pictures(), annotator.labels(),
                    words.address == "::1" ? "[::1]" : words.address, server.port()));
  signals.wait();
  annotator.close();
  server.stop();
  return fmt::format("{} of {} pictures are done: {}\n", annotator.done(), annotator.pictures(),
                     annotator.labels());
}

void annotate_folder(AnnotateWords words) {
  words.options.note = [](const std::string& text) { std::fprintf(stderr, "kiln: %s\n", text.c_str()); };
  if (!words.kind.empty()) return write_export(words);
  if (!words.token_file.empty()) words.options.token = serve::read_token(words.token_file);
  if (!is_loopback(words.address) && words.options.token.empty())
    fail("annotate: on {} others can reach the pictures; give --token-file with a token that they need",
         words.address);
  print(let_people_work(words));
}

}  // namespace

void add_annotate(CLI::App& app) {
  const auto words = std::make_shared<AnnotateWords>();
  annotate::AnnotatorOptions& options = words->options;
  CLI::App* command =
      app.add_subcommand("annotate", "A page on this machine to label pictures and draw boxes");
  command->add_option("folder", options.folder, "of the pictures, with all folders in it")->required();
  command->add_option("--classes", options.classes, "names; the first nine have the keys 1 to 9")
      ->delimiter(',');
  command->add_option("--out", options.labels,
                      "the labels file, .jsonl; without it labels.jsonl in the folder");
  command->add_option("--data", options.data, "annotations to begin with: a manifest, COCO, YOLO, VOC");
  command->add_flag("--from-folders", options.from_folders, "begin with the names of class folders");
  command->add_flag("--boxes", options.draws_boxes, "begin with boxes, not with classes of whole pictures");
  command->add_option("--port", words->port, "0: one that is free")->capture_default_str();
  command->add_option("--address,--host", words->address, "0.0.0.0 or :: for all, with a token")
      ->capture_default_str();
  command->add_option("--token-file", words->token_file, "holds the token that people need");
  command->add_option("--threads", options.threads, "that decode pictures")->capture_default_str();
  command->add_option("--export", words->kind, "no page: write the labels as coco, yolo, voc or csv");
  command->add_option("--to", words->to, "where --export writes: a file, for yolo and voc a folder");
  command->footer("Example: kiln annotate photos --classes cat,dog");
  command->callback([=] { annotate_folder(*words); });
}

}  // namespace kiln::tools
