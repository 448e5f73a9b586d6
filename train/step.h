#pragma once

#include <kiln/tensor/base/box.h>
#include <kiln/tensor/base/function.h>
#include <kiln/tensor/tensor.h>

namespace kiln::train {

// A training step on a device: as usual, or as a CUDA graph, which costs one launch.
//
//     train::Step step(device, graph, [&](const Tensors& batch) {
//       optimizer.zero_grad();
//       const Tensor loss = cross_entropy(net(batch[0]), batch[1]);
//       loss.backward();
//       optimizer.step();
//       return loss;
//     });
//     for (const data::Batch& batch : loader) losses.add(step(batch.tensors));
class Step {
 public:
  // `run` gets a batch on the device. What of it may be a graph: see cuda::Graph. Throws when a graph is
  // asked for on the CPU.
  Step(Device device, bool graph, Function<Tensor(const Tensors& batch)> run);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  ~Step();

  // With a graph the first two batches run as usual, the third is captured, and it and those after it that
  // have its shapes are replayed; others (the last of an epoch) run as usual. Nothing waits for the device.
  Tensor operator()(const Tensors& batch);

 private:
  struct Recorded;

  Tensors on_device(const Tensors& batch) const;
  bool fits(const Tensors& batch) const;

  Device device_;
  bool graph_;
  int64_t steps_ = 0;
  Function<Tensor(const Tensors&)> run_;
  Box<Recorded> recorded_;
};

// The losses of steps. They stay on the device until they are read, all at once, so that no step waits.
class Losses {
 public:
  void add(const Tensor& loss) { losses_.push_back(loss); }
  // Those since the last call, in order. Waits for the device.
  std::vector<double> read();

 private:
  Tensors losses_;
};

}  // namespace kiln::train
