#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>

#include <kiln/tools/command.h>

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
  command->callback([=] { inspect(*options); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks into files of weights and converts them.", "kiln");
  app.require_subcommand(1);
  try {
    add_inspect(app);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kiln: %s\n", error.what());
    return 1;
  }
  return 0;
}
