#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/look.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value_walk.h>
#include <kiln/tools/command.h>
#include <kiln/tools/elements.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/inspect.h>
#include <kiln/tools/output.h>

namespace kiln::tools {
namespace {

// The value's tensors and other plain values by key.
std::vector<std::pair<std::string, const Value*>> leaves(const Value& value) {
  std::vector<std::pair<std::string, const Value*>> found;
  for (ValueWalk walk(value, '.'); walk.next();)
    if (walk.value().kind() <= Value::Kind::tensor) found.emplace_back(walk.path(), &walk.value());
  return found;
}

// "" when the elements are equal within the tolerances.
std::string difference(const Tensor& a, const Tensor& b, const DiffOptions& options) {
  const std::vector<double> x = elements_of(a), y = elements_of(b);
  double largest = 0, magnitude = 0;
  int64_t count = 0, nan = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i])) magnitude = std::max(magnitude, std::abs(x[i]));
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    const double off = std::abs(x[i] - y[i]);
    if (off <= options.atol + options.rtol * std::abs(y[i])) continue;
    ++count;
    if (std::isfinite(off))
      largest = std::max(largest, off);
    else
      ++nan;
  }
  if (count == 0) return "";
  std::string text = fmt::format("{} of {} elements differ", grouped(count), grouped(int64_t(x.size())));
  if (largest > 0) text += fmt::format(", by {:.3g} at most", largest);
  if (largest > 0 && magnitude > 0) text += fmt::format(" (relative {:.3g})", largest / magnitude);
  if (nan > 0) text += fmt::format(", {} by NaN or infinity", grouped(nan));
  return text;
}

std::string difference(const Value& a, const Value& b, const DiffOptions& options) {
  if (!a.is_tensor() || !b.is_tensor())
    return a == b ? "" : fmt::format("{} | {}", one_line(to_string(a)), one_line(to_string(b)));
  const Tensor &x = a.as_tensor(), &y = b.as_tensor();
  if (x.shape() != y.shape()) return fmt::format("{} {} | {} {}", x.dtype(), x.shape(), y.dtype(), y.shape());
  std::string text = difference(io::with_data(x), io::with_data(y), options);
  if (x.dtype() != y.dtype())
    text = fmt::format("{} | {}{}{}", x.dtype(), y.dtype(), text.empty() ? "" : "; ", text);
  return text;
}

}  // namespace

bool diff(const DiffOptions& options) {
  for (const auto& [name, tolerance] : {std::pair("--atol", options.atol), {"--rtol", options.rtol}})
    if (!(tolerance >= 0)) fail("diff: {} is {}; a tolerance is a number from 0 on", name, tolerance);
  const Value a = io::look(options.a), b = io::look(options.b);
  const std::vector<std::pair<std::string, const Value*>> in_a = leaves(a), in_b = leaves(b);
  std::unordered_map<std::string_view, const Value*> others;
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
      line('-', key, one_line(to_string(*value)));
      continue;
    }
    const std::string text = difference(*value, *other, options);
    text.empty() ? void(++equal) : line('~', key, text);
  }
  for (const auto& [key, value] : in_b)
    if (const auto found = others.find(key); found != others.end() && found->second == value)
      if (!options.tensors || value->is_tensor()) line('+', key, one_line(to_string(*value)));
  out += fmt::format("{} equal, {} differ\n", grouped(equal), grouped(differing));
  print(out);
  return differing == 0;
}

}  // namespace kiln::tools
