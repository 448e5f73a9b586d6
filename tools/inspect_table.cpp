#include <sys/stat.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value_walk.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/inspect.h>

namespace kiln::tools {
namespace {

// One line of the table: what belongs to a tensor stands in columns, anything else is free text.
struct Line {
  std::string name;
  bool is_tensor = false;
  std::string dtype, shape, size, notes, text;
};

bool is_plain(const Value& value) { return value.kind() < Value::Kind::tensor; }
bool has_children(const Value& value) { return value.kind() > Value::Kind::tensor; }
bool has_keys(const Value& value) { return value.kind() >= Value::Kind::dict; }

// One line has the values and what they mean.
bool is_quantized(const Value& value) {
  return is_tensor_of_parts(value) && value.entries()[0].key == "values" &&
         std::ranges::all_of(value.entries(),
                             [](const auto& entry) { return entry.value.kind() <= Value::Kind::tensor; });
}

// A list of few scalars fits in its line.
bool is_short(const Value& value) {
  if (!value.is_list() && !value.is_tuple()) return is_plain(value);
  constexpr size_t kShort = 8;
  return value.size() <= kShort && std::ranges::all_of(value.items(), is_plain);
}

class Table {
 public:
  Table(const Value& value, const InspectOptions& options) : leaves_(leaves_of(value)), options_(options) {
    const bool has_root = !has_children(value) || is_quantized(value);
    for (ValueWalk walk(value, '.'); walk.next();) {
      if (walk.depth() == 0 && !has_root) continue;
      const size_t indent = 2 * (walk.depth() - (has_root ? 0 : 1));
      line(std::string(indent, ' ') + one_line(walk.name()), walk);
    }
  }

  std::string text() const {
    size_t name = 0, dtype = 0, shape = 0, size = 0;
    for (const Line& line : lines_) {
      if (!line.is_tensor) continue;
      name = std::max(name, line.name.size());
      dtype = std::max(dtype, line.dtype.size());
      shape = std::max(shape, line.shape.size());
      size = std::max(size, line.size.size());
    }
    std::string out;
    for (const Line& line : lines_) {
      std::string row = line.is_tensor
                            ? fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}  {}", line.name, name, line.dtype,
                                          dtype, line.shape, shape, line.size, size, line.notes)
                            : line.name + (line.name.ends_with(' ') ? "" : "  ") + line.text;
      row.erase(row.find_last_not_of(' ') + 1);
      out += row + "\n";
    }
    return out;
  }

  std::string totals() const {
    int64_t elements = 0, bytes = 0, shared = 0;
    std::vector<std::pair<std::string, int64_t>> types;
    for (const Leaf& leaf : leaves_) {
      const Tensor& x = *leaf.tensor;
      if (!leaf.shares.empty()) {
        ++shared;
        continue;
      }
      elements += x.numel();
      bytes += bytes_of(x);
      const std::string& type = leaf.dtype;
      const auto known = std::ranges::find(types, type, &std::pair<std::string, int64_t>::first);
      (known == types.end() ? types.emplace_back(type, 0) : *known).second += bytes_of(x);
    }
    std::string out = fmt::format("{} tensor{}, {} elements, {}", grouped(int64_t(leaves_.size())),
                                  leaves_.size() == 1 ? "" : "s", grouped(elements), size_text(bytes));
    if (types.size() == 1) out += " of " + types[0].first;
    if (types.size() > 1) {
      std::string parts;
      for (const auto& [type, size] : types)
        parts += (parts.empty() ? "" : ", ") + size_text(size) + " of " + type;
      out += " (" + parts + ")";
    }
    if (shared > 0) out += fmt::format("; {} share memory with others and are counted once", grouped(shared));
    return out;
  }

 private:
  // For the present value; skips what has none of its own.
  void line(std::string name, ValueWalk& walk) {
    const Value& value = walk.value();
    Line& line = lines_.emplace_back();
    line.name = std::move(name);
    if (value.is_tensor()) {
      describe(leaves_[next_++], line);
      if (value.attributes().is_object())
        line.notes += (line.notes.empty() ? "" : "; ") + one_line(value.attributes().type());
      return;
    }
    if (is_quantized(value)) {
      walk.skip_content();
      return quantized(value, line);
    }
    if (is_short(value)) {
      walk.skip_content();
      line.text = to_string(value);
      return;
    }
    line.text = value.is_object() ? one_line(value.type())
                                  : fmt::format("{} of {}", name_of(value.kind()), value.size());
    const bool is_plain_list = !has_keys(value) && std::ranges::all_of(value.items(), is_plain);
    if (is_plain_list)
      line.text += fmt::format(": {}, {}, .. {}", to_string(value.items()[0]), to_string(value.items()[1]),
                               to_string(value.items().back()));
    if (is_plain_list) walk.skip_content();
  }

  // One line: the integers, and how they are meant.
  void quantized(const Value& value, Line& line) {
    std::string meaning;
    for (const auto& [key, part] : value.entries()) {
      if (&part == &value.entries()[0].value) continue;
      meaning += (meaning.empty() ? "" : ", ") + to_string(key) + " " + to_string(part);
    }
    describe(leaves_[next_], line);
    line.notes += (line.notes.empty() ? "" : "; ") + meaning;
    for (const auto& [key, part] : value.entries()) next_ += part.is_tensor() ? 1 : 0;
  }

  void describe(const Leaf& leaf, Line& line) const {
    const Tensor& x = *leaf.tensor;
    line.is_tensor = true;
    line.dtype = leaf.dtype;
    line.shape = kiln::to_string(x.shape());
    line.size = size_text(bytes_of(x));
    const auto note = [&](const std::string& text) {
      if (!text.empty()) line.notes += (line.notes.empty() ? "" : "; ") + text;
    };
    if (options_.stats) note(to_string(stats_of(x)));
    if (!x.is_contiguous())
      note(x.layout().is_channels_last() ? "channels last" : fmt::format("strides {}", x.strides()));
    if (!leaf.shares.empty()) note("shares memory with " + one_line(leaf.shares));
    if (options_.sha256) note(sha256_of(x));
  }

  std::vector<Leaf> leaves_;
  size_t next_ = 0;
  const InspectOptions& options_;
  std::vector<Line> lines_;
};

}  // namespace

std::string table_text(const Value& value, const InspectOptions& options) {
  struct stat info = {};
  const bool known = ::stat(options.file.c_str(), &info) == 0;
  std::string head = options.file;
  if (known) head += ", " + size_text(info.st_size);
  if (value.is_object())
    head += fmt::format(": {} with {} entries", one_line(value.type()), value.size());
  else if (has_children(value))
    head += fmt::format(": {} of {}", name_of(value.kind()), value.size());
  const Table table(value, options);
  std::string text = head + "\n\n" + table.text();
  if (const Value* attributes = attributes_of(value))
    text += "\nnot in the state dict:\n" + Table(*attributes, options).text();
  const Value* metadata = value.attributes().is_none() ? nullptr : value.attributes().find("__metadata__");
  if (metadata != nullptr && metadata->is_dict() && metadata->size() > 0)
    text += "\n__metadata__:\n" + Table(*metadata, options).text();
  text += "\n" + table.totals() + "\n";
  if (const int64_t hidden = tensors_in_keys(value); hidden > 0) text += in_keys_text(hidden) + "\n";
  return text;
}

}  // namespace kiln::tools
