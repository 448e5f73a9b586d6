#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include <kiln/data/annotations/table.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/bytes/json.h>
#include <kiln/project/classifier.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/device.h>
#include <kiln/tools/progress_bar.h>
#include <kiln/tools/project/verbs.h>

namespace kiln::tools {
namespace {

struct PredictOptions {
  std::string model;
  std::vector<std::string> pictures;
  int64_t top = 5;
  std::string format = "text";
  std::string explain;  // a folder
  std::string device;
};

// Folders stand for the files in them, sorted.
std::vector<std::string> files_of(const std::vector<std::string>& words) {
  std::vector<std::string> files;
  for (const std::string& word : words) {
    std::error_code error;
    if (word == "-" || !std::filesystem::is_directory(word, error)) {
      files.push_back(word);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(word))
      if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
        found.push_back(entry.path());
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

Tensor picture_of(const std::string& file) {
  if (file != "-") return image::read(file);
  return image::decode(std::string(std::istreambuf_iterator<char>(std::cin), {}));
}

void print(const std::string& file, const std::vector<project::Guess>& guesses, const std::string& format) {
  if (format == "json") {
    Value list = Value::list();
    for (const project::Guess& guess : guesses)
      list.push_back({{"index", guess.index}, {"class", guess.name}, {"probability", guess.probability}});
    fmt::print("{}\n", io::json_text({{"file", file}, {"classes", list}}));
    return;
  }
  int rank = 0;
  for (const project::Guess& guess : guesses)
    if (format == "csv")
      fmt::print("{},{},{},{:.6f}\n", data::table_field(file, ','), ++rank,
                 data::table_field(guess.name, ','), guess.probability);
    else
      fmt::print("{}{:6.2f} %  {}\n", rank++ == 0 ? file + "\n" : "", 100 * guess.probability, guess.name);
}

// Where the pictures' lines themselves show how far it is.
bool is_terminal(std::FILE* stream) { return io::terminal_of(stream).is_terminal; }

void predict(const PredictOptions& options) {
  const project::Classifier classifier(options.model,
                                       options.device.empty() ? default_device() : Device(options.device));
  if (options.format == "csv") fmt::print("file,rank,class,probability\n");
  if (!options.explain.empty())
    if (const std::error_code error = io::make_folders(options.explain))
      fail("{}: {}", options.explain, error.message());
  const std::vector<std::string> files = files_of(options.pictures);
  ProgressBar bar("predicting");
  int64_t done = 0;
  for (const std::string& file : files) {
    const Tensor picture = picture_of(file);
    const std::vector<project::Guess> guesses = classifier.predict(picture, options.top);
    print(file, guesses, options.format);
    if (!options.explain.empty() && !guesses.empty())
      image::write(fmt::format("{}/{}.png", options.explain, std::filesystem::path(file).stem().string()),
                   classifier.explain(picture, guesses[0].index));
    if (files.size() > 1 && !is_terminal(stdout)) bar.show(++done, int64_t(files.size()));
  }
}

}  // namespace

void add_predict(CLI::App& app) {
  const auto options = std::make_shared<PredictOptions>();
  CLI::App* command = app.add_subcommand("predict", "Names what pictures show");
  command->add_option("model", options->model, "a whole model, as kiln train writes it")->required();
  command->add_option("pictures", options->pictures, "files, folders of files, or - for standard input")
      ->required();
  command->add_option("--top", options->top, "so many classes, the likeliest first")
      ->check(CLI::PositiveNumber);
  command->add_option("--format", options->format, "text, csv, or json (a line a picture)")
      ->check(CLI::IsMember({"text", "csv", "json"}));
  command->add_flag_callback(
      "--json", [=] { options->format = "json"; }, "the same as --format json");
  command->add_option("--explain", options->explain,
                      "a folder that gets a picture of where the network looked (Grad-CAM)");
  command->add_option("--device", options->device, "cpu, cuda or cuda:N; a GPU if there is one");
  command->footer("Example: kiln predict run/best.kiln photo.jpg --top 3 --explain heat");
  command->callback([=] { predict(*options); });
}

}  // namespace kiln::tools
