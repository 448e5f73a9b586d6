#include <CLI/CLI.hpp>
#include <memory>

#include <kiln/project/evaluate.h>
#include <kiln/project/open_data.h>
#include <kiln/tensor/device/device.h>
#include <kiln/tools/output.h>
#include <kiln/tools/progress_bar.h>
#include <kiln/tools/project/verbs.h>

namespace kiln::tools {
namespace {

struct EvaluateWords {
  std::string model, data, split, out, device;
  bool json = false;
  int64_t worst = 24;
  project::EvaluateOptions options;
};

void evaluate(const EvaluateWords& words) {
  const project::Classifier classifier(words.model,
                                       words.device.empty() ? default_device() : Device(words.device));
  const data::Annotations set = project::split_of(
      project::open_data(words.data, {.allow_outside = true, .classes = classifier.card().class_names}),
      words.split);
  project::EvaluateOptions options = words.options;
  ProgressBar bar("evaluating");
  options.progress = bar.callback();
  const project::Evaluation evaluation = project::evaluate(classifier, set, options);
  print((words.json ? evaluation.json() : evaluation.text()) + "\n");
  if (words.out.empty()) return;
  project::write(evaluation, classifier, words.out, words.worst);
  if (!words.json) print(words.out + "/index.html\n");
}

}  // namespace

void add_evaluate(CLI::App& app) {
  const auto words = std::make_shared<EvaluateWords>();
  CLI::App* command = app.add_subcommand("evaluate", "Tells how good a model is on a set of pictures");
  command->add_option("model", words->model, "a whole model, as kiln train writes it")->required();
  command->add_option("--data", words->data, "a folder of class folders, a manifest, ELPV's labels.csv, ...")
      ->required();
  command->add_option("--split", words->split, "of the set; without it val, test or all, what there is");
  command->add_option("--out", words->out, "a folder for the report, its tables and pictures");
  command->add_option("--worst", words->worst, "so many of the surest mistakes as pictures");
  command->add_option("--views", words->options.views, "1; 2: also mirrored; 4: quarter turns; 8: both")
      ->check(CLI::IsMember({1, 2, 4, 8}));
  command->add_option("--skip-bad", words->options.skip_bad,
                      "so many pictures that cannot be read are left out, and told of");
  command->add_option("--batch-size", words->options.batch_size)->check(CLI::PositiveNumber);
  command->add_option("--workers", words->options.workers, "threads that read pictures");
  command->add_option("--device", words->device, "cpu, cuda or cuda:N; a GPU if there is one");
  command->add_flag("--json", words->json, "JSON instead of tables");
  command->footer("Example: kiln evaluate run/best.kiln --data cells --split test --out report");
  command->callback([=] { evaluate(*words); });
}

}  // namespace kiln::tools
