#include <kiln/optim/arena.h>

#include <kiln/autograd/engine.h>
#include <kiln/autograd/slot.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/kernels/flat/optimizer.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/capture.h>

namespace kiln::optim {
namespace {

using autograd::Slot;
using autograd::slot_of;

constexpr int64_t kAlignment = 64;

void copy(const Tensor& from, const Tensor& to) {
  on(to.device(), [&](auto& ctx) { kernels::copy(ctx, from, to); });
}

void zero(const Tensor& x) {
  on(x.device(), [&](auto& ctx) { kernels::fill(ctx, 0, x); });
}

Tensor zero_block(int64_t count, DType dtype, Device device) {
  Tensor block = empty({count}, {.dtype = dtype, .device = device});
  zero(block);
  return block;
}

// Memory of a block that lives as long as the tensors in it.
void* keep_alive(const Ref<Storage>& block) { return new Ref<Storage>(block); }
void let_go(void* block) { delete static_cast<Ref<Storage>*>(block); }

// Dense, in the parameter's own order of dimensions where it has one.
Layout dense_layout(const Layout& layout, int64_t offset) {
  return {layout.shape, layout.is_dense() ? layout.strides : contiguous_strides(layout.shape), offset};
}

// Whether the storage holds this tensor and nothing else.
bool fills_storage(const Tensor& x) {
  return x.numel() > 0 && x.layout().offset == 0 && x.layout().is_dense() &&
         x.impl()->storage->bytes == x.numel() * size_of(x.dtype());
}

}  // namespace

Arena::Arena(const char* op, const Tensors& params)
    : op_(op),
      dtype_(params[0].dtype()),
      state_dtype_(dtype_ == float64 ? float64 : float32),
      device_(params[0].device()) {
  const int64_t unit = kAlignment / size_of(dtype_);
  int64_t total = 0;
  for (const Tensor& param : params) {
    const int64_t count = param.numel();
    segments_.push_back(
        {.param = param, .home = {}, .layout = dense_layout(param.layout(), total), .count = count});
    total += (count + unit - 1) / unit * unit;
  }
  params_ = zero_block(total, dtype_, device_);
  grads_ = zero_block(total, dtype_, device_);
  if (dtype_ != state_dtype_) master_ = zero_block(total, state_dtype_, device_);
  for (Segment& segment : segments_) {
    place(segment);
    give_home(segment);
    forget_master(segment);
  }
}

Arena::~Arena() {
  for (const Segment& segment : segments_)
    if (Slot* slot = slot_of(*segment.param.impl());
        slot != nullptr && slot->grad_home.defined() && slot->grad_home.is_same(segment.home))
      slot->grad_home = Tensor();
}

void Arena::place(const Segment& segment) const {
  if (!fills_storage(segment.param)) return;
  const Tensor here = slot_of_param(segment);
  copy(segment.param, here);
  segment.param.impl()->storage->replace_memory(here.raw_data(), keep_alive(params_.impl()->storage), let_go);
}

void Arena::give_home(Segment& segment) const {
  segment.home = part(grads_, segment);
  autograd::set_grad_home(segment.param, segment.home);
}

// Somebody holds on to the gradient: it moves to memory of its own, and the next one gets a new home.
void Arena::leave_home(Segment& segment) const {
  const Tensor& home = segment.home;
  const Ref<Storage> own = Storage::allocate(home.impl()->storage->bytes, device_);
  copy(home, from_storage(own, dtype_, home.layout()));
  home.impl()->storage->replace_memory(own->data, keep_alive(own), let_go);
  give_home(segment);
}

Tensor Arena::slot_of_param(const Segment& segment) const {
  return from_storage(params_.impl()->storage, dtype_, segment.layout);
}

Tensor Arena::part(const Tensor& block, const Segment& segment) const {
  const int64_t bytes = segment.count * size_of(block.dtype());
  Ref<Storage> storage =
      Storage::adopt(address(block, segment), bytes, device_, keep_alive(block.impl()->storage), let_go);
  return from_storage(std::move(storage), block.dtype(), {segment.layout.shape, segment.layout.strides, 0});
}

char* Arena::address(const Tensor& block, const Segment& segment) const {
  return static_cast<char*>(block.raw_data()) + segment.layout.offset * size_of(block.dtype());
}

bool Arena::is_resident(const Segment& segment) const {
  const Tensor& param = segment.param;
  return segment.count == 0 || (param.raw_data() == address(params_, segment) && param.dtype() == dtype_);
}

// False when the parameter stays where it is.
bool Arena::bring_back(Segment& segment) const {
  if (!fills_storage(segment.param) || (device_.is_cuda() && is_capturing())) return false;
  if (segment.param.strides() != segment.layout.strides)
    reorder(segment);
  else
    autograd::set_grad_home(segment.param, segment.home);
  place(segment);
  forget_master(segment);
  return true;
}

// What is kept for the parameter gets its present order of dimensions.
void Arena::reorder(Segment& segment) const {
  leave_home(segment);  // a gradient that is there keeps its values in its own order
  const Tensor blocks[] = {master_, states_[0], states_[1], states_[2]};
  Tensors values;
  for (const Tensor& block : blocks) {
    if (!block.defined()) continue;
    values.push_back(empty(segment.layout.shape, {.dtype = block.dtype(), .device = device_}));
    copy(part(block, segment), values.back());
  }
  segment.layout.strides = segment.param.strides();
  size_t next = 0;
  for (const Tensor& block : blocks)
    if (block.defined()) copy(values[next++], part(block, segment));
  give_home(segment);
}

Arena::Activity Arena::examine(Segment& segment) {
  const Tensor& param = segment.param;
  const Slot* slot = slot_of(*param.impl());
  if (slot == nullptr || !slot->requires_grad || !slot->grad.defined()) return Activity::idle;
  bool resident = is_resident(segment);
  if (!resident) {
    if (param.shape() != segment.layout.shape)
      fail("{}: a parameter had shape {} when the optimiser was made and has {} now; make a new optimiser",
           op_, segment.layout.shape, param.shape());
    if (param.dtype() != dtype_ || param.device() != device_) {
      has_strangers_ = true;
      return Activity::idle;
    }
    resident = bring_back(segment);
  }
  segment.grad = address(grads_, segment);
  if (const Tensor& grad = slot->grad; !grad.is_same(segment.home)) {
    if (grad.shape() != param.shape() || grad.device() != device_)
      fail("{}: a parameter {} on {} has a gradient {} on {}", op_, param.shape(), device_, grad.shape(),
           grad.device());
    if (grad.dtype() == dtype_ && grad.strides() == segment.layout.strides)
      segment.grad = grad.raw_data();
    else
      copy(grad, segment.home);
  }
  if (!resident) return Activity::copied;
  if (master_.defined() && segment.version != param.impl()->storage->version) sync_master(segment);
  return segment.grad == address(grads_, segment) ? Activity::ready : Activity::apart;
}

// Somebody else wrote to the parameter (or nobody has looked yet).
void Arena::sync_master(Segment& segment) const {
  float* master = reinterpret_cast<float*>(address(master_, segment));
  on(device_,
     [&](auto& ctx) { kernels::sync_master(ctx, dtype_, segment.count, address(params_, segment), master); });
  segment.version = segment.param.impl()->storage->version;
}

const std::vector<Arena::Run>& Arena::find_runs() {
  has_strangers_ = false;
  for (Segment& segment : segments_) {
    const Activity activity = examine(segment);
    stale_ |= activity != segment.activity;
    segment.activity = activity;
  }
  if (!stale_) return runs_;
  stale_ = false;
  ++revision_;
  runs_.clear();
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.activity == Activity::idle) continue;
    const bool follows = segment.activity == Activity::ready && !runs_.empty() && runs_.back().last == i;
    if (const Segment* before = follows ? &segments_[i - 1] : nullptr;
        before != nullptr && before->activity == Activity::ready && before->steps == segment.steps &&
        before->has_state == segment.has_state)
      ++runs_.back().last;
    else
      runs_.push_back({i, i + 1});
  }
  return runs_;
}

