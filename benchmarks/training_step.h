#pragma once

#include <functional>
#include <memory>

#include <kiln/kiln.h>

namespace kiln::benchmarks {

// One step of training on random images, all in channels-last order, on the factories' device. Model,
// optimiser and data live in it. precision: float32, or that of an Autocast; with float16 comes a GradScaler.
template <class Net>
std::function<void()> training_step(Net made, const Shape& images, int64_t classes, DType precision) {
  auto net = std::make_shared<Net>(std::move(made));
  net->to(MemoryFormat::channels_last);
  auto optimizer =
      std::make_shared<optim::SGD>(net->parameters(), optim::SGDOptions{.lr = 1e-3, .momentum = 0.9});
  auto scaler =
      std::make_shared<optim::GradScaler>(optim::GradScalerOptions{.enabled = precision == float16});
  const Tensor x = randn(images, {.memory_format = MemoryFormat::channels_last}),
               y = randint(0, classes, {images[0]}, {.dtype = int64});
  return [=] {
    optimizer->zero_grad();
    Tensor loss;
    {
      const Autocast amp(precision, precision != float32);
      loss = cross_entropy((*net)(x), y);
    }
    scaler->scale(loss).backward();
    scaler->step(*optimizer);
    scaler->update();
  };
}

}  // namespace kiln::benchmarks
