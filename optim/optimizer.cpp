#include <kiln/optim/optimizer.h>

#include <algorithm>
#include <unordered_set>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/kernels/flat/optimizer.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/range.h>
#include <kiln/tensor/device/capture.h>
#include <kiln/tensor/device/transfer.h>

namespace kiln::optim {

Optimizer::Optimizer(const char* name) : name_(name) {}
Optimizer::~Optimizer() = default;

size_t Optimizer::groups() const { return groups_.size(); }
const Tensors& Optimizer::params(size_t group) const {
  return groups_[checked(group, groups_.size())].params;
}

size_t Optimizer::checked(size_t group, size_t groups) const {
  if (group >= groups) fail("{}: there is no group {}; it has {}, counted from 0", name_, group, groups);
  return group;
}

double Optimizer::lr(size_t group) const { return const_cast<Optimizer*>(this)->lr(group); }

void Optimizer::check_params(const Tensors& params) const {
  if (params.empty()) fail("{}: got an empty parameter list", name_);
  std::unordered_set<const TensorImpl*> known;
  for (const Group& group : groups_)
    for (const Tensor& param : group.params) known.insert(param.impl().get());
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor& param = params[i];
    if (!param.defined()) fail("{}: parameter {} is an undefined tensor", name_, i);
    if (!param.is_floating_point())
      fail("{}: parameter {} holds {}; only floating-point tensors are optimised", name_, i, param.dtype());
    if (!param.is_leaf())
      fail("{}: parameter {} of shape {} is the result of an op; only leaves are optimised", name_, i,
           param.shape());
    if (!known.insert(param.impl().get()).second)
      fail("{}: parameter {} of shape {} is given twice; a parameter belongs to one group, once", name_, i,
           param.shape());
  }
}

void Optimizer::add_params(Tensors params) {
  check_params(params);
  Group group;
  group.params = std::move(params);
  arrange(group);
  groups_.push_back(std::move(group));
}

// One arena for each dtype and device.
void Optimizer::arrange(Group& group) const {
  std::vector<Tensors> kinds;
  for (const Tensor& param : group.params) {
    const auto same = std::find_if(kinds.begin(), kinds.end(), [&](const Tensors& kind) {
      return kind[0].dtype() == param.dtype() && kind[0].device() == param.device();
    });
    const size_t arena = size_t(same - kinds.begin());
    if (same == kinds.end()) kinds.emplace_back();
    group.places.push_back({arena, kinds[arena].size()});
    kinds[arena].push_back(param);
  }
  for (const Tensors& kind : kinds) group.arenas.emplace_back(name_, kind);
}

namespace {

// What an optimiser keeps for a parameter that was moved or converted. The value that a parameter of fewer
// bits is rounded from is dropped with its dtype.
void take_over(const Arena& from, const Arena::Segment& old, Arena& to, Arena::Segment& segment) {
  segment.steps = old.steps;
  segment.has_state = old.has_state;
  const auto copy = [&](const Tensor& value, const Tensor& place) {
    if (value.defined() && place.defined()) place.copy_(value.to(place.device()));
  };
  for (int i = 0; i < Arena::kStates; ++i) {
    const Tensor value = from.state(old, i);
    if (value.defined()) to.need_states(i + 1);
    copy(value, to.state(segment, i));
  }
  if (old.param.dtype() == from.dtype()) copy(from.master(old), to.master(segment));
}

}  // namespace

// After parameters of the group got another dtype or device.
void Optimizer::rearrange(size_t g) {
  if (is_capturing())
    fail("{}: parameters were moved since the last step; take a step before a graph is captured", name_);
  settle_skipped();
  skipped_ = Tensor();
  ++arrangements_;
  const NoGrad no_grad;
  Group& old = groups_[g];
  Group group{.params = old.params, .arenas = {}, .places = {}, .notes = old.notes};
  arrange(group);
  for (size_t i = 0; i < group.params.size(); ++i) {
    const Arena& from = old.arenas[old.places[i].arena];
    Arena& to = group.arenas[group.places[i].arena];
    const Arena::Segment& segment = from.segments()[old.places[i].segment];
    if (segment.layout.shape == group.params[i].shape())
      take_over(from, segment, to, to.segments()[group.places[i].segment]);
  }
  groups_[g] = std::move(group);
}

void Optimizer::find_runs(size_t g) {
  bool moved = false;
  for (Arena& arena : groups_[g].arenas) {
    arena.find_runs();
    moved |= arena.has_strangers();
  }
  if (!moved) return;
  rearrange(g);
  for (Arena& arena : groups_[g].arenas) arena.find_runs();
}

void Optimizer::step() {
  const profile::Range range(name_, ".step");
  if (!skip_.defined()) settle_skipped();
  for (size_t g = 0; g < groups_.size(); ++g) {
    find_runs(g);
    for (size_t a = 0; a < groups_[g].arenas.size(); ++a) {
      Arena& arena = groups_[g].arenas[a];
      const std::vector<Arena::Run>& runs = arena.runs();
      if (runs.empty()) continue;
      const bool recorded = arena.device().is_cuda() && is_capturing();
      const int blocks = states_needed(g);
      for (const Arena::Run& run : runs)
        if (recorded && blocks > 0 && !arena.segments()[run.first].has_state)
          fail("{}: take a step before a graph is captured: it makes the optimiser's state", name_);
      arena.need_states(blocks);
      for (const Arena::Run& run : runs) recorded ? capture_run(g, a, run) : step_run(g, a, run);
    }
  }
}