kernels::StepRun Arena::begin(const Run& run) {
  Segment& first = segments_[run.first];
  const Segment& last = segments_[run.last - 1];
  if (first.activity == Activity::copied) {
    copy(first.param, slot_of_param(first));
    if (master_.defined()) sync_master(first);
  }
  kernels::StepRun step{.dtype = dtype_,
                        .count = last.layout.offset + last.count - first.layout.offset,
                        .param = address(params_, first),
                        .grad = first.grad,
                        .master = nullptr,
                        .state = {}};
  if (master_.defined()) step.master = reinterpret_cast<float*>(address(master_, first));
  for (int i = 0; i < kStates; ++i)
    if (states_[i].defined()) step.state[i] = address(states_[i], first);
  return step;
}

void Arena::finish(const Run& run) {
  const Segment& first = segments_[run.first];
  if (first.activity == Activity::copied) copy(slot_of_param(first), first.param);
}

void Arena::count_step(const Run& run, bool keeps_state, bool may_be_skipped) {
  for (size_t i = run.first; i < run.last; ++i) {
    Segment& segment = segments_[i];
    Storage& storage = *segment.param.impl()->storage;
    segment.version = ++storage.version;
    storage.last_write = op_;
    ++segment.steps;
    stale_ |= segment.has_state != keeps_state;
    segment.has_state = keeps_state;
    segment.may_have_skipped |= may_be_skipped;
  }
}

void Arena::uncount_steps(int64_t count) {
  for (Segment& segment : segments_) {
    if (segment.may_have_skipped) segment.steps -= count;
    segment.may_have_skipped = false;
  }
}

void Arena::need_states(int count) {
  for (int i = 0; i < count; ++i)
    if (!states_[i].defined()) states_[i] = zero_block(params_.numel(), state_dtype_, device_);
}

void Arena::make_state(int count) {
  find_runs();
  if (count == 0 || runs_.empty()) return;
  need_states(count);
  for (const Run& run : runs_)
    for (size_t i = run.first; i < run.last; ++i) {
      Segment& segment = segments_[i];
      if (segment.has_state) continue;
      for (int k = 0; k < count; ++k) zero(part(states_[k], segment));
      segment.has_state = true;
      stale_ = true;
    }
}

Tensor Arena::state(const Segment& segment, int index) const {
  return states_[index].defined() ? part(states_[index], segment) : Tensor();
}

Tensor Arena::master(const Segment& segment) const {
  return master_.defined() ? part(master_, segment) : Tensor();
}

void Arena::zero_grad(bool set_to_none) {
  // The segment, the parameter's slot twice.
  constexpr int kOwnHandles = 3;
  for (Segment& segment : segments_) {
    Slot* slot = slot_of(*segment.param.impl());
    if (slot == nullptr || !slot->grad.defined()) continue;
    if (!set_to_none) {
      if (!slot->grad.is_leaf()) slot->grad = slot->grad.detach();
      zero(slot->grad);
      continue;
    }
    const Ref<TensorImpl>& home = segment.home.impl();
    if (slot->grad.is_same(segment.home) && (home->handles() != kOwnHandles || home->storage->handles() != 1))
      leave_home(segment);
    slot->grad = Tensor();
  }
}

}  // namespace kiln::optim
