#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <kiln/autograd/ops.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/fill.h>
#include <kiln/optim/optimizer.h>
#include <kiln/tensor/base/fail.h>

// Optimizer's state_dict and load_state_dict.

namespace kiln::optim {
namespace {

constexpr const char* kMaster = "master_param";

Value step_tensor(int64_t steps) { return full({}, float(steps), {.device = cpu}); }

// Whole numbers up to 2^53, as a number or in a tensor; else -1.
int64_t read_steps(const Value& step) {
  if (step.is_tensor() && step.as_tensor().numel() != 1) return -1;
  const double steps = step.is_tensor() ? step.as_tensor().item<double>() : step.as_float();
  return steps >= 0 && steps <= 0x1p53 && steps == std::trunc(steps) ? int64_t(steps) : -1;
}

void copy_to(const Value* from, const Tensor& to) {
  if (!to.defined()) return;
  on(to.device(), [&](auto& ctx) {
    if (from != nullptr && from->is_tensor())
      kernels::copy(ctx, from->as_tensor().detach().to(to.device()), to);
    else
      kernels::fill(ctx, 0, to);
  });
}

const Value& entry(const char* op, const Value& state, const char* key) {
  const Value* value = state.is_dict() ? state.find(key) : nullptr;
  if (value == nullptr)
    fail("{}: the state to load has no '{}'; it must be what an optimiser's state_dict() gave", op, key);
  return *value;
}

}  // namespace

Value Optimizer::state_of(size_t group, const Arena& arena, const Arena::Segment& segment) const {
  Value state = Value::dict();
  if (counts_steps()) state["step"] = step_tensor(segment.steps);
  const auto names = state_names();
  for (int i = 0; i < int(names.size()); ++i) {
    if (i < states_needed(group) && segment.has_state)
      state[names[size_t(i)]] = arena.state(segment, i);
    else if (!counts_steps())
      state[names[size_t(i)]] = nullptr;
  }
  if (const Tensor master = arena.master(segment); master.defined()) state[kMaster] = master;
  return state;
}

Value Optimizer::state_dict() const {
  const_cast<Optimizer*>(this)->settle_skipped();  // counts steps as they were
  std::vector<Value::Entry> states;
  Value saved_groups = Value::list();
  int64_t index = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    Value saved = Value::dict(), indices = Value::list();
    Fields fields(saved);
    const_cast<Optimizer*>(this)->visit(g, fields);  // a writer leaves the options alone
    for (const Note& note : group.notes) saved[note.key] = note.value;
    for (const Place& place : group.places) {
      const Arena& arena = group.arenas[place.arena];
      const Arena::Segment& segment = arena.segments()[place.segment];
      if (segment.steps > 0 || segment.has_state) states.push_back({index, state_of(g, arena, segment)});
      indices.push_back(index++);
    }
    saved["params"] = std::move(indices);
    saved_groups.push_back(std::move(saved));
  }
  return {{"state", Value::dict_of_different(std::move(states))}, {"param_groups", std::move(saved_groups)}};
}

// The saved state of each parameter in our order, null where there is none.
std::vector<const Value*> Optimizer::match_states(const Value& state) const {
  const Value& saved_groups = entry(name_, state, "param_groups");
  if (!saved_groups.is_list() || saved_groups.size() != groups_.size())
    fail("{}: the state to load has {} parameter groups, this optimiser {}", name_, saved_groups.size(),
         groups_.size());
  std::unordered_map<int64_t, size_t> position_of;
  size_t position = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Value& indices = entry(name_, saved_groups.items()[g], "params");
    if (indices.size() != groups_[g].params.size())
      fail("{}: group {} of the state to load has {} parameters, this optimiser's {}", name_, g,
           indices.size(), groups_[g].params.size());
    for (const Value& index : indices.items()) position_of[index.as_int()] = position++;
  }
  std::vector<const Value*> matched(position);
  for (const auto& [key, value] : entry(name_, state, "state").entries()) {
    const auto found = key.is_int() ? position_of.find(key.number()) : position_of.end();
    if (found == position_of.end())
      fail("{}: the state to load has an entry '{}' that belongs to none of its parameters", name_,
           to_string(key));
    // PyTorch leaves an empty dict for a parameter whose state was looked at and never made.
    if (!value.is_dict() || value.size() > 0) matched[found->second] = &value;
  }
  return matched;
}

