#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>

#include <kiln/tensor/base/version.h>
#include <kiln/tools/command.h>
#include <kiln/tools/command_line.h>
#include <kiln/tools/project/verbs.h>
#include <kiln/tools/serve/commands.h>

namespace {

using namespace kiln::tools;

void add_inspect(CLI::App& app) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Shows what a file of weights holds");
  command->add_option("file", options->file, "the file; its kind is told by its content")->required();
  command->add_option("--format", options->format, "table (for people), tsv or json")
      ->check(CLI::IsMember({"table", "tsv", "json"}));
  command->add_flag("--sha256", options->sha256, "with the SHA-256 of each tensor's bytes");
  command->add_flag("--stats", options->stats, "with each tensor's least, greatest and mean element");
  command->footer("Example: kiln inspect resnet18.pth --stats");
  command->callback([=] { inspect(*options); });
}

void add_convert(CLI::App& app) {
  const auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = app.add_subcommand("convert", "Writes what a file holds as another kind of file");
  command->add_option("in", options->in, "the file; its kind is told by its content")->required();
  command->add_option("out", options->out, "x.kiln, .pth, .pt, .ckpt, .bin, .safetensors, .npz or .npy")
      ->required();
  command->add_option("--format", options->format,
                      "the kind of OUT, whatever its ending: kiln, pth, safetensors, ...");
  command->add_flag("--weights", options->weights, "only the weights of a checkpoint");
  command->add_option("--path", options->path, "the weights at this path in a checkpoint; / is the top");
  command->add_option("--merge", options->merge, "a file whose weights replace and join those of IN")
      ->allow_extra_args(false);
  command->add_option("--strip", options->strip, "a prefix to take off the names, as 'module.'")
      ->allow_extra_args(false);
  command->add_option("--add", options->add, "a prefix for all names");
  command->add_option("--rename", options->rename, "a pattern (a regular expression) and its replacement")
      ->type_size(2)
      ->allow_extra_args(false);
  command->add_option("--keep", options->keep, "keep only names with this pattern")->allow_extra_args(false);
  command->add_option("--drop", options->drop, "leave out names with this pattern")->allow_extra_args(false);
  command->add_option("--cast", options->cast, "float32, float64, float16 or bfloat16 for floating tensors");
  command
      ->add_option("--shard", options->shard_bytes, "write files of at most this size, as 2GB, and an index")
      ->transform(CLI::AsSizeValue(true));
  command->footer(
      "The steps are taken in this order. With any of them the weights alone are written.\n"
      "Example: kiln convert checkpoint.pth half.safetensors --weights --strip module. --cast float16");
  command->callback([=] { convert(*options); });
}

void add_diff(CLI::App& app, int& status) {
  const auto options = std::make_shared<DiffOptions>();
  CLI::App* command = app.add_subcommand("diff", "Compares two files; status 1 when they differ");
  command->add_option("a", options->a, "a file")->required();
  command->add_option("b", options->b, "a file, of whatever kind")->required();
  command->add_flag("--tensors", options->tensors, "compare tensors only");
  command->add_option("--atol", options->atol, "allow differences up to atol + rtol |b|");
  command->add_option("--rtol", options->rtol, "allow differences up to atol + rtol |b|");
  command->footer("Example: kiln diff before.pth after.kiln --tensors --rtol 1e-5");
  command->callback([=, &status] { status = diff(*options) ? 0 : 1; });
}

void add_verify(CLI::App& app) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = app.add_subcommand("verify", "Reads all of a file and compares its checksums");
  command->add_option("file", options->file, "the file")->required();
  command->footer("Example: kiln verify resnet18.pth");
  command->callback([=] { verify(*options); });
}

void add_models(CLI::App& app) {
  const auto options = std::make_shared<ModelsOptions>();
  CLI::App* command = app.add_subcommand("models", "Lists the networks that Kiln has, or shows one");
  command->add_option("name", options->name, "a network, as resnet50: its layers, options and known weights");
  command->add_flag("--json", options->json, "for programs");
  command->footer("Example: kiln models resnet50");
  command->callback([=] { list_models(*options); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks into files of weights, converts them, keeps and serves models.", "kiln");
  app.require_subcommand(1);
  app.set_version_flag("--version", "kiln " + std::string(kiln::version()), "the version of Kiln");
  int status = 0;
  try {
    add_inspect(app);
    add_convert(app);
    add_diff(app, status);
    add_verify(app);
    add_models(app);
    add_data(app, status);
    add_annotate(app);
    add_train(app, status, argc, argv);
    add_evaluate(app);
    add_predict(app);
    add_serve(app);
    add_store(app, status);
    if (const std::optional<int> ended = parse_command_line(app, argc, argv)) return *ended;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kiln: %s\n", error.what());
    return 1;
  }
  return status;
}
