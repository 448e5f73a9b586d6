#include <kiln/tensor/device/found.h>

#include <bit>
#include <charconv>
#include <mutex>
#include <unordered_set>

#include <kiln/tensor/base/fail.h>

namespace kiln {
namespace {

constexpr std::string_view kOf = "at of ", kOver = "at / ";

// The numbers in "[3,4]".
Dims numbers_in(std::string_view text) {
  Dims numbers;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    int64_t number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error == std::errc()) numbers.push_back(number);
    at = error == std::errc() ? stop : at + 1;
  }
  return numbers;
}

std::string position_in(const Dims& shape, int64_t at) {
  Dims position = shape;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    position[d] = at % shape[d];
    at /= shape[d];
  }
  return to_string(position);
}

std::string number_for(std::string_view name, int64_t value, int64_t at, int64_t last) {
  if (name == "value") return std::to_string(value);
  if (name == "real") return fmt::format("{}", std::bit_cast<double>(value));
  if (name == "last") return std::to_string(last);
  if (name.starts_with(kOf)) return position_in(numbers_in(name.substr(kOf.size())), at);
  if (name.starts_with(kOver)) return std::to_string(at / numbers_in(name.substr(kOver.size()))[0]);
  return std::to_string(at);
}

}  // namespace

std::string filled(std::string_view text, int64_t value, int64_t at, int64_t last) {
  std::string result;
  while (!text.empty()) {
    const size_t open = text.find('{'), close = text.find('}', open);
    result += text.substr(0, open);
    if (close == std::string_view::npos) break;
    result += number_for(text.substr(open + 1, close - open - 1), value, at, last);
    text.remove_prefix(close + 1);
  }
  return result;
}

const char* kept_text(const std::string& text) {
  static std::mutex mutex;
  static auto* texts = new std::unordered_set<std::string>;  // never destroyed: a kernel may still name one
  const std::lock_guard lock(mutex);
  return texts->insert(text).first->c_str();
}

}  // namespace kiln
