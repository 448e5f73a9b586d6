#pragma once

#include <string>
#include <vector>

#include <kiln/data/loader.h>
#include <kiln/nn/any_module.h>
#include <kiln/project/fit/recipe.h>
#include <kiln/project/predictions.h>

namespace kiln::project {

// What a fit learns from and is judged by. Batches are {x, label}: int64 labels, or probabilities [N,
// classes]. A third tensor [N] of training, float32 and not negative, weighs its samples: the loss of a batch
// is the mean weighed by it. mixup and cutmix want none.
struct FitData {
  data::DataLoader train;
  data::DataLoader validation;
  // Of the training set: Recipe::class_weights, mixup and cutmix want them.
  std::vector<int64_t> class_counts = {};
};

struct FitOptions {
  std::string folder;  // of its files
  Device device = cpu;
  std::string head;     // the path of the net's head, for Recipe::head_lr
  bool resume = false;  // go on from the folder's checkpoint, where there is one
  std::string go_on;    // the command that does, for who is interrupted
  // Numbers about the validation set, by name, beside its "loss" and "accuracy".
  Function<Value(const Predictions& validation)> measure = {};
  // Pictures for TensorBoard, uint8 [n,C,H,W]: what a batch of the training set shows, as the net gets it
  // (the first batch of a run is written), and what these samples of the validation set show (after each
  // epoch the surest mistakes are).
  Function<Tensor(const Tensor& batch)> show_batch = {};
  Function<Tensor(const std::vector<int64_t>& samples)> show_samples = {};
  // What could not be read so far, as data::Pictures::bad tells: how many samples of the training set, and
  // which of the validation set, whose rows are left out of all figures. Asked after each epoch.
  struct Unread {
    int64_t training = 0;
    std::vector<int64_t> validation = {};
  };
  Function<Unread()> unread = {};
  // Called after each epoch, while the net holds the weights that were judged (the averaged ones, when there
  // are); is_best: no epoch before was as good.
  Function<void(const Value& metrics, bool is_best)> keep = {};
};

// An epoch: "epoch" (from 1), "loss" of training, "lr", "seconds", "waited" (the share of them in which the
// net waited for its data), "skipped" (samples that could not be read so far), and the validation's in the
// dict "validation".
using History = std::vector<Value>;

struct FitResult {
  History history;
  int64_t best_epoch = 0;    // from 1; 0: none yet
  double best = 0;           // its metric
  bool interrupted = false;  // by Ctrl-C or SIGTERM; what is needed to go on is saved
};

// Trains a net by a recipe. In its folder it keeps checkpoint.kiln, from which a run that was interrupted or
// killed goes on and ends in the same bits; history.json, loss.svg and metric.svg after each epoch; and
// events for TensorBoard. Says how far it is on standard error. Throws when loss or metric is not what the
// recipe wants: a loss that is not finite, a metric that nobody measures.
FitResult fit(nn::AnyModule& net, const FitData& data, const Recipe& recipe, const FitOptions& options);

}  // namespace kiln::project
