#include <kiln/models/fuse.h>

#include <map>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/listener.h>
#include <kiln/autograd/ops.h>
#include <kiln/nn/layers/batch_norm.h>
#include <kiln/nn/layers/conv2d.h>

namespace kiln::nn::models {
namespace {

using autograd::OpCall;

// Sees which batch norm takes the result of which convolution.
class Watch : public autograd::Listener {
 public:
  struct Result {
    Tensor y;  // held, so that its address is its own
    const TensorImpl* weight = nullptr;
    const TensorImpl* running_mean = nullptr;  // of the batch norm that takes it
    int64_t uses = 0;
    bool adds = false;
  };

  void begin(const OpCall&) override { ++depth_; }
  // What an op does inside is its own business.
  void end(const OpCall& call) override {
    if (--depth_ > 0) return;
    for (const autograd::NamedOperand& operand : call.operands)
      if (const auto found = results_.find(operand.tensor.impl().get()); found != results_.end())
        use(call, operand, found->second);
    const Tensor* weight = call.find_operand("weight");
    const std::string_view name = call.name;
    if (weight == nullptr) return;
    if (name == "conv2d" && call.results.size() == 1) {
      ++runs[weight->impl().get()];
      results_[call.results[0].impl().get()] = {call.results[0], weight->impl().get()};
    }
    if (name == "batch_norm")
      if (const Tensor* mean = call.find_operand("running_mean"); mean != nullptr && mean->defined())
        ++runs[mean->impl().get()];
  }

  // By the convolutions' weights.
  std::map<const TensorImpl*, Result> by_weight() const {
    std::map<const TensorImpl*, Result> all;
    for (const auto& [y, result] : results_) all[result.weight] = result;
    return all;
  }

  std::map<const TensorImpl*, int64_t> runs;  // of weights of convolutions and means of batch norms

 private:
  static void use(const OpCall& call, const autograd::NamedOperand& operand, Result& result) {
    ++result.uses;
    if (std::string_view(call.name) != "batch_norm" || std::string_view(operand.name) != "x") return;
    const Tensor* mean = call.find_operand("running_mean");
    const Tensor* residual = call.find_operand("residual");
    if (mean != nullptr && mean->defined()) result.running_mean = mean->impl().get();
    result.adds = residual != nullptr && residual->defined();
  }

  int64_t depth_ = 0;
  std::map<const TensorImpl*, Result> results_;
};

// In float64, so that each number is rounded once.
void fold(Conv2d& conv, BatchNorm& norm) {
  const auto wide = [](const Tensor& x) { return x.to(float64); };
  Tensor scale = rsqrt(wide(norm.running_var) + norm.options().eps);
  if (norm.weight.defined()) scale = scale * wide(norm.weight);
  Tensor shift = -wide(norm.running_mean) * scale;
  if (norm.bias.defined()) shift = shift + wide(norm.bias);
  if (conv.bias.defined()) shift = shift + wide(conv.bias) * scale;
  conv.weight.copy_((wide(conv.weight) * scale.reshape({-1, 1, 1, 1})).to(conv.weight.dtype()));
  conv.bias = Parameter(shift.to(conv.weight.dtype()));
  norm.weight = norm.bias = Parameter();
  norm.running_mean = norm.running_var = norm.num_batches_tracked = Buffer();
}

// Whether what is different may be rounding: a layer of one's own may derive from Conv2d and know no bias.
bool is_near(const Tensor& y, const Tensor& expected) {
  constexpr double kRounding = 1e-3;  // of the largest score
  return max(abs(y - expected)).item<double>() <= kRounding * max(abs(expected)).item<double>();
}

}  // namespace

AnyModule fuse_conv_bn(const AnyModule& net, const Shape& x) {
  const NoGrad scope;
  AnyModule fused = clone(net);
  fused.eval();
  std::map<const TensorImpl*, Conv2d*> convolutions;
  std::map<const TensorImpl*, BatchNorm*> norms;
  for (const NamedModule& named : fused.named_modules()) {
    if (auto* conv = dynamic_cast<Conv2d*>(&named.module)) convolutions[conv->weight.impl().get()] = conv;
    if (auto* norm = dynamic_cast<BatchNorm*>(&named.module); norm != nullptr && norm->running_mean.defined())
      norms[norm->running_mean.impl().get()] = norm;
  }
  Generator generator{1};
  Tensor sample = rand(x, {}, &generator);
  for (const Tensor& parameter : fused.parameters())
    if (parameter.is_floating_point()) {
      sample = sample.to(parameter.device()).to(parameter.dtype());
      break;
    }
  Watch watch;
  Tensor before;
  {
    const autograd::Listen listen(watch);
    before = fused(sample);
  }
  for (const auto& [weight, result] : watch.by_weight()) {
    const auto conv = convolutions.find(weight);
    const auto norm = norms.find(result.running_mean);
    if (conv != convolutions.end() && norm != norms.end() && result.uses == 1 && !result.adds &&
        watch.runs[weight] == 1 && watch.runs[result.running_mean] == 1)
      fold(*conv->second, *norm->second);
  }
  if (!is_near(fused(sample), before)) {
    fused = clone(net);
    fused.eval();
  }
  fused->requires_grad_(false);
  return fused;
}

Model fuse_conv_bn(const Model& net) {
  const image::Preset& preset = net.card.preset;
  return {fuse_conv_bn(net, {1, preset.channels, preset.crop, preset.crop}), net.card};
}

int64_t folded_batch_norms(const AnyModule& net) {
  int64_t count = 0;
  for (const NamedModule& named : net.named_modules())
    if (const auto* norm = dynamic_cast<const BatchNorm*>(&named.module); norm != nullptr)
      count += norm->options().track_running_stats && !norm->running_mean.defined();
  return count;
}

}  // namespace kiln::nn::models
