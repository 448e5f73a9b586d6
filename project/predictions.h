#pragma once

#include <string>
#include <vector>

#include <kiln/data/loader.h>
#include <kiln/nn/any_module.h>

namespace kiln::project {

// What a classifier says of a set, in the order of the set.
struct Predictions {
  Tensor scores;  // float32 [samples, classes] on the CPU, before softmax
  Tensor labels;  // int64 [samples]; of soft labels the likeliest class
  std::vector<std::string>
      names;  // the first text of each sample: a file, mostly; empty where there are none
};

// One pass of the loader {x, label}, which does not move, in eval mode and without gradients. An empty set
// gives undefined tensors.
Predictions predict(const nn::AnyModule& net, const data::DataLoader& loader, Device device = cpu);

// The probabilities: softmax of the scores, float32.
Tensor probabilities(const Predictions& predictions);

// Of the rows of probabilities [samples, classes] whose likeliest class is not the label's, `most` at most:
// those that are surest of it, the surest first.
std::vector<int64_t> surest_mistakes(const Tensor& probabilities, const Tensor& labels, int64_t most);

// Of those rows alone.
Predictions rows_of(const Predictions& predictions, const std::vector<int64_t>& rows);

// Those of `size` rows that are not among `left_out`, which is sorted.
std::vector<int64_t> rows_without(int64_t size, const std::vector<int64_t>& left_out);

}  // namespace kiln::project