void Optimizer::check_state(size_t group, size_t index, const Tensor& param, const Value& state) const {
  const auto check = [&](const char* key, bool needed) {
    const Value* value = state.find(key);
    if (value == nullptr || value->is_none()) {
      if (needed) fail("{}: the state to load has no '{}' for parameter {}", name_, key, index);
      return;
    }
    if (!value->is_tensor() || value->as_tensor().shape() != param.shape() ||
        !value->as_tensor().is_floating_point())
      fail(
          "{}: '{}' of parameter {} must be a floating-point tensor of its shape {}, the state to load has "
          "{}",
          name_, key, index, param.shape(),
          value->is_tensor() ? to_string(value->as_tensor().shape()) : name_of(value->kind()));
  };
  if (!state.is_dict()) fail("{}: the state to load has no dict for parameter {}", name_, index);
  const auto names = state_names();
  for (int i = 0; i < int(names.size()); ++i)
    check(names[size_t(i)], counts_steps() && i < states_needed(group));
  check(kMaster, false);
  // 0: of steps that a gradient scaler left out, all of them.
  if (counts_steps() && read_steps(entry(name_, state, "step")) < 0)
    fail("{}: 'step' of parameter {} in the state to load must be a whole number of steps, at least 0", name_,
         index);
}

void Optimizer::load_state(Arena& arena, Arena::Segment& segment, const Value* state) {
  const auto names = state_names();
  segment.has_state = false;
  segment.steps = 0;
  for (int i = 0; i < int(names.size()); ++i) {
    const Value* value = state == nullptr ? nullptr : state->find(names[size_t(i)]);
    const bool present = value != nullptr && value->is_tensor();
    if (present) arena.need_states(i + 1);
    segment.has_state |= present;
    copy_to(value, arena.state(segment, i));
  }
  arena.forget_runs();
  if (state == nullptr) return;
  segment.steps = counts_steps() ? read_steps(state->at("step")) : 1;
  const Value* master = state->find(kMaster);
  if (master == nullptr || !master->is_tensor()) return;
  copy_to(master, arena.master(segment));
  arena.forget_master(segment);
}

void Optimizer::load_options(size_t group, const Value& saved) {
  Value known = Value::dict();
  Fields writer(known);
  visit(group, writer);
  Fields reader(saved, name_);
  visit(group, reader);
  check_options(group);
  groups_[group].notes.clear();
  for (const auto& [key, value] : saved.entries()) {
    const bool number = value.is_float() || value.is_int();
    if (number && key.is_text() && !known.contains(key.text()))
      set_note(key.text().c_str(), value.as_float(), group);
  }
}

void Optimizer::load_state_dict(const Value& state) {
  settle_skipped();
  const std::vector<const Value*> matched = match_states(state);
  const Value before = state_dict();
  const auto load_all_options = [&](const Value& from) {
    for (size_t g = 0; g < groups_.size(); ++g) load_options(g, from.at("param_groups").items()[g]);
  };
  try {
    load_all_options(state);
    size_t index = 0;
    for (size_t g = 0; g < groups_.size(); ++g)
      for (const Tensor& param : groups_[g].params) {
        if (matched[index] != nullptr) check_state(g, index, param, *matched[index]);
        ++index;
      }
  } catch (...) {
    load_all_options(before);
    throw;
  }
  size_t index = 0;
  for (Group& group : groups_)
    for (const Place& place : group.places) {
      Arena& arena = group.arenas[place.arena];
      load_state(arena, arena.segments()[place.segment], matched[index++]);
    }
}

}  // namespace kiln::optim
