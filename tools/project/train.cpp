#include <CLI/CLI.hpp>
#include <memory>

#include <fmt/format.h>

#include <kiln/project/evaluate.h>
#include <kiln/project/train.h>
#include <kiln/tools/output.h>
#include <kiln/tools/project/verbs.h>
#include <kiln/train/interrupt.h>
#include <kiln/train/program.h>

namespace kiln::tools {
namespace {

void add_recipe(CLI::App& command, project::Recipe& recipe) {
  const char* group = "Recipe";
  command.add_option("--epochs", recipe.epochs, "passes over the training set")->group(group);
  command.add_option("--batch-size", recipe.batch_size)->group(group);
  command.add_option("--optimizer", recipe.optimizer, "adamw, adam or sgd")->group(group);
  command.add_option("--lr", recipe.lr, "the highest learning rate")->group(group);
  command.add_option("--head-lr", recipe.head_lr, "times the learning rate, for the new head")->group(group);
  command.add_option("--weight-decay", recipe.weight_decay, "of weights alone")->group(group);
  command.add_option("--schedule", recipe.schedule, "onecycle, cosine or constant")->group(group);
  command.add_option("--warmup", recipe.warmup, "the share of steps in which the learning rate rises")
      ->group(group);
  command.add_option("--label-smoothing", recipe.label_smoothing)->group(group);
  command.add_flag("--class-weights", recipe.class_weights, "rare classes weigh more in the loss")
      ->group(group);
  command.add_option("--mixup", recipe.mixup, "alpha; 0: none")->group(group);
  command.add_option("--cutmix", recipe.cutmix, "alpha; 0: none")->group(group);
  command.add_option("--ema", recipe.ema, "decay of the averaged weights, as 0.995; 0: none")->group(group);
  command.add_option("--clip", recipe.clip, "the largest norm of the gradients; 0: any")->group(group);
  command.add_option("--patience", recipe.patience, "epochs without progress until it stops; 0: never")
      ->group(group);
  command
      .add_option("--metric", recipe.metric, "what the best epoch is best in: accuracy, f1_macro, loss, ...")
      ->group(group);
  command.add_option("--amp", recipe.amp, "float16 or bfloat16")->group(group);
  command.add_option("--freeze", recipe.freeze, "parameters that do not learn, as 'layer*'")->group(group);
  command.add_option("--seed", recipe.seed, "of the split, the order, the new weights")->group(group);
}

Value value_of(const project::TrainResult& result, const project::TrainOptions& options) {
  const bool has_best = result.best_epoch > 0;
  Value history = Value::list(), skipped = Value::list();
  for (const Value& epoch : result.history) history.push_back(epoch);
  for (const std::string& path : result.skipped) skipped.push_back(path);
  return {{"out", options.out},
          {"best", has_best ? Value(options.out + "/best.kiln") : Value()},
          {"epoch", result.best_epoch},
          {"metric", options.recipe.metric},
          {"value", has_best ? Value(result.best) : Value()},
          {"interrupted", result.interrupted},
          {"skipped", skipped},
          {"history", history}};
}

void train(const project::TrainOptions& options, bool json, int& status) {
  const project::TrainResult result = project::train(options);
  if (result.interrupted) status = kiln::train::Interrupt::kExitStatus;
  if (json) return print_json(value_of(result, options));
  std::string text;
  if (!result.skipped.empty()) text = project::skipped_text(result.skipped) + "\n";
  if (!result.interrupted)
    text += fmt::format("best: epoch {}, {} {:.4f}\n{}/best.kiln, {}/index.html\n", result.best_epoch,
                        options.recipe.metric, result.best, options.out, options.out);
  print(text);
}

}  // namespace

void add_train(CLI::App& app, int& status, int argc, const char* const* argv) {
  const auto options = std::make_shared<project::TrainOptions>();
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("train", "Fine-tunes a network on a set of pictures");
  command->option_defaults()->always_capture_default();
  command
      ->add_option("--data", options->data, "a folder of class folders, a manifest, ELPV's labels.csv, ...")
      ->required();
  command->add_option("--out", options->out, "a folder for the model, its report and what it needs to go on");
  command->add_option("--model", options->model, "one of those that `kiln models` lists");
  command->add_option("--weights", options->weights, "a file of pretrained weights of that model");
  command->add_option(
      "--augment", options->augment,
      "of crop, flip, vflip, quarter, rotate, jitter, trivial, rand, blur, grey, erase; or none");
  command->add_option("--balance", options->balance, "sampler: each class is drawn equally often");
  command
      ->add_option("--validation", options->validation,
                   "the share that judges, where the set has no split 'val'")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--image-size", options->image_size, "pixels of a side; 0: the model's own");
  command->add_option("--skip-bad", options->skip_bad,
                      "so many pictures that cannot be read are left out, and told of");
  command->add_option("--workers", options->workers, "threads that read and change pictures");
  command->add_option("--device", options->device, "cpu, cuda or cuda:N; a GPU if there is one");
  command->add_flag("--resume", options->resume, "go on from what is in --out, in the same bits");
  command->add_flag("--json", *json, "JSON instead of text at the end");
  add_recipe(*command, options->recipe);
  command->footer(
      "Example: kiln train --data cells --model resnet18 --weights resnet18-f37072fd.pth --epochs 8 --out "
      "run");
  command->callback([=, &status] {
    options->command = kiln::train::command_text(argc, argv);
    options->go_on = kiln::train::command_text(argc, argv, "--resume");
    train(*options, *json, status);
  });
}

}  // namespace kiln::tools
