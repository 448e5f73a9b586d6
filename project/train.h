#pragma once

#include <string>
#include <vector>

#include <kiln/image/preset.h>
#include <kiln/project/fit/fit.h>

namespace kiln::project {

struct TrainOptions {
  std::string data;                // what open_data takes
  std::string out = "runs/train";  // a folder
  std::string model = "resnet18";  // of models::names()
  std::string weights;             // a file of pretrained weights; "": none
  std::string augment = "crop,flip";
  std::string balance;      // "sampler": each class is drawn equally often
  double validation = 0.2;  // the share that judges, where the set has no split "val"
  int64_t image_size = 0;   // pixels of a side; 0: the model's own
  int64_t skip_bad = 0;     // so many pictures that cannot be read, or are not there, are left out
  int workers = 1;
  Recipe recipe = {};
  std::string device;  // "": a GPU if there is one
  bool resume = false;
  std::string command;  // that started it; kept in the model's card
  std::string go_on;    // the command that goes on
};

struct TrainResult : FitResult {
  std::vector<std::string> skipped;  // pictures that could not be read, as the run's data.jsonl names them
};

// Fine-tunes a network on a set of pictures. In `out` it leaves
//   best.kiln       the whole model of the best epoch: models::load, kiln predict, kiln serve
//   last.kiln       that of the last one
//   data.jsonl      every picture with its label and split
//   recipe.json     all options
//   index.html      curves, figures, the confusion matrix and the surest mistakes on the validation set
// and what fit() leaves, among which are pictures for TensorBoard: those of the first batch as the network
// got them, and after each epoch the surest mistakes on the validation set. Throws for a class that only the
// validation set has or that has no picture to learn from, pictures that are missing or cannot be read
// (named), and, when going on, for options that are others than the run began with.
TrainResult train(const TrainOptions& options);

}  // namespace kiln::project
