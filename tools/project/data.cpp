#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/format.h>

#include <kiln/data/annotations/manifest.h>
#include <kiln/data/annotations/reading.h>
#include <kiln/data/annotations/split.h>
#include <kiln/data/folders/packed.h>
#include <kiln/io/bytes/file.h>
#include <kiln/project/check/check.h>
#include <kiln/project/open_data.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/progress_bar.h>
#include <kiln/tools/project/verbs.h>

namespace kiln::tools {
namespace {

// ---- check ----

struct CheckWords {
  std::string data, html;
  std::vector<std::string> classes;
  bool json = false;
  project::CheckOptions options;
};

// Picture files below the set's folder that the set does not name.
std::vector<std::string> unnamed_in(const data::Annotations& set) {
  namespace fs = std::filesystem;
  if (!set.packed.empty()) return {};
  std::set<std::string> named;
  for (const data::AnnotatedImage& image : set.images)
    named.insert(fs::path(set.path_of(image)).lexically_normal());
  std::vector<std::string> unnamed;
  std::error_code error;
  for (fs::recursive_directory_iterator at(set.folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file() && data::is_picture_name(at->path().filename().string()) &&
        !named.contains(at->path().lexically_normal()))
      unnamed.push_back(at->path().lexically_relative(set.folder));
  }
  std::ranges::sort(unnamed);
  return unnamed;
}

void check(const CheckWords& words, int& status) {
  project::CheckOptions options = words.options;
  const data::Annotations set = project::open_data(
      words.data, {.allow_outside = true, .classes = words.classes, .problem = [&](const std::string& text) {
                     options.problems.push_back(text);
                   }});
  options.unnamed = unnamed_in(set);
  ProgressBar bar("checking");
  options.progress = bar.callback();
  const project::Check result = project::check_data(set, options);
  print(words.json ? to_json(result) : to_text(result));
  if (!words.html.empty()) io::write_text(words.html, to_html(result, set));
  if (result.count(project::Finding::Level::error) > 0) status = 1;
}

void add_check(CLI::App& app, int& status) {
  const auto words = std::make_shared<CheckWords>();
  CLI::App* command =
      app.add_subcommand("check", "Looks for what is wrong with a set of pictures; status 1 for errors");
  command->add_option("data", words->data, "a folder of class folders, a manifest, COCO, YOLO, VOC, ELPV")
      ->required();
  command->add_option("--html", words->html, "a page with pictures of what was found");
  command->add_option("--classes", words->classes, "all that there may be")->delimiter(',');
  command->add_option("--least-size", words->options.least_size, "pixels of the shorter side");
  command->add_flag("!--no-similar", words->options.similar,
                    "do not look for the same picture in another form");
  command->add_option("--threads", words->options.threads, "0: as many as the machine has");
  command->add_flag("--json", words->json, "JSON instead of text");
  command->footer("Example: kiln data check cells --html cells.html");
  command->callback([=, &status] { check(*words, status); });
}

// ---- split ----

struct SplitWords {
  std::string data, out, group, like;
  std::vector<std::string> parts = {"train=0.8", "val=0.2"};
  uint64_t seed = 0;
  bool keep = false, stratify = true, json = false;
};

std::vector<data::SplitPart> parts_of(const std::vector<std::string>& words) {
  std::vector<data::SplitPart> parts;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    char* end = nullptr;
    const double share = equals == std::string::npos ? 0 : std::strtod(word.c_str() + equals + 1, &end);
    if (end == nullptr || *end != '\0' || equals == 0)
      fail("a part of a split is a name and a share, as train=0.8, and not '{}'", word);
    parts.push_back({word.substr(0, equals), share});
  }
  return parts;
}

void split(const SplitWords& words) {
  data::Annotations set = project::open_data(words.data, {.allow_outside = true});
  if (words.group == "folder")
    for (data::AnnotatedImage& image : set.images)
      image.group = std::filesystem::path(image.path).parent_path().string();
  else if (!words.group.empty())
    fail("--group is '{}', and should be 'folder' or left out", words.group);
  if (!words.like.empty()) data::keep_splits(set, project::open_data(words.like, {.allow_outside = true}));
  data::split_annotations(
      set, parts_of(words.parts),
      {.seed = words.seed, .stratify = words.stratify, .keep = words.keep || !words.like.empty()});
  data::write_manifest(words.out, set);
  Value splits = Value::dict();
  std::string text;
  for (const std::string& name : project::splits_of(set)) {
    const data::Annotations part = set.of_split(name);
    const std::vector<int64_t> counts = part.class_counts();
    text += fmt::format("{:8} {:8}", name, part.images.size());
    Value classes = Value::dict();
    for (size_t i = 0; i < counts.size(); ++i) {
      text += fmt::format("  {} {}", set.classes[i], counts[i]);
      classes[set.classes[i]] = counts[i];
    }
    text += "\n";
    splits[name] = {{"pictures", int64_t(part.images.size())}, {"classes", classes}};
  }
  if (words.json) return print_json({{"out", words.out}, {"splits", splits}});
  print(text + words.out + "\n");
}

void add_split(CLI::App& app) {
  const auto words = std::make_shared<SplitWords>();
  CLI::App* command =
      app.add_subcommand("split", "Says which pictures train and which judge, in a manifest; moves no file");
  command->add_option("data", words->data, "the set")->required();
  command->add_option("--out", words->out, "the manifest: .csv, .tsv or .jsonl")->required();
  command->add_option("--parts", words->parts, "names and shares")->delimiter(',');
  command->add_option("--group", words->group, "folder: pictures of one folder stay together");
  command->add_option("--seed", words->seed, "another seed, another split");
  command->add_flag("!--no-stratify", words->stratify, "do not keep each class's share");
  command->add_flag("--keep", words->keep, "pictures that have a split keep it");
  command->add_option("--like", words->like, "an earlier split: pictures that it has stay where they are");
  command->add_flag("--json", words->json, "JSON instead of text");
  command->footer("Example: kiln data split cells --parts train=0.6,val=0.2,test=0.2 --out cells.csv");
  command->callback([=] { split(*words); });
}

// ---- prepare ----

struct PrepareWords {
  std::string data, out;
  bool json = false;
  data::PackOptions options;
};

void prepare(const PrepareWords& words) {
  const data::Annotations set = project::open_data(words.data, {.allow_outside = true});
  data::PackOptions options = words.options;
  ProgressBar bar("packing");
  options.progress = bar.callback();
  data::pack(set, words.out, options);
  const auto pictures = int64_t(set.images.size()), bytes = io::InputFile(words.out).size();
  if (words.json) return print_json({{"out", words.out}, {"pictures", pictures}, {"bytes", bytes}});
  print(words.out + "\n");
}

void add_prepare(CLI::App& app) {
  const auto words = std::make_shared<PrepareWords>();
  CLI::App* command = app.add_subcommand("prepare", "Packs a set into one file that is read at full speed");
  command->add_option("data", words->data, "the set")->required();
  command->add_option("--out", words->out, "the file, .kiln")->required();
  command->add_option("--resize", words->options.shorter_side, "pixels of the shorter side");
  command->add_option("--crop", words->options.crop, "a square of the middle");
  command->add_flag("--encoded", words->options.encoded, "keep the files' bytes as they are");
  command->add_flag("--json", words->json, "JSON instead of text");
  command->footer("Example: kiln data prepare cells.csv --resize 256 --crop 224 --out cells.kiln");
  command->callback([=] { prepare(*words); });
}

}  // namespace

void add_data(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("data", "Checks, splits, packs and makes sets of pictures");
  command->require_subcommand(1);
  add_check(*command, status);
  add_split(*command);
  add_prepare(*command);
  add_composite(*command);
}

}  // namespace kiln::tools
