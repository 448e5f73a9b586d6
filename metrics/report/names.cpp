#include <kiln/metrics/report/names.h>

#include <cmath>

#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {
namespace {

bool continues(char c) { return (uint8_t(c) & 0xC0) == 0x80; }  // a letter of UTF-8

}  // namespace

size_t width_of(const std::string& text) {
  size_t letters = 0;
  for (const char c : text) letters += !continues(c);
  return letters;
}

std::string padded(const std::string& text, size_t width) {
  const size_t taken = width_of(text);
  return taken >= width ? text : std::string(width - taken, ' ') + text;
}

std::vector<std::string> shown_names(const std::vector<std::string>& names, int64_t classes) {
  constexpr size_t kMost = 24;
  if (!names.empty() && int64_t(names.size()) != classes)
    fail("metrics: there are {} class names for {} classes", names.size(), classes);
  std::vector<std::string> shown;
  for (int64_t label = 0; label < classes; ++label) {
    if (names.empty()) {
      shown.push_back(std::to_string(label));
      continue;
    }
    std::string name;
    size_t letters = 0;
    for (const char c : names[size_t(label)]) {
      letters += !continues(c);
      if (letters > kMost) break;
      name += c >= 0 && c < 0x20 ? '?' : c;
    }
    shown.push_back(letters > kMost ? name + "…" : name);
  }
  return shown;
}

std::string number_text(double value, int digits) {
  if (std::isnan(value)) return "-";
  return value == std::trunc(value) && std::abs(value) < 1e15 && digits == 0
             ? fmt::format("{:.0f}", value)
             : fmt::format("{:.{}f}", value, digits);
}

}  // namespace kiln::metrics
