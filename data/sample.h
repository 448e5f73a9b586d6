#pragma once

#include <string>
#include <vector>

#include <kiln/tensor/tensor.h>

namespace kiln::data {

// One sample: tensors on the CPU, by convention {image, label}, and texts.
struct Sample {
  Tensors tensors;
  std::vector<std::string> texts;

  Sample() = default;
  Sample(Tensors parts, std::vector<std::string> words = {})
      : tensors(static_cast<Tensors&&>(parts)), texts(static_cast<std::vector<std::string>&&>(words)) {}
};

}  // namespace kiln::data
