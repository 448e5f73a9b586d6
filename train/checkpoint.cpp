#include <kiln/train/checkpoint.h>

#include <algorithm>
#include <filesystem>

#include <kiln/autograd/grad_mode.h>
#include <kiln/io/bytes/placement.h>
#include <kiln/io/load.h>
#include <kiln/nn/module.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::train {
namespace {

// f(), whose exceptions become Errors that name the entry.
template <class F>
void naming(const std::string& entry, const std::string& where, F&& f) {
  try {
    f();
  } catch (const std::exception& error) {
    fail("checkpoint {}: entry '{}' does not fit: {}", where, entry, error.what());
  }
}

}  // namespace

Checkpoint& Checkpoint::add_checked(const std::string& name, Function<Value()> save,
                                    Function<void(const Value&)> check, Function<void(const Value&)> load) {
  for (const Entry& entry : entries_)
    if (entry.name == name) fail("checkpoint {}: there are two entries named '{}'", path_, name);
  entries_.push_back({name, std::move(save), std::move(check), std::move(load)});
  return *this;
}

Checkpoint& Checkpoint::add(const std::string& name, Function<Value()> save,
                            Function<void(const Value&)> load) {
  return add_checked(name, std::move(save), {}, std::move(load));
}

Checkpoint& Checkpoint::add(const std::string& name, nn::Module& model) {
  return add(
      name, [&model] { return Value(model.state_dict()); },
      [&model](const Value& state) { model.load_state_dict(state.as_state_dict()); });
}

// Seeds use all 64 bits, and a Value's ints are signed: the bits are kept.
Checkpoint& Checkpoint::add(const std::string& name, Generator& generator) {
  const auto read = [](const Value& state) {
    return PhiloxState{uint64_t(state.at("seed").as_int()), uint64_t(state.at("offset").as_int())};
  };
  return add_checked(
      name,
      [&generator] {
        const PhiloxState state = generator.state();
        return Value{{"seed", int64_t(state.seed)}, {"offset", int64_t(state.offset)}};
      },
      read, [&generator, read](const Value& state) { generator.set_state(read(state)); });
}

Checkpoint& Checkpoint::add(const std::string& name, std::vector<double>& list) {
  const auto read = [](const Value& value) {
    std::vector<double> numbers;
    for (const Value& item : value.items()) numbers.push_back(item.as_float());
    return numbers;
  };
  return add_checked(
      name,
      [&list] {
        return Value::list({list.begin(), list.end()});
      },
      read, [&list, read](const Value& value) { list = read(value); });
}

Checkpoint& Checkpoint::add(const std::string& name, Value& value) {
  add(
      name, [&value] { return value; }, [&value](const Value& saved) { value = saved; });
  entries_.back().keeps_handles = true;
  return *this;
}

Checkpoint& Checkpoint::add(const std::string& name, std::string& text) {
  return add_checked(
      name, [&text] { return Value(text); }, [](const Value& value) { value.as_string(); },
      [&text](const Value& value) { text = value.as_string(); });
}

Checkpoint& Checkpoint::add(const std::string& name, Tensor& tensor) {
  const auto check = [&tensor](const Value& value) {
    if (value.is_none()) return;  // it was undefined
    const Tensor& saved = value.as_tensor();
    if (tensor.defined() && (saved.shape() != tensor.shape() || saved.dtype() != tensor.dtype()))
      fail("a tensor of {} {} was saved, this one is {} {}", saved.dtype(), saved.shape(), tensor.dtype(),
           tensor.shape());
  };
  return add_checked(
      name, [&tensor] { return Value(tensor.defined() ? tensor.detach() : tensor); }, check,
      [&tensor](const Value& value) {
        const NoGrad scope;
        if (value.is_none())
          tensor = Tensor();
        else if (tensor.defined() && tensor.layout().is_non_overlapping())
          tensor.copy_(value.as_tensor().to(tensor.device()));
        else
          tensor = tensor.defined() ? value.as_tensor().to(tensor.device()) : value.as_tensor();
      });
}

void Checkpoint::does_not_hold(int64_t number) {
  fail("value: {} was saved, which the number here does not hold", number);
}

void Checkpoint::does_not_hold(double number) {
  fail("value: {} was saved, which the number here does not hold", number);
}

bool Checkpoint::exists() const { return std::filesystem::exists(path_); }

void Checkpoint::save() const {
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) fail("checkpoint {}: the folder cannot be made: {}", path_, error.message());
  io::save(path_, state());
}

void Checkpoint::load() const { restore(io::load(path_), path_); }

Value Checkpoint::state() const {
  std::vector<Value::Entry> entries;
  for (const Entry& entry : entries_) entries.push_back({entry.name, entry.save()});
  return Value::dict(std::move(entries));
}

void Checkpoint::restore(const Value& state, const std::string& where) const {
  if (!state.is_dict())
    fail("checkpoint {}: it holds a {}, not a dict of entries", where, name_of(state.kind()));
  for (const Entry& entry : entries_)
    if (std::ranges::none_of(state.entries(), [&](const auto& found) { return found.key == entry.name; }))
      fail("checkpoint {}: there is no entry '{}'", where, entry.name);
  for (const Entry& entry : entries_)
    if (entry.check) naming(entry.name, where, [&] { entry.check(state[entry.name]); });
  load_all(state, where);
}

// Whether an object takes a state is only known when it has. So what was there comes back when one does not,
// in the order of loading: a schedule may set what its optimiser has.
void Checkpoint::load_all(const Value& state, const std::string& where) const {
  std::vector<Value> before;
  for (const Entry& entry : entries_) {
    before.push_back(entry.save());
    if (!entry.keeps_handles) io::place(before.back(), {});  // as copies
  }
  size_t at = 0;
  try {
    for (; at < entries_.size(); ++at)
      naming(entries_[at].name, where, [&] { entries_[at].load(state[entries_[at].name]); });
  } catch (const Error& error) {
    std::string lost;
    for (size_t i = 0; i <= at; ++i) {
      try {
        entries_[i].load(before[i]);
      } catch (const std::exception& second) {
        lost += fmt::format("; '{}' could not be put back: {}", entries_[i].name, second.what());
      }
    }
    if (!lost.empty()) fail("{}{}", error.what(), lost);
    throw;
  }
}

}  // namespace kiln::train
