#include <kiln/autograd/op.h>

#include <algorithm>

#include <kiln/autograd/engine.h>
#include <kiln/autograd/ops/autocast.h>
#include <kiln/autograd/slot.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::autograd {

// What an op keeps when somebody pays attention to it.
struct Op::Opened {
  OpCall call;
  AutocastPolicy policy = AutocastPolicy::none;
  bool suspended = false, listening = false, ended = false;
  Tensors casts;  // reserved, so that references to its elements stay
};

void Op::open() {
  const int all = __atomic_load_n(&detail::attention_of_all, __ATOMIC_RELAXED);
  const bool listening = ((detail::attention | all) & detail::kListens) != 0;
  const AutocastPolicy policy =
      (detail::attention & detail::kAutocasts) != 0 ? autocast_policy(name_) : AutocastPolicy::none;
  if (!listening && policy == AutocastPolicy::none) return;
  opened_ = new Opened;
  opened_->policy = policy;
  opened_->listening = listening;
  opened_->casts.reserve(kMost);
  if (policy != AutocastPolicy::none) {
    opened_->suspended = true;
    suspend_autocast(true);
  }
  if (!listening) return;
  opened_->call.name = name_;
  opened_->call.backward = current_node();
  detail::tell_begin(opened_->call);
}

void Op::close() {
  if (opened_->suspended) suspend_autocast(false);
  if (opened_->listening && !opened_->ended) {
    opened_->call.failed = true;
    detail::tell_end(opened_->call);
  }
  delete opened_;
}

const Tensor& Op::cast(const Tensor& x, Kind kind) {
  if (opened_->policy == AutocastPolicy::none || !detail::is_differentiable(kind)) return x;
  const Tensor y = opened_->policy == AutocastPolicy::wide ? in_float32_type(x) : in_autocast_type(x);
  if (y.is_same(x)) return x;
  return opened_->casts.emplace_back(y);
}

void Op::see(Attribute attribute) {
  if (opened_->listening) opened_->call.attributes.push_back(std::move(attribute));
}

void Op::see_results(std::span<const Tensor> ys) {
  if (!opened_->listening || opened_->ended) return;
  OpCall& call = opened_->call;
  for (int i = 0; i < count_; ++i) call.operands.push_back({seen_[i].name, *seen_[i].tensor});
  if (list_ != nullptr)
    for (const Tensor& x : *list_) call.operands.push_back({"tensors", x});
  call.results.assign(ys.begin(), ys.end());
  opened_->ended = true;
  detail::tell_end(call);
}

void Op::see_gradients(const Gradients& ys) {
  Tensors given;
  for (const Tensor& y : ys)
    if (y.defined()) given.push_back(y);
  see_results(given);
}

const Tensors& Op::operands(const char* name, const Tensors& xs, Kind kind) {
  if (xs.empty()) fail("{}: needs at least one tensor", name_);
  for (size_t i = 0; i < xs.size(); ++i) {
    const Tensor& x = xs[i];
    if (!x.defined()) fail("{}: tensor {} of {} is undefined", name_, i, name);
    if ((detail::types_of(kind) & detail::bit(x.dtype())) == 0) fail_type(name, x, kind);
    if (first_ == nullptr) first_ = &x;
    if (x.device() != first_->device()) fail_device(name, x);
  }
  list_ = &xs;
  return xs;
}

void Op::need_one_type() const {
  const Seen* known = nullptr;
  for (int i = 0; i < count_; ++i) {
    const Seen& seen = seen_[i];
    if (!seen.differentiable || !seen.tensor->defined()) continue;
    if (known == nullptr)
      known = &seen;
    else if (seen.tensor->dtype() != known->tensor->dtype())
      fail("{}: {} is {}, {} is {}; convert one with .to(dtype)", name_, known->name, known->tensor->dtype(),
           seen.name, seen.tensor->dtype());
  }
}

void Op::begin_write() {
  begin_in_place(name_, *seen_[0].tensor);
  if (opened_ != nullptr) opened_->call.in_place = true;
}

bool Op::find_wants() const {
  if (!grad_enabled()) return false;
  for (int i = 0; i < count_; ++i)
    if (seen_[i].differentiable && detail::wants_grad(*seen_[i].tensor)) return true;
  return list_ != nullptr && detail::wants_record(std::span<const Tensor>(*list_));
}

Ref<Node> Op::link(Node* made) const {
  Ref<Node> node(made);
  for (int i = 0; i < count_; ++i)
    if (seen_[i].differentiable) node->add_input(edge_of(*seen_[i].tensor));
  if (list_ != nullptr) detail::link(*node, std::span<const Tensor>(*list_));
  return node;
}

void Op::fail_undefined(const char* name) const { fail("{}: {} is an undefined tensor", name_, name); }

void Op::fail_type(const char* name, const Tensor& x, Kind kind) const {
  if (is_storage_only(x.dtype()))
    fail("{}: {} is {}, which is storage only; convert it when it is loaded", name_, name, x.dtype());
  switch (kind) {
    case Kind::index:
      fail("{}: {} must hold int64 or int32, got {}", name_, name, x.dtype());
    case Kind::mask:
      fail("{}: {} must be a bool tensor, got {}; compare it first", name_, name, x.dtype());
    default:
      fail("{}: needs floating-point numbers, {} is {}; convert it with .to(float32)", name_, name,
           x.dtype());
  }
}

void Op::fail_form(const char* name, const Tensor& x, const Form& form) const {
  if (form.text != nullptr) fail("{}: {} must be {}, got {}", name_, name, form.text, x.shape());
  if (x.dim() < form.least)
    fail("{}: {} needs at least {} dimensions, its shape is {}", name_, name, form.least, x.shape());
  fail("{}: {} may have {} dimensions at most, its shape is {}", name_, name, form.most, x.shape());
}

void Op::fail_device(const char* name, const Tensor& x) const {
  const char* first = name;
  for (int i = count_ - 1; i >= 0; --i)
    if (seen_[i].tensor->defined()) first = seen_[i].name;
  fail("{}: {} is on {}, {} on {}; move one with .to(device)", name_, first, first_->device(), name,
       x.device());
}

}  // namespace kiln::autograd
