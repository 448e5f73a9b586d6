#include <kiln/train/step.h>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/graph.h>

namespace kiln::train {
namespace {

struct NoGraph {
  template <class F>
  void capture(F&&, Device) {}
  void replay() {}
};
using Graph = std::conditional_t<kCudaBuilt, cuda::Graph, NoGraph>;

constexpr int64_t kUsualSteps = 2;  // one makes the optimiser's state, the next is like all others

}  // namespace

struct Step::Recorded {
  Graph graph;
  Tensors batch;
  Tensor result;
};

Step::Step(Device device, bool graph, Function<Tensor(const Tensors&)> run)
    : device_(device), graph_(graph), run_(std::move(run)) {
  if (graph && !device.is_cuda()) fail("step: a graph needs a GPU, the device is {}", device);
}

Step::~Step() = default;

Tensors Step::on_device(const Tensors& batch) const {
  Tensors moved;
  for (const Tensor& x : batch) moved.push_back(x.to(device_));
  return moved;
}

bool Step::fits(const Tensors& batch) const {
  if (batch.size() != recorded_->batch.size()) return false;
  for (size_t i = 0; i < batch.size(); ++i)
    if (batch[i].shape() != recorded_->batch[i].shape() || batch[i].dtype() != recorded_->batch[i].dtype())
      return false;
  return true;
}

Tensor Step::operator()(const Tensors& batch) {
  if (!graph_ || steps_ < kUsualSteps || (recorded_ && !fits(batch))) {
    ++steps_;
    return run_(on_device(batch)).detach();
  }
  if (!recorded_) {
    auto recorded = make_box<Recorded>();
    // Memory of its own: later batches are written into it, and what is on the device already is the
    // caller's.
    for (const Tensor& x : batch)
      recorded->batch.push_back(x.device() == device_ ? x.clone() : x.to(device_));
    recorded->graph.capture([&] { recorded->result = run_(recorded->batch).detach(); }, device_);
    recorded_ = std::move(recorded);
  } else {
    const NoGrad no_grad;
    for (size_t i = 0; i < batch.size(); ++i) recorded_->batch[i].copy_(batch[i]);
  }
  recorded_->graph.replay();
  return recorded_->result.clone();
}

std::vector<double> Losses::read() {
  if (losses_.empty()) return {};
  const NoGrad no_grad;
  std::vector<double> values = stack(losses_).to_vector<double>();
  losses_.clear();
  return values;
}

}  // namespace kiln::train
