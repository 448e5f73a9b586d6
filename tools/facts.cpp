#include <kiln/tools/facts.h>

#include <cmath>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/tools/elements.h>

namespace kiln::tools {

Stats stats_of(const Tensor& x) {
  Stats stats;
  if (io::has_no_data(x)) return stats;
  int64_t finite = 0;
  double squares = 0;  // of the differences from the mean: Welford's recurrence
  const auto add = [&](double value) {
    ++stats.count;
    if (std::isnan(value)) {
      ++stats.nan;
    } else if (std::isinf(value)) {
      ++stats.infinite;
    } else {
      ++finite;
      stats.min = finite == 1 ? value : std::min(stats.min, value);
      stats.max = finite == 1 ? value : std::max(stats.max, value);
      const double off = value - stats.mean;
      stats.mean += off / double(finite);
      squares += off * (value - stats.mean);
    }
  };
  Elements elements(x);
  elements.each_block([&](int64_t begin, int64_t count) {
    for (const Number number : elements.numbers(begin, count)) add(double(number));
  });
  if (finite > 0) stats.deviation = std::sqrt(squares / double(finite));
  return stats;
}

std::string to_string(const Stats& stats) {
  if (stats.count == 0) return "";
  std::string text = fmt::format("{:.4g} .. {:.4g}, mean {:.4g}, std {:.4g}", stats.min, stats.max,
                                 stats.mean, stats.deviation);
  if (stats.nan + stats.infinite == stats.count) text = "nothing finite";
  if (stats.nan > 0) text += fmt::format(", {} NaN", stats.nan);
  if (stats.infinite > 0) text += fmt::format(", {} infinite", stats.infinite);
  return text;
}

std::string sha256_of(const Tensor& x) {
  if (io::has_no_data(x)) return "no data";
  io::Sha256 sum;
  io::each_piece(x, [&](const char* data, int64_t bytes) { sum.add(data, size_t(bytes)); });
  return sum.finish();
}

int64_t bytes_of(const Tensor& x) { return x.numel() * size_of(x.dtype()); }

std::string joined(const Dims& dims) { return fmt::format("{}", fmt::join(dims, "x")); }

std::string size_text(int64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = double(bytes) / 1024;
  int unit = 0;
  for (; size >= 1024 && unit < 3; ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string grouped(int64_t number) {
  std::string text = fmt::format("{}", number);
  for (int64_t at = int64_t(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    text.insert(size_t(at), 1, ',');
  return text;
}

}  // namespace kiln::tools
