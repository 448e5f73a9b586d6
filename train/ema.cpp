#include <kiln/train/ema.h>

#include <algorithm>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::train {
namespace {

StateDict floating(const StateDict& state) {
  std::vector<StateDict::Entry> entries;
  for (const auto& [name, x] : state)
    if (is_floating(x.dtype())) entries.push_back({name, x});
  return StateDict(std::move(entries));
}

}  // namespace

EMA::EMA(nn::Module& model, const EMAOptions& options) : model_(model), options_(options) {
  if (!(options.decay >= 0 && options.decay <= 1))
    fail("EMA: the decay is {}, which is not in 0 .. 1", options.decay);
  const NoGrad scope;
  for (const auto& [name, x] : floating(model.state_dict())) averages_[name] = x.clone();
}

void EMA::update() {
  const NoGrad scope;
  const auto t = double(++updates_);
  const double decay = options_.warm_up ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
  for (const auto& [name, x] : floating(model_.state_dict())) {
    const Tensor& average = averages_.at(name);
    average.mul_(decay).add_(x, 1 - decay);
  }
}

StateDict EMA::averages() const {
  StateDict all = model_.state_dict();
  for (const auto& [name, x] : averages_) all[name] = x;
  return all;
}

EMA::Applied::Applied(const EMA& ema) : current_(floating(ema.model_.state_dict())) {
  const NoGrad scope;
  for (const auto& [name, x] : current_) {
    own_.push_back(x.clone());
    x.copy_(ema.averages_.at(name));
  }
}

EMA::Applied::~Applied() {
  const NoGrad scope;
  size_t i = 0;
  for (const auto& [name, x] : current_) x.copy_(own_[i++]);
}

Value EMA::state_dict() const { return Value::dict({{"updates", updates_}, {"averages", Value(averages_)}}); }

void EMA::load_state_dict(const Value& state) {
  const StateDict saved = state.at("averages").as_state_dict();
  const int64_t updates = state.at("updates").as_int();
  for (const auto& [name, x] : averages_) {
    const Tensor* found = saved.find(name);
    if (found == nullptr) fail("EMA: the state has no '{}'", name);
    if (found->shape() != x.shape())
      fail("EMA: '{}' is {} in the state, {} in the model", name, to_string(found->shape()),
           to_string(x.shape()));
  }
  if (saved.size() != averages_.size())
    fail("EMA: the state has {} tensors, the model {}", saved.size(), averages_.size());
  const NoGrad scope;
  for (const auto& [name, x] : averages_) x.copy_(saved.at(name));
  updates_ = updates;
}

}  // namespace kiln::train
