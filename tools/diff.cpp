#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/look.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>
#include <kiln/tensor/value/value_walk.h>
#include <kiln/tools/command.h>
#include <kiln/tools/elements.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/inspect.h>
#include <kiln/tools/output.h>

namespace kiln::tools {
namespace {

bool is_leaf(const Value& value) { return value.kind() <= Value::Kind::tensor; }
// In others, what they hold is compared on its own.
bool has_content(const Value& value) { return is_leaf(value) || value.size() == 0; }

std::vector<std::pair<std::string, const Value*>> values_in(const Value& value) {
  std::vector<std::pair<std::string, const Value*>> found;
  for (ValueWalk walk(value, '.'); walk.next();) found.emplace_back(walk.path(), &walk.value());
  return found;
}

// "list", "object of the class torch.qint8"
std::string kind_of(const Value& value) {
  if (is_leaf(value)) return one_line(to_string(value));
  return value.is_object() ? "object of the class " + one_line(value.type()) : name_of(value.kind());
}

// What of two tensors of one shape differs.
struct Difference {
  Number largest = 0, magnitude = 0;
  int64_t count = 0, nan = 0;

  void add(const std::vector<Number>& x, const std::vector<Number>& y, const DiffOptions& options) {
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::isfinite(x[i])) magnitude = std::max(magnitude, std::abs(x[i]));
      if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
      const Number off = std::abs(x[i] - y[i]);
      if (off <= options.atol + options.rtol * std::abs(y[i])) continue;
      ++count;
      if (std::isfinite(off))
        largest = std::max(largest, off);
      else
        ++nan;
    }
  }

  // "" when there is none.
  std::string text(int64_t elements) const {
    if (count == 0) return "";
    std::string text = fmt::format("{} of {} elements differ", grouped(count), grouped(elements));
    if (largest > 0) text += fmt::format(", by {:.3g} at most", largest);
    if (largest > 0 && magnitude > 0) text += fmt::format(" (relative {:.3g})", largest / magnitude);
    if (nan > 0) text += fmt::format(", {} by NaN or infinity", grouped(nan));
    return text;
  }
};

std::string difference(const Tensor& a, const Tensor& b, const DiffOptions& options) {
  if (io::has_no_data(a) && io::has_no_data(b)) return "";
  if (io::has_no_data(a) || io::has_no_data(b))
    return io::has_no_data(a) ? "no data | data" : "data | no data";
  Elements x(a), y(b);
  bool same = a.dtype() == b.dtype();  // bytes; NaN is NaN here
  Difference found;
  const auto each_block = [&](auto&& look) {
    x.each_block([&](int64_t begin, int64_t count) {
      look(begin, count);
      y.leave(begin, count);
    });
  };
  each_block(
      [&](int64_t begin, int64_t count) { same = same && x.bytes(begin, count) == y.bytes(begin, count); });
  if (same) return "";
  each_block([&](int64_t begin, int64_t count) {
    found.add(x.numbers(begin, count), y.numbers(begin, count), options);
  });
  return found.text(x.size() * numbers_of(a.dtype()));
}

// Of a tensor or container of a class of its own, else "".
std::string class_of(const Value& value) {
  const bool has_one = value.kind() >= Value::Kind::tensor && value.attributes().is_object();
  return has_one ? value.attributes().type() : "";
}

std::string difference(const Value& a, const Value& b, const DiffOptions& options) {
  if (class_of(a) != class_of(b) && a.kind() == b.kind())
    return fmt::format("class {} | class {}", class_of(a).empty() ? "none" : one_line(class_of(a)),
                       class_of(b).empty() ? "none" : one_line(class_of(b)));
  if (!is_leaf(a) || !is_leaf(b))
    return kind_of(a) == kind_of(b) ? "" : fmt::format("{} | {}", kind_of(a), kind_of(b));
  if (!a.is_tensor() || !b.is_tensor())
    return a == b ? "" : fmt::format("{} | {}", one_line(to_string(a)), one_line(to_string(b)));
  const Tensor &x = a.as_tensor(), &y = b.as_tensor();
  if (x.shape() != y.shape()) return fmt::format("{} {} | {} {}", x.dtype(), x.shape(), y.dtype(), y.shape());
  if (numbers_of(x.dtype()) != numbers_of(y.dtype())) return fmt::format("{} | {}", x.dtype(), y.dtype());
  std::string text = difference(x, y, options);
  if (x.dtype() != y.dtype())
    text = fmt::format("{} | {}{}{}", x.dtype(), y.dtype(), text.empty() ? "" : "; ", text);
  return text;
}

}  // namespace

bool diff(const DiffOptions& options) {
  for (const auto& [name, tolerance] : {std::pair("--atol", options.atol), {"--rtol", options.rtol}})
    if (!(tolerance >= 0)) fail("diff: {} is {}; a tolerance is a number from 0 on", name, tolerance);
  const Value a = io::look(options.a), b = io::look(options.b);
  const std::vector<std::pair<std::string, const Value*>> in_a = values_in(a), in_b = values_in(b);
  std::unordered_map<std::string_view, const Value*, TextHash> others;
  for (const auto& [key, value] : in_b) others.emplace(key, value);

  std::string out;
  int64_t equal = 0, differing = 0;
  const auto line = [&](char mark, const std::string& key, const std::string& text) {
    ++differing;
    out += fmt::format("{} {}: {}\n", mark, one_line(key), text);
  };
  for (const auto& [key, value] : in_a) {
    const auto found = others.find(key);
    const Value* other = found == others.end() ? nullptr : found->second;
    if (other != nullptr) others.erase(found);
    if (options.tensors && !value->is_tensor() && (other == nullptr || !other->is_tensor())) continue;
    if (other == nullptr) {
      if (has_content(*value)) line('-', key, kind_of(*value));
      continue;
    }
    const std::string text = difference(*value, *other, options);
    if (!text.empty()) line('~', key, text);
    equal += text.empty() && is_leaf(*value);
  }
  for (const auto& [key, value] : in_b)
    if (const auto found = others.find(key); found != others.end() && found->second == value)
      if (options.tensors ? value->is_tensor() : has_content(*value)) line('+', key, kind_of(*value));
  out += fmt::format("{} equal, {} differ\n", grouped(equal), grouped(differing));
  print(out);
  return differing == 0;
}

}  // namespace kiln::tools
