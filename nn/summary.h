#pragma once

#include <kiln/autograd/grad_mode.h>
#include <kiln/nn/mode_guard.h>

namespace kiln::nn {

struct LayerSummary {
  std::string name, type;  // the path; the class
  bool has_children = false;
  int64_t calls = 0;
  Shape output;              // of the last call, when it gave a tensor
  int64_t parameters = 0;    // elements, of this module without its children
  int64_t flops = 0;         // of all calls
  int64_t output_bytes = 0;  // of all calls
};

struct Summary {
  Shape input;
  std::vector<LayerSummary> layers;  // the model first
  int64_t parameters = 0, trainable = 0;
  int64_t parameter_bytes = 0, buffer_bytes = 0;
  int64_t flops = 0;         // multiplications and additions of convolutions, linear layers and attention
  int64_t output_bytes = 0;  // of the layers without children
};

// A table: one row a module, then the sums.
std::string to_string(const Summary& summary);

namespace detail {

// Watches every module from construction to finish(), in eval mode, without gradients; leaves modes and hooks
// as they were.
class SummaryRun {
 public:
  SummaryRun(Module& model, const Shape& shape);
  ~SummaryRun();
  SummaryRun(const SummaryRun&) = delete;

  // Zeros, of the model's dtype, on its device.
  const Tensor& input() const { return input_; }
  Summary finish() { return std::move(summary_); }

 private:
  struct Watched {
    Module* module;
    int64_t hook;
  };
  void watch(Module& module, size_t row);

  NoGrad no_grad_;
  ModeGuard eval_;
  Tensor input_;
  Summary summary_;
  std::vector<Watched> watched_;
};

}  // namespace detail

// What a model does with an input of that shape.
template <class M>
Summary summarize(M& model, const Shape& shape) {
  detail::SummaryRun run(model, shape);
  model(run.input());
  return run.finish();
}
// The same as a table: std::puts(nn::summary(net, {1, 1, 28, 28}).c_str()).
template <class M>
std::string summary(M& model, const Shape& shape) {
  return to_string(summarize(model, shape));
}

}  // namespace kiln::nn
