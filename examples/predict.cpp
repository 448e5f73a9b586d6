#include <fmt/format.h>

#include <kiln/image/decode.h>
#include <kiln/kiln.h>
#include <kiln/project/classifier.h>
#include <kiln/tools/command_line.h>

#include "cifar10_net.h"

// Names what pictures show, by a whole model in a file: what cifar10 and kiln train save.

using namespace kiln;

struct Options {
  std::string model;
  std::vector<std::string> pictures;
  int64_t top = 3;
  std::string device;  // "": default_device()
};

int run(const Options& options) {
  const project::Classifier classifier(options.model,
                                       options.device.empty() ? default_device() : Device(options.device));
  for (const std::string& file : options.pictures) {
    std::string text;
    for (const project::Guess& guess : classifier.predict(image::read(file), options.top))
      text += fmt::format("{}{} {:.2f} %", text.empty() ? "" : ", ", guess.name, 100 * guess.probability);
    fmt::print("{}: {}\n", file, text);
  }
  return 0;
}

int main(int argc, char** argv) {
  add_cifar10_net();
  Options options;
  CLI::App app("Names what pictures show.", "predict");
  app.add_option("model", options.model, "a model that cifar10 or kiln train saved")->required();
  app.add_option("pictures", options.pictures, "picture files")->required();
  app.add_option("--top", options.top, "so many classes, the likeliest first")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--device", options.device, "cpu, cuda or cuda:N; a GPU if there is one");
  app.footer("Example: predict resnet34.kiln frog.png");
  if (const auto ended = tools::parse_command_line(app, argc, argv)) return *ended;
  return train::run_program("predict", [&] { return run(options); });
}
