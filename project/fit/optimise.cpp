#include <kiln/project/fit/optimise.h>

#include <cmath>
#include <numbers>

#include <kiln/optim/adam.h>
#include <kiln/optim/sgd.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

struct Part {
  Tensors params;
  double lr, weight_decay;
};

std::vector<Part> parts_of(const nn::Module& net, const std::string& head, const Recipe& recipe) {
  Part parts[2][2];  // [of the head][with decay]
  for (const auto& [name, x] : net.named_parameters()) {
    if (!x.requires_grad()) continue;
    const bool in_head = !head.empty() && name.starts_with(head + ".");
    parts[in_head][x.dim() > 1].params.push_back(x);
  }
  std::vector<Part> filled;
  for (const bool in_head : {false, true})
    for (const bool decays : {true, false}) {
      Part& part = parts[in_head][decays];
      if (part.params.empty()) continue;
      part.lr = recipe.lr * (in_head ? recipe.head_lr : 1);
      part.weight_decay = decays ? recipe.weight_decay : 0;
      filled.push_back(std::move(part));
    }
  if (filled.empty()) fail("fit: no parameter of {} learns; freeze fewer of them", net.type_name());
  return filled;
}

template <class Optimizer, class Options>
Box<optim::Optimizer> make(const std::vector<Part>& parts, Options options) {
  std::vector<typename Optimizer::Group> groups;
  for (const Part& part : parts) {
    options.lr = part.lr;
    options.weight_decay = part.weight_decay;
    groups.push_back({part.params, options});
  }
  return make_box<Optimizer>(groups);
}

}  // namespace

Box<optim::Optimizer> make_optimizer(const nn::Module& net, const std::string& head, const Recipe& recipe) {
  const std::vector<Part> parts = parts_of(net, head, recipe);
  if (recipe.optimizer == "sgd")
    return make<optim::SGD>(parts, optim::SGDOptions{.momentum = 0.9, .nesterov = true});
  if (recipe.optimizer == "adam") return make<optim::Adam>(parts, optim::AdamOptions());
  return make<optim::AdamW>(parts, optim::AdamWOptions());
}

Box<optim::LRScheduler> make_schedule(optim::Optimizer& optimizer, const Recipe& recipe, int64_t steps) {
  if (recipe.schedule == "onecycle") {
    std::vector<double> highest;
    for (size_t group = 0; group < optimizer.groups(); ++group) highest.push_back(optimizer.lr(group));
    return make_box<optim::OneCycleLR>(
        optimizer, highest, optim::OneCycleLROptions{.total_steps = steps, .pct_start = recipe.warmup});
  }
  const double rising = recipe.warmup * double(steps);
  const bool falls = recipe.schedule == "cosine";
  return make_box<optim::LambdaLR>(optimizer, [=](int64_t step) {
    const double at = double(step) + 1;
    if (at < rising) return at / rising;
    const double rest = std::max(double(steps) - rising, 1.0);
    return falls ? 0.5 * (1 + std::cos(std::numbers::pi * std::min((at - rising) / rest, 1.0))) : 1.0;
  });
}

void train_mode(nn::Module& net) {
  net.train();
  net.apply([](nn::Module& module) {
    bool has = false, learns = false;
    for (const auto& [name, x] : module.named_parameters())
      if (name.find('.') == std::string::npos) has = true, learns |= x.requires_grad();
    if (has && !learns) module.set_own_mode(false);
  });
}

}  // namespace kiln::project
