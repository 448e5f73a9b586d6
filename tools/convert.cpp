#include <algorithm>
#include <unordered_map>
#include <utility>

#include <kiln/io/load.h>
#include <kiln/io/look.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/tensor/value/value_walk.h>
#include <kiln/tools/command.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/leaves.h>
#include <kiln/tools/output.h>

namespace kiln::tools {
namespace {

Value read(const std::string& path) { return io::look(path); }

StateDict stripped(const StateDict& state, const std::string& prefix) {
  if (std::ranges::none_of(state, [&](const auto& entry) { return entry.name.starts_with(prefix); }))
    fail("convert: no name begins with '{}'; the first is '{}'", prefix,
         state.empty() ? "" : state.begin()->name);
  return strip_prefix(state, prefix);
}

StateDict renamed(const StateDict& state, const std::string& pattern, const std::string& replacement) {
  if (keep(state, pattern).empty())
    fail("convert: no name matches '{}', there is nothing to rename", pattern);
  return rename(state, pattern, replacement);
}

// What hangs on tensors and is not in a state dict: it follows the tensors that keep their elements.
class Attributes {
 public:
  void collect(const Value& value) {
    for (ValueWalk walk(value, '.'); walk.next();)
      if (walk.value().is_tensor() && !walk.value().attributes().is_none())
        of_.emplace(walk.value().as_tensor().impl().get(), walk.value());
  }

  Value with(const StateDict& state) const {
    Value result(state);
    for (const auto& [name, tensor] : state)
      if (const auto found = of_.find(tensor.impl().get()); found != of_.end())
        result[name].set_attributes(found->second.attributes());
    return result;
  }

  // Of which of the tensors they are lost, being others now.
  std::string lost(const StateDict& before, const StateDict& after) const {
    std::string first;
    int64_t count = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      const StateDict::Entry& entry = *(before.begin() + ptrdiff_t(i));
      if ((after.begin() + ptrdiff_t(i))->tensor.impl() == entry.tensor.impl()) continue;
      if (of_.contains(entry.tensor.impl().get()) && count++ == 0) first = entry.name;
    }
    if (count == 0) return "";
    return fmt::format("; left out, what hangs on {}{}", first,
                       count == 1 ? "" : fmt::format(" and {} more", count - 1));
  }

 private:
  std::unordered_map<const TensorImpl*, Value> of_;  // whole tensors: their addresses are not used again
};

Value surgery(const Value& value, const ConvertOptions& options, std::string& notes) {
  Attributes attributes;
  attributes.collect(value);
  std::vector<std::string> left_out;
  StateDict state = weights_of(value, options.path, &left_out);
  for (const std::string& name : left_out)
    notes += (notes.empty() ? "; left out, as no tensors: " : ", ") + name;
  if (const Value* beside = attributes_of(value); beside != nullptr && beside->size() > 0)
    notes +=
        fmt::format("; left out, as it is not in the state dict: {}{}", to_string(beside->entries()[0].key),
                    beside->size() == 1 ? "" : fmt::format(" and {} more", beside->size() - 1));
  for (const std::string& path : options.merge) {
    const Value other = read(path);
    attributes.collect(other);
    state = merge(state, weights_of(other));
  }
  for (const std::string& prefix : options.strip) state = stripped(state, prefix);
  if (!options.add.empty()) state = add_prefix(state, options.add);
  for (size_t i = 0; i + 1 < options.rename.size(); i += 2)
    state = renamed(state, options.rename[i], options.rename[i + 1]);
  for (const std::string& pattern : options.keep) state = keep(state, pattern);
  for (const std::string& pattern : options.drop) {
    const size_t before = state.size();
    state = drop(state, pattern);
    if (state.size() == before) fail("convert: no name matches '{}', there is nothing to drop", pattern);
  }
  if (state.empty()) fail("convert: no tensor is left");
  if (!options.cast.empty()) {
    const StateDict before = std::exchange(state, io::cast_later(state, dtype_from_name(options.cast)));
    notes += attributes.lost(before, state);
  }
  Value result = attributes.with(state);
  if (const Value* metadata =
          value.attributes().is_none() ? nullptr : value.attributes().find("__metadata__"))
    result.set_attributes({{"__metadata__", *metadata}});
  return result;
}

void convert_file(const ConvertOptions& options) {
  const bool cuts = options.weights || !options.path.empty() || !options.merge.empty() ||
                    !options.strip.empty() || !options.add.empty() || !options.rename.empty() ||
                    !options.keep.empty() || !options.drop.empty() || !options.cast.empty();
  Value value = read(options.in);
  std::string left_out;
  if (cuts) value = surgery(value, options, left_out);
  io::save(options.out, value, {.format = options.format, .shard_bytes = options.shard_bytes});

  int64_t bytes = 0, count = 0;
  for (const Leaf& leaf : leaves_of(value)) {
    ++count;
    if (leaf.shares.empty()) bytes += bytes_of(*leaf.tensor);
  }
  print(fmt::format("{}: {} tensor{}, {}{}\n", options.out, grouped(count), count == 1 ? "" : "s",
                    size_text(bytes), left_out));
}

}  // namespace

void convert(const ConvertOptions& options) {
  try {
    convert_file(options);
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (text.find(fmt::format("'{}'", options.in)) != text.npos) throw;
    fail("convert '{}': {}", options.in, text);
  }
}

}  // namespace kiln::tools
