#include <kiln/models/classic/inception.h>

#include <kiln/models/family.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

Inception3::Inception3(const Inception3Options& options)
    : dropout(Dropout(options.dropout)),
      fc(Linear(2048, options.num_classes)),
      transform_input_(options.transform_input) {
  if (options.aux_logits) AuxLogits.emplace(768, options.num_classes);
  apply([](Module& module) {
    if (auto* conv = dynamic_cast<Conv2d*>(&module)) init::trunc_normal_(conv->weight, 0, 0.1);
    if (auto* linear = dynamic_cast<Linear*>(&module)) init::trunc_normal_(linear->weight, 0, 0.1);
  });
  if (AuxLogits) init::trunc_normal_(AuxLogits->fc->weight, 0, 0.001);
}

InceptionOutputs Inception3::forward(const Tensor& x) const {
  InceptionOutputs outputs;
  Tensor y = Conv2d_1a_3x3(transform_input_ ? normalised_to_unit(x) : x);
  y = maxpool1(Conv2d_2b_3x3(Conv2d_2a_3x3(y)));
  y = maxpool2(Conv2d_4a_3x3(Conv2d_3b_1x1(y)));
  y = Mixed_6a(Mixed_5d(Mixed_5c(Mixed_5b(y))));
  y = Mixed_6e(Mixed_6d(Mixed_6c(Mixed_6b(y))));
  if (is_training() && AuxLogits) outputs.aux_logits = (*AuxLogits)(y);
  y = Mixed_7c(Mixed_7b(Mixed_7a(y)));
  outputs.logits = fc(flatten(dropout(avgpool(y)), 1));
  return outputs;
}

Tensors Inception3::forward(const Tensors& x) const {
  if (x.size() != 1) fail("Inception3: takes one tensor, got {}", x.size());
  const auto [logits, aux_logits] = forward(x[0]);
  if (!aux_logits.defined()) return {logits};
  return {logits, aux_logits};
}

Family families::inception_v3() {
  const auto make = [](const ModelOptions& given) {
    Inception3Options options;
    set(options.num_classes, given.num_classes);
    set(options.dropout, given.dropout);
    set(options.aux_logits, given.aux_logits);
    set(options.transform_input, given.transform_input);
    return Inception3(options);
  };
  return {.type = "Inception3",
          .heads = {"fc", "AuxLogits.fc"},
          .options = {"dropout", "aux_logits", "transform_input"},
          .builders = {{"inception_v3", make}},
          .adapt = leave_out_aux,
          .for_published = [](ModelOptions& options) {
            options.transform_input = options.transform_input.value_or(true);
          }};
}

}  // namespace kiln::nn::models
