#pragma once

#include <optional>
#include <string>
#include <vector>

#include <kiln/tensor/value/value.h>

namespace kiln::nn::models {

// What is not set is the model's own default. Names are torchvision's.
struct ModelOptions {
  std::optional<int64_t> num_classes;
  // A file of weights, of any kind that io::load reads; "": new weights.
  std::string weights;
  std::optional<double> dropout;  // of the head; of DenseNet in each layer (its drop_rate)
  std::optional<double> attention_dropout;
  std::optional<double> stochastic_depth_prob;
  std::optional<bool> zero_init_residual;  // each residual block starts as the identity
  std::optional<bool> aux_logits;          // heads in the middle that training uses
  std::optional<bool> transform_input;     // pictures normalised for ImageNet become -1 .. 1
  std::optional<int64_t> image_size;       // pixels of a side, where the network has to know
  // For models of one's own (models::add): a dict of whatever they take; plain data only.
  Value custom;
};

// The names of the options that are set, without weights.
std::vector<std::string> given_options(const ModelOptions& options);

// A dict of the options that are set, without weights, and back. to_options throws for a name or a kind of
// value that is none of these.
Value to_value(const ModelOptions& options);
ModelOptions to_options(const Value& dict);

}  // namespace kiln::nn::models
