#include <algorithm>
#include <cmath>
#include <functional>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/device/transfer.h>
#include <kiln/tensor/dtype/element.h>
#include <kiln/tensor/meta.h>

// Printing as PyTorch does (torch/_tensor_str.py): 4 digits, lines of 80, tensors of more than 1000 elements
// summarised with 3 items at each edge.

namespace kiln {
namespace {

constexpr int64_t kThreshold = 1000, kEdge = 3;
constexpr size_t kLine = 80;

struct Style {
  bool floating = false, integral_values = false, scientific = false;
  size_t width = 0;
};

class Printer {
 public:
  explicit Printer(const Tensor& x) : x_(x), summarise_(x.numel() > kThreshold) {
    visit_element(x.dtype(), "print", [&]<class T>() {
      const T* data = static_cast<const T*>(x.raw_data());
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
        text_ = [data](int64_t offset, const Style&) { return fmt::format("{}", int64_t(data[offset])); };
      else if constexpr (std::is_same_v<T, bool>)
        text_ = [data](int64_t offset, const Style&) { return std::string(data[offset] ? "True" : "False"); };
      else
        text_ = [data](int64_t offset, const Style& style) { return real(double(data[offset]), style); };
      style_.floating = is_floating(x.dtype());
      if (style_.floating) choose_style(data);
    });
    visit(0, 0, [&](int64_t offset) {
      const std::string text = text_(offset, style_);
      if (!style_.floating || counts(text)) style_.width = std::max(style_.width, text.size());
    });
  }

  std::string body() {
    std::string out;
    if (x_.dim() == 0) return text_(0, style_);
    write(out, 0, 0);
    return out;
  }

 private:
  template <class T>
  void choose_style(const T* data) {
    double low = INFINITY, high = 0;
    style_.integral_values = true;
    visit(0, 0, [&](int64_t offset) {
      const double value = std::abs(double(data[offset]));
      if (!std::isfinite(value)) return;
      if (value != std::ceil(value)) style_.integral_values = false;
      if (value == 0) return;
      low = std::min(low, value);
      high = std::max(high, value);
    });
    if (high == 0) return;
    style_.scientific = high / low > 1000 || high > 1e8 || (!style_.integral_values && low < 1e-4);
  }

  static std::string real(double value, const Style& style) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    if (style.scientific) return fmt::format("{:.4e}", value);
    return style.integral_values ? fmt::format("{:.0f}.", value) : fmt::format("{:.4f}", value);
  }

  // Zeros, NaN and infinities have no say in the width of a column.
  static bool counts(const std::string& text) { return text.find_first_of("123456789") != std::string::npos; }

  bool skips(int64_t size) const { return summarise_ && size > 2 * kEdge; }

  template <class F>
  void visit(int dim, int64_t offset, F&& f) const {
    if (dim == x_.dim() || dim == kMaxRank) return f(offset);
    const int64_t size = x_.shape()[dim];
    for (int64_t i = 0; i < size; ++i) {
      if (skips(size) && i == kEdge) i = size - kEdge;
      visit(dim + 1, offset + i * x_.strides()[dim], f);
    }
  }

  void write(std::string& out, int dim, int64_t offset) const {
    const int64_t size = x_.shape()[dim], stride = x_.strides()[dim];
    const size_t indent = 7 + size_t(dim) + 1;  // "tensor(" and the brackets
    const bool row = dim == x_.dim() - 1;
    const int64_t per_line = std::max<int64_t>(1, int64_t((kLine - indent + 1) / (style_.width + 2)));
    out += '[';
    for (int64_t i = 0, on_line = 0; i < size; ++i) {
      const bool gap = skips(size) && i == kEdge;
      if (i > 0 && row) {
        const bool wraps = ++on_line == per_line;
        out += wraps ? ",\n" + std::string(indent, ' ') : ", ";
        if (wraps) on_line = 0;
      } else if (i > 0) {
        out += ',';
        out.append(size_t(x_.dim() - 1 - dim), '\n').append(indent, ' ');
      }
      if (gap) {
        i = size - kEdge;
        out += row ? " ..., " : "...,";
        if (row)
          ++on_line;
        else
          out += std::string(size_t(x_.dim() - 1 - dim), '\n') + std::string(indent, ' ');
      }
      if (row)
        out += fmt::format("{:>{}}", text_(offset + i * stride, style_), style_.width);
      else
        write(out, dim + 1, offset + i * stride);
    }
    out += ']';
  }

  const Tensor& x_;
  bool summarise_;
  Style style_;
  std::function<std::string(int64_t offset, const Style&)> text_;
};

}  // namespace

std::string to_string(const Tensor& x) {
  if (!x.defined()) return "tensor(undefined)";
  const bool shown = !is_storage_only(x.dtype()) && x.device() != meta;
  std::string text = "tensor(";
  if (!shown)
    text += "...";
  else if (x.numel() == 0)
    text += "[]";
  else
    text += Printer(on_host(x)).body();
  if (!shown || (x.numel() == 0 && x.dim() != 1)) {
    std::string sizes;
    for (const int64_t size : x.shape()) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    text += ", size=(" + sizes + ")";
  }
  if (!x.device().is_cpu()) text += ", device='" + to_string(x.device()) + "'";
  const bool is_default =
      x.dtype() == float32 || ((x.dtype() == int64 || x.dtype() == bool8) && x.numel() > 0);
  if (!is_default) text += ", dtype=" + name_of(x.dtype());
  return text + ")";
}

}  // namespace kiln
