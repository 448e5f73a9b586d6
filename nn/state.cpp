#include <algorithm>

#include <kiln/autograd/grad_mode.h>
#include <kiln/nn/members.h>
#include <kiln/nn/names.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

namespace {

// Parameters before buffers before children, and tied tensors under each of their names: PyTorch's order.
template <class F>
void for_each_entry(const Module& module, F&& f) {
  walk(visitable(module), "", [&](const std::string& path, Module&, const Members& members) {
    for (const auto& [name, x] : members.parameters)
      if (x->defined()) f(join(path, name), *x);
    for (const auto& [name, x] : members.buffers)
      if (x->defined() && x->persistent) f(join(path, name), *x);
  });
}

bool may_be_missing(std::string_view key) { return key.ends_with("num_batches_tracked"); }

std::vector<std::string> names_of(const NamedTensors& named) {
  std::vector<std::string> names;
  for (const auto& entry : named) names.push_back(entry.name);
  return names;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& names) {
  const std::string close = closest_name(name, names);
  return close.empty() ? "" : fmt::format(" (did you mean '{}'?)", close);
}

void check_assignable(const std::string& name, const Tensor& x, const Tensor& value) {
  if (is_storage_only(value.dtype()))
    fail("load_state_dict: '{}' has dtype {}, which is storage only", name, value.dtype());
  if (!value.is_floating_point() && x.is_floating_point())
    fail("load_state_dict: '{}' is {}, the given tensor {}; convert it first", name, x.dtype(),
         value.dtype());
}

}  // namespace

StateDict Module::state_dict() const {
  std::vector<StateDict::Entry> entries;
  for_each_entry(*this, [&](const std::string& name, const Tensor& x) {
    entries.push_back({name, x.detach()});
  });
  return StateDict(std::move(entries));
}

LoadResult Module::load_state_dict(const StateDict& state, const LoadOptions& options) {
  LoadResult result;
  StateDict own;
  std::vector<std::pair<Tensor, Tensor>> pairs;
  for_each_entry(*this, [&](const std::string& name, const Tensor& x) {
    own[name] = x;
    const Tensor* value = state.find(name);
    if (value == nullptr || !value->defined()) {
      if (!may_be_missing(name)) result.missing_keys.push_back(name);
    } else if (value->shape() != x.shape()) {
      result.mismatched_keys.push_back({name, x.shape(), value->shape()});
    } else {
      check_assignable(name, x, *value);
      pairs.emplace_back(x, *value);
    }
  });
  for (const auto& [name, value] : state)
    if (!own.contains(name)) result.unexpected_keys.push_back(name);
  if (options.strict && !result.ok())
    fail("load_state_dict: the state does not fit {}: {}", type_name(), to_string(result));

  const NoGrad no_grad;
  for (const auto& [x, value] : pairs) {
    if (options.assign) {
      set_data(x, value);
      x.set_grad({});  // as of a new parameter
    } else {
      x.copy_(value.to(x.device()));
    }
  }
  return result;
}

namespace {

// Beyond these a list says no more.
constexpr size_t kShown = 5;

template <class List, class Line>
void list_first(std::string& text, const List& list, const char* kind, Line&& line) {
  for (size_t i = 0; i < std::min(list.size(), kShown); ++i) text += "\n  " + line(list[i]);
  if (list.size() > kShown) text += fmt::format("\n  and {} more {}", list.size() - kShown, kind);
}

}  // namespace

std::string to_string(const LoadResult& result) {
  if (result.ok()) return "all keys matched";
  const auto& [missing, unexpected, mismatched] = result;
  std::string text = fmt::format("{} missing, {} unexpected, {} of another shape", missing.size(),
                                 unexpected.size(), mismatched.size());
  list_first(text, missing, "missing", [&](const std::string& name) {
    return fmt::format("missing '{}'{}", name, suggestion(name, unexpected));
  });
  list_first(text, unexpected, "unexpected", [&](const std::string& name) {
    return fmt::format("unexpected '{}'{}", name, suggestion(name, missing));
  });
  list_first(text, mismatched, "of another shape", [](const ShapeMismatch& m) {
    return fmt::format("'{}' has shape {} here, {} in the state", m.name, m.expected, m.found);
  });
  return text;
}

int64_t Module::set_requires_grad(std::string_view pattern, bool value) {
  const NamedTensors named = named_parameters();
  int64_t count = 0;
  for (const auto& [name, x] : named) {
    if (!matches(pattern, name)) continue;
    x.requires_grad_(value);
    ++count;
  }
  if (count == 0)
    fail("{}: '{}' matches none of the {} parameters of {}{}", value ? "unfreeze" : "freeze", pattern,
         named.size(), type_name(), suggestion(pattern, names_of(named)));
  return count;
}

}  // namespace kiln::nn
