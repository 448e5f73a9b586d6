#pragma once

#include <kiln/nn/nn.h>

// Internal, for the sources of models.

namespace kiln::nn::models {

// How MobileNets start: convolutions by He's normal over their outputs, linear layers from a normal
// distribution of 0.01, biases from 0. For Module::apply.
inline void initialise_mobile(Module& module) {
  if (auto* conv = dynamic_cast<Conv2d*>(&module)) {
    init::kaiming_normal_(conv->weight, {.mode = init::FanMode::fan_out});
    if (conv->bias.defined()) init::zeros_(conv->bias);
  } else if (auto* linear = dynamic_cast<Linear*>(&module)) {
    init::normal_(linear->weight, 0, 0.01);
    init::zeros_(linear->bias);
  }
}

}  // namespace kiln::nn::models