void Optimizer::step_unless(const Tensor& skip) {
  if constexpr (kCudaBuilt)
    if (skip.device().is_cuda() && can_skip_on_device()) return step_unless_there(skip);
  if (is_capturing())
    fail("{}: take a step with the gradients of all parameters before a graph is captured", name_);
  settle_skipped();
  if (skip.item<int32_t>() == 0)
    step();
  else if (skip.device().is_cpu() || !make_state())
    return;
  if (skip.device().is_cpu()) return;
  if (!skipped_.defined()) skipped_ = zeros({}, {.dtype = int64, .device = skip.device()});
  revisions_ = find_all_runs();
}

// For a step that is left out before there was one: the device can decide on the next.
bool Optimizer::make_state() {
  for (size_t g = 0; g < groups_.size(); ++g)
    if (states_needed(g) > 0 && !starts_from_zeros(g)) return false;
  for (size_t g = 0; g < groups_.size(); ++g)
    for (Arena& arena : groups_[g].arenas) arena.make_state(states_needed(g));
  return true;
}

int64_t Optimizer::find_all_runs() {
  constexpr int64_t kMostRevisions = int64_t(1) << 32;  // of one arrangement
  int64_t revisions = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    find_runs(g);
    for (const Arena& arena : groups_[g].arenas) revisions += arena.revision();
  }
  return revisions + arrangements_ * kMostRevisions;
}

// Steps that are left out are counted for all parameters together, so the same ones must step each time; and
// they have their state, because a first step differs from the others.
bool Optimizer::can_skip_on_device() { return skipped_.defined() && find_all_runs() == revisions_; }

void Optimizer::step_unless_there(const Tensor& skip) {
  const struct Scope {
    Tensor& condition;
    ~Scope() { condition = Tensor(); }
  } scope{skip_};
  skip_ = skip;
  step();
  pending_ = true;
  on(skip.device(), [&](auto& ctx) {
    if constexpr (std::is_same_v<decltype(ctx), CudaContext&>)
      kernels::count_skipped(ctx, static_cast<const int32_t*>(skip.raw_data()),
                             static_cast<int64_t*>(skipped_.raw_data()));
  });
}

void Optimizer::settle_skipped() {
  if (!pending_) return;
  const int64_t count = skipped_.item<int64_t>();
  skipped_.zero_();
  pending_ = false;
  for (Group& group : groups_)
    for (Arena& arena : group.arenas) arena.uncount_steps(count);
}

kernels::StepRun Optimizer::conditional(kernels::StepRun run) const {
  if (!skip_.defined()) return run;
  run.skip = static_cast<const int32_t*>(skip_.raw_data());
  run.skipped = static_cast<const int64_t*>(skipped_.raw_data());
  return run;
}

void Optimizer::step_run(size_t group, size_t arena, const Arena::Run& run) {
  Arena& memory = groups_[group].arenas[arena];
  const Arena::Segment& segment = memory.segments()[run.first];
  update(group, conditional(memory.begin(run)),
         {.device = memory.device(),
          .number = segment.steps + 1,
          .first = !segment.has_state,
          .numbers = nullptr});
  memory.finish(run);
  memory.count_step(run, states_needed(group) > 0 || segment.has_state, skip_.defined());
}

// The step is taken in each replay, with numbers in device memory that the host sees to before.
void Optimizer::capture_run(size_t group, size_t arena, const Arena::Run& run) {
  if constexpr (kCudaBuilt) {
    Arena& memory = groups_[group].arenas[arena];
    const Ref<Storage> place = cuda::allocate_for_replays(sizeof(kernels::StepNumbers));
    auto* numbers = static_cast<kernels::StepNumbers*>(place->data);
    update(group, conditional(memory.begin(run)),
           {.device = memory.device(), .number = 0, .first = false, .numbers = numbers});
    kernels::advance_step(cuda_context(memory.device()), numbers);
    memory.finish(run);
    cuda::before_replay([this, group, arena, run, place, may_skip = skip_.defined(), arranged = arrangements_,
                         there = kernels::StepNumbers{}]() mutable {
      if (arranged != arrangements_)
        fail("{}: the parameters were moved since the graph was captured; capture it again", name_);
      Arena& replayed = groups_[group].arenas[arena];
      const kernels::StepNumbers now{lr(group), momentum(group), replayed.segments()[run.first].steps + 1};
      if (!(now == there)) transfer(place->data, place->device, &now, cpu, sizeof now);
      there = now;
      ++there.step;
      replayed.count_step(run, states_needed(group) > 0, may_skip);
      pending_ |= may_skip;
    });
  }
}

void Optimizer::zero_grad(bool set_to_none) {
  for (Group& group : groups_)
    for (Arena& arena : group.arenas) arena.zero_grad(set_to_none);
}

const double* Optimizer::find_note(const char* key, size_t group) const {
  for (const Note& note : groups_[checked(group, groups_.size())].notes)
    if (note.key == key) return &note.value;
  return nullptr;
}

void Optimizer::set_note(const char* key, double value, size_t group) {
  for (Note& note : groups_[checked(group, groups_.size())].notes)
    if (note.key == key) {
      note.value = value;
      return;
    }
  groups_[group].notes.push_back({key, value});
}

}  // namespace kiln::optim
