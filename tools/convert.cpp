#include <algorithm>

#include <kiln/io/load.h>
#include <kiln/io/look.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/surgery.h>
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

StateDict surgery(const Value& value, const ConvertOptions& options, std::string& notes) {
  std::vector<std::string> left_out;
  StateDict state = weights_of(value, options.path, &left_out);
  for (const std::string& name : left_out)
    notes += (notes.empty() ? "; left out, as no tensors: " : ", ") + name;
  if (const Value* attributes = attributes_of(value); attributes != nullptr && attributes->size() > 0)
    notes += fmt::format("; left out, as it is not in the state dict: {}{}",
                         to_string(attributes->entries()[0].key),
                         attributes->size() == 1 ? "" : fmt::format(" and {} more", attributes->size() - 1));
  for (const std::string& path : options.merge) state = merge(state, weights_of(read(path)));
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
  return options.cast.empty() ? state : io::cast_later(state, dtype_from_name(options.cast));
}

}  // namespace

namespace {

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

void verify(const VerifyOptions& options) {
  std::string warnings;
  const Value value = io::verify(options.file, {.warn = [&](const std::string& warning) {
                                   warnings += warning.substr(warning.find(": ") + 2) + "\n";
                                 }});
  const bool is_unsure = warnings.find("no checksum") != std::string::npos;
  int64_t bytes = 0, count = 0;
  for (const Leaf& leaf : leaves_of(value)) {
    ++count;
    if (leaf.shares.empty()) bytes += bytes_of(*leaf.tensor);
  }
  print(fmt::format("{} is whole{}: {} tensor{}, {}\n{}", options.file,
                    is_unsure ? " as far as can be told" : "", grouped(count), count == 1 ? "" : "s",
                    size_text(bytes), warnings));
}

}  // namespace kiln::tools
