#include <kiln/train/checkpoint.h>

#include <filesystem>

#include <kiln/io/load.h>
#include <kiln/nn/module.h>
#include <kiln/tensor/fail.h>

namespace kiln::train {

Checkpoint& Checkpoint::add(const std::string& name, Function<Value()> save,
                            Function<void(const Value&)> load) {
  for (const Entry& entry : entries_)
    if (entry.name == name) fail("checkpoint {}: there are two entries named '{}'", path_, name);
  entries_.push_back({name, std::move(save), std::move(load)});
  return *this;
}

Checkpoint& Checkpoint::add(const std::string& name, nn::Module& model) {
  return add(
      name, [&model] { return Value(model.state_dict()); },
      [&model](const Value& state) { model.load_state_dict(state.as_state_dict()); });
}

// Seeds use all 64 bits, and a Value's ints are signed: the bits are kept.
Checkpoint& Checkpoint::add(const std::string& name, Generator& generator) {
  return add(
      name,
      [&generator] {
        const PhiloxState state = generator.state();
        return Value{{"seed", int64_t(state.seed)}, {"offset", int64_t(state.offset)}};
      },
      [&generator](const Value& state) {
        generator.set_state({uint64_t(state.at("seed").as_int()), uint64_t(state.at("offset").as_int())});
      });
}

Checkpoint& Checkpoint::add(const std::string& name, std::vector<double>& list) {
  return add(
      name,
      [&list] {
        return Value::list({list.begin(), list.end()});
      },
      [&list](const Value& value) {
        list.clear();
        for (const Value& item : value.items()) list.push_back(item.as_float());
      });
}

Checkpoint& Checkpoint::add(const std::string& name, Value& value) {
  return add(
      name, [&value] { return value; }, [&value](const Value& saved) { value = saved; });
}

Checkpoint& Checkpoint::add(const std::string& name, std::string& text) {
  return add(
      name, [&text] { return Value(text); }, [&text](const Value& value) { text = value.as_string(); });
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
  for (const Entry& entry : entries_) {
    if (!state.contains(entry.name)) fail("checkpoint {}: there is no entry '{}'", where, entry.name);
    try {
      entry.load(state[entry.name]);
    } catch (const Error& error) {
      fail("checkpoint {}: entry '{}' does not fit: {}", where, entry.name, error.what());
    }
  }
}

}  // namespace kiln::train
