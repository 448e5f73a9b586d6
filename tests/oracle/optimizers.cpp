#include <oracle/call.h>

namespace kiln::oracle {
namespace {

// Parameters come first, then for each its gradients of all steps, stacked. The outputs are the parameters at
// the end.
Tensors run_steps(const Call& c, optim::Optimizer& optimizer, const Tensors& params) {
  const int64_t steps = c.in(params.size()).size(0);
  for (int64_t step = 0; step < steps; ++step) {
    for (size_t i = 0; i < params.size(); ++i) params[i].set_grad(c.in(params.size() + i)[step]);
    optimizer.step();
  }
  return params;
}

Tensors leaves(const Call& c) {
  Tensors params;
  for (size_t i = 0; i < c.inputs.size() / 2; ++i) params.push_back(c.in(i).clone().requires_grad_());
  return params;
}

std::pair<double, double> betas(const Call& c) {
  if (!c.has("betas")) return {0.9, 0.999};
  return {c.args["betas"][0].get<double>(), c.args["betas"][1].get<double>()};
}

}  // namespace

void add_optimizers(Table& table) {
  table["SGD"] = [](const Call& c) {
    const Tensors params = leaves(c);
    optim::SGD optimizer(params, {.lr = c.real("lr"),
                                  .momentum = c.real("momentum"),
                                  .dampening = c.real("dampening"),
                                  .weight_decay = c.real("weight_decay"),
                                  .nesterov = c.flag("nesterov"),
                                  .maximize = c.flag("maximize")});
    return run_steps(c, optimizer, params);
  };
  table["Adam"] = [](const Call& c) {
    const Tensors params = leaves(c);
    optim::Adam optimizer(params, {.lr = c.real("lr", 1e-3),
                                   .betas = betas(c),
                                   .eps = c.real("eps", 1e-8),
                                   .weight_decay = c.real("weight_decay"),
                                   .amsgrad = c.flag("amsgrad"),
                                   .maximize = c.flag("maximize")});
    return run_steps(c, optimizer, params);
  };
  table["AdamW"] = [](const Call& c) {
    const Tensors params = leaves(c);
    optim::AdamW optimizer(params, {.lr = c.real("lr", 1e-3),
                                    .betas = betas(c),
                                    .eps = c.real("eps", 1e-8),
                                    .weight_decay = c.real("weight_decay", 1e-2),
                                    .amsgrad = c.flag("amsgrad"),
                                    .maximize = c.flag("maximize")});
    return run_steps(c, optimizer, params);
  };
}

}  // namespace kiln::oracle
