#include <kiln/autograd/gradcheck.h>

#include <cmath>

#include <kiln/autograd/engine.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln {
namespace {

using TensorFunction = Function<Tensors(const Tensors&)>;

Tensors differentiable(const Tensors& outputs) {
  Tensors kept;
  for (const Tensor& y : outputs)
    if (y.defined() && is_floating(y.dtype()) && y.requires_grad()) kept.push_back(y);
  return kept;
}

Tensor normal_like(const Tensor& y, Generator* generator) {
  return randn(y.shape(), {.dtype = float64, .device = y.device()}, generator);
}

// sum(outputs * weights), the scalar whose gradient is checked.
double weighted(const Tensors& outputs, const Tensors& weights, const std::vector<size_t>& which) {
  double total = 0;
  for (size_t i = 0; i < which.size(); ++i) {
    const std::vector<double> y = outputs[which[i]].to_vector<double>(), w = weights[i].to_vector<double>();
    for (size_t k = 0; k < y.size(); ++k) total += y[k] * w[k];
  }
  return total;
}

void compare(const Tensor& x, size_t input, const std::vector<double>& analytic,
             const Function<double()>& value, const GradcheckOptions& options) {
  size_t element = 0;
  const std::vector<double> values = x.to_vector<double>();
  for_each_offset(x.layout(), [&](int64_t offset) {
    const Tensor cell = from_storage(x.impl()->storage, float64, {{}, {}, x.layout().offset + offset});
    const double before = values[element];
    cell.fill_(before + options.eps);
    const double above = value();
    cell.fill_(before - options.eps);
    const double below = value();
    cell.fill_(before);
    const double numeric = (above - below) / (2 * options.eps), found = analytic[element];
    if (!(std::abs(found - numeric) <= options.atol + options.rtol * std::abs(numeric)))
      fail("gradcheck: the gradient of input {} {} at element {} (x = {}) is {}, central differences give {}",
           input, x.shape(), element, before, found, numeric);
    ++element;
  });
}

}  // namespace

bool gradcheck(const TensorFunction& f, const Tensors& inputs, const GradcheckOptions& options) {
  const EnableGrad recording;
  const Tensors outputs = f(inputs);
  Tensors wanted, kept, weights;
  std::vector<size_t> which, positions;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !inputs[i].requires_grad()) continue;
    if (inputs[i].dtype() != float64)
      fail("gradcheck: input {} is {}, float64 is needed", i, inputs[i].dtype());
    wanted.push_back(inputs[i]);
    positions.push_back(i);
  }
  if (wanted.empty()) fail("gradcheck: no input requires grad");
  Generator generator(17);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (differentiable({outputs[i]}).empty()) continue;
    kept.push_back(outputs[i]);
    which.push_back(i);
    weights.push_back(normal_like(outputs[i], &generator).to(outputs[i].dtype()));
  }
  if (kept.empty()) fail("gradcheck: no output depends on an input that requires grad");
  const Tensors grads = grad(kept, wanted, weights, {.allow_unused = true});
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Tensor g = grads[i].defined() ? grads[i] : zeros_like(wanted[i]);
    if (g.shape() != wanted[i].shape())
      fail("gradcheck: input {} has shape {}, its gradient {}", positions[i], wanted[i].shape(), g.shape());
    const NoGrad scope;
    compare(
        wanted[i], positions[i], g.to_vector<double>(), [&] { return weighted(f(inputs), weights, which); },
        options);
  }
  return true;
}

bool gradgradcheck(const TensorFunction& f, const Tensors& inputs, const GradcheckOptions& options) {
  Tensors weights;
  {
    Generator generator(23);
    for (const Tensor& y : differentiable(f(inputs)))
      weights.push_back(normal_like(y, &generator).requires_grad_());
  }
  Tensors all = inputs;
  all.insert(all.end(), weights.begin(), weights.end());
  const auto gradient = [&f, count = inputs.size()](const Tensors& arguments) {
    const EnableGrad recording;
    const Tensors given(arguments.begin(), arguments.begin() + int64_t(count));
    Tensors wanted;
    for (const Tensor& x : given)
      if (x.defined() && x.requires_grad()) wanted.push_back(x);
    const Tensors outputs = differentiable(f(given));
    return grad(outputs, wanted, Tensors(arguments.begin() + int64_t(count), arguments.end()),
                {.create_graph = true, .allow_unused = true});
  };
  return gradcheck(gradient, all, options);
}

}  // namespace kiln
