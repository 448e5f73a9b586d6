#include <kiln/train/report/plot.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/xml.h>

namespace kiln::io {
namespace {

// Distinct for readers with any colour vision (Okabe and Ito), without the yellow that vanishes on white.
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                   "#56b4e9", "#e69f00", "#4d4d4d"};
constexpr const char* kFont = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\"";
constexpr int kLeft = 72, kRight = 20, kTop = 48, kBottom = 56;  // margins, pixels
constexpr double kLetter = 6.6;                                  // mean width of a letter of 12 pixels

// One axis: values to pixels.
struct Axis {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  double first_pixel = 0, last_pixel = 1;
  bool log = false, whole = true;
  std::vector<double> ticks;

  double scaled(double value) const { return log ? std::log10(value) : value; }
  bool shows(double value) const { return std::isfinite(value) && (!log || value > 0); }
  void include(double value) {
    if (!shows(value)) return;
    whole = whole && value == std::trunc(value);
    low = std::min(low, scaled(value));
    high = std::max(high, scaled(value));
  }
  void settle(int most_ticks) {
    if (low > high) low = 0, high = 1;
    // Halves, so that the difference of two huge numbers does not overflow.
    double margin = (high / 2 - low / 2) * 0.08;
    if (margin <= std::abs(high) * 1e-12)
      margin = std::max(std::abs(high) * 0.05, 1e-12 + (high == 0 ? 0.5 : 0));
    const double most =
        log ? std::numeric_limits<double>::max_exponent10 : std::numeric_limits<double>::max();
    low = std::max(low - margin, -most);
    high = std::min(high + margin, most);
    ticks = nice_ticks(low, high, most_ticks, whole && !log);
    if (!log) return;
    // Whole powers of ten; within one power the plain ticks of the exponent would not be round numbers.
    std::erase_if(ticks, [](double tick) { return tick != std::round(tick); });
    if (ticks.size() >= 3) return;
    ticks.clear();
    for (double power = std::floor(low); power <= high; ++power)
      for (const double digit : {1.0, 2.0, 5.0})
        if (const double tick = power + std::log10(digit); tick >= low && tick <= high) ticks.push_back(tick);
  }
  double pixel(double at) const {
    return first_pixel + (at / 2 - low / 2) / (high / 2 - low / 2) * (last_pixel - first_pixel);
  }
  double pixel_of(double value) const { return pixel(scaled(value)); }

  std::string label(size_t i) const {
    const double value = log ? std::pow(10.0, ticks[i]) : ticks[i];
    constexpr double kPlain = 1e9;  // more digits are hard to read
    if (whole && !log && std::abs(value) < kPlain) return fmt::format("{:.0f}", value);
    if (log || ticks.size() < 2) return fmt::format("{:.6g}", value);
    const double step = ticks[1] - ticks[0],
                 largest = std::max(std::abs(ticks.front()), std::abs(ticks.back()));
    if (largest >= 1e6 || step < 1e-5) return fmt::format("{:.6g}", std::abs(value) < step / 2 ? 0.0 : value);
    return fmt::format("{:.{}f}", value, std::max(0, int(-std::floor(std::log10(step) + 1e-9))));
  }
};

}  // namespace

std::vector<double> nice_ticks(double low, double high, int most, bool whole) {
  std::vector<double> ticks;
  const double range = high - low;
  if (!(range > 0) || !std::isfinite(range) || most < 1) return ticks;
  double step = std::pow(10.0, std::floor(std::log10(range / most)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (std::floor(high / (step * factor)) - std::ceil(low / (step * factor)) + 1 <= most) {
      step *= factor;
      break;
    }
  if (whole) step = std::max(step, 1.0);
  const double first = std::ceil(low / step), last = std::floor(high / step);
  for (double i = first; i <= last && int(ticks.size()) < most; ++i)
    ticks.push_back(i * step + 0.0);  // + 0.0 turns -0 into 0
  return ticks;
}

Plot& Plot::line(std::string name, std::vector<double> x, std::vector<double> y) {
  return add(std::move(name), std::move(x), std::move(y), true);
}
Plot& Plot::points(std::string name, std::vector<double> x, std::vector<double> y) {
  return add(std::move(name), std::move(x), std::move(y), false);
}
Plot& Plot::line(std::string name, std::vector<double> y) {
  std::vector<double> x(y.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = double(i + 1);
  return add(std::move(name), std::move(x), std::move(y), true);
}

Plot& Plot::add(std::string name, std::vector<double> x, std::vector<double> y, bool is_line) {
  if (x.size() != y.size()) fail("plot: '{}' has {} values of x and {} of y", name, x.size(), y.size());
  series_.push_back({std::move(name), std::move(x), std::move(y), is_line});
  return *this;
}

class PlotWriter {
 public:
  explicit PlotWriter(const Plot& plot) : options_(plot.options_), series_(plot.series_) {
    x_.first_pixel = kLeft;
    x_.last_pixel = options_.width - kRight;
    y_.first_pixel = options_.height - kBottom;
    y_.last_pixel = kTop;
    y_.log = options_.log_y;
    for (const auto& series : series_)
      for (size_t i = 0; i < series.x.size(); ++i)
        if (x_.shows(series.x[i]) && y_.shows(series.y[i])) x_.include(series.x[i]), y_.include(series.y[i]);
    x_.settle(std::max(2, options_.width / 90));
    y_.settle(std::max(2, options_.height / 55));
  }

  std::string svg() {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" {2} "
        "font-size=\"12\" fill=\"#333\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        options_.width, options_.height, kFont);
    axes();
    for (size_t i = 0; i < series_.size(); ++i) draw(series_[i], kColors[i % std::size(kColors)]);
    legend();
    return out_ + "</svg>\n";
  }

 private:
  void text(double x, double y, const char* more, const std::string& content) {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, xml_escaped(content));
  }
  void segment(double x1, double y1, double x2, double y2, const char* color) {
    out_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1,
                        y1, x2, y2, color);
  }

  void axes() {
    constexpr const char *kGrid = "#e6e6e6", *kLine = "#888";
    const double left = x_.first_pixel, right = x_.last_pixel, bottom = y_.first_pixel, top = y_.last_pixel;
    for (size_t i = 0; i < x_.ticks.size(); ++i) {
      const double at = x_.pixel(x_.ticks[i]);
      segment(at, top, at, bottom, kGrid);
      text(at, bottom + 18, "text-anchor=\"middle\" fill=\"#555\"", x_.label(i));
    }
    for (size_t i = 0; i < y_.ticks.size(); ++i) {
      const double at = y_.pixel(y_.ticks[i]);
      segment(left, at, right, at, kGrid);
      text(left - 8, at + 4, "text-anchor=\"end\" fill=\"#555\"", y_.label(i));
    }
    segment(left, bottom, right, bottom, kLine);
    segment(left, top, left, bottom, kLine);
    text((left + right) / 2, 28, "text-anchor=\"middle\" font-size=\"16\" font-weight=\"600\" fill=\"#222\"",
         options_.title);
    text((left + right) / 2, bottom + 40, "text-anchor=\"middle\"", options_.x_label);
    const double middle = (top + bottom) / 2;
    text(18, middle,
         fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 18 {:.1f})\"", middle).c_str(),
         options_.y_label);
  }

  struct Pixel {
    double x, y;
  };

  // A line of very many points is drawn by the least and greatest value of each half pixel.
  static std::vector<Pixel> thinned(const std::vector<Pixel>& run) {
    constexpr size_t kMany = 4000;
    if (run.size() <= kMany || !std::ranges::is_sorted(run, {}, &Pixel::x)) return run;
    std::vector<Pixel> result;
    for (size_t i = 0; i < run.size();) {
      size_t end = i, least = i, most = i;
      for (; end < run.size() && run[end].x < run[i].x + 0.5; ++end) {
        if (run[end].y < run[least].y) least = end;
        if (run[end].y > run[most].y) most = end;
      }
      result.push_back(run[std::min(least, most)]);
      if (least != most) result.push_back(run[std::max(least, most)]);
      i = end;
    }
    return result;
  }

  void draw_run(const std::vector<Pixel>& run, const char* color) {
    if (run.empty()) return;
    std::string where;
    for (const Pixel& p : thinned(run))
      where += fmt::format("{}{:.2f},{:.2f}", where.empty() ? "" : " ", p.x, p.y);
    out_ += fmt::format(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\" "
        "stroke-linecap=\"round\"/>\n",
        where, color);
  }
  void draw_dot(const Pixel& p, double radius, const char* color) {
    out_ += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{}\" fill=\"{}\" stroke=\"#fff\"/>\n", p.x,
                        p.y, radius, color);
  }

  void draw(const Plot::Series& series, const char* color) {
    constexpr size_t kFewPoints = 30;  // of a line, which then also shows where its values are
    std::vector<Pixel> run, dots;
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (!x_.shows(series.x[i]) || !y_.shows(series.y[i])) {
        if (series.is_line) draw_run(run, color);
        run.clear();
        continue;
      }
      run.push_back({x_.pixel_of(series.x[i]), y_.pixel_of(series.y[i])});
      dots.push_back(run.back());
    }
    if (series.is_line) draw_run(run, color);
    if (series.is_line && dots.size() > kFewPoints) return;
    for (const Pixel& dot : dots) draw_dot(dot, series.is_line ? 3 : 4.5, color);
  }

  // In the corner where the fewest values are.
  void legend() {
    size_t longest = 0;
    for (const auto& series : series_) longest = std::max(longest, series.name.size());
    if (longest == 0) return;
    const double width = 44 + double(longest) * kLetter, height = 10 + 20 * double(series_.size());
    double best_x = 0, best_y = 0;
    size_t fewest = SIZE_MAX;
    for (const double y : {y_.last_pixel + 8, y_.first_pixel - 8 - height})
      for (const double x : {x_.last_pixel - 8 - width, x_.first_pixel + 8})
        if (const size_t count = values_within(x, y, width, height); count < fewest)
          fewest = count, best_x = x, best_y = y;
    out_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"4\" fill=\"#fff\" "
        "fill-opacity=\"0.85\" "
        "stroke=\"#ddd\"/>\n",
        best_x, best_y, width, height);
    for (size_t i = 0; i < series_.size(); ++i) {
      const char* color = kColors[i % std::size(kColors)];
      const double y = best_y + 15 + 20 * double(i);
      if (series_[i].is_line)
        out_ += fmt::format(
            "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
            "stroke-width=\"2.5\"/>\n",
            best_x + 10, y, best_x + 28, y, color);
      else
        draw_dot({best_x + 19, y}, 4.5, color);
      text(best_x + 36, y + 4, "", series_[i].name);
    }
  }

  size_t values_within(double x, double y, double width, double height) const {
    size_t count = 0;
    for (const auto& series : series_)
      for (size_t i = 0; i < series.x.size(); ++i) {
        if (!x_.shows(series.x[i]) || !y_.shows(series.y[i])) continue;
        const double px = x_.pixel_of(series.x[i]) - x, py = y_.pixel_of(series.y[i]) - y;
        count += px >= -6 && px <= width + 6 && py >= -6 && py <= height + 6;
      }
    return count;
  }

  const PlotOptions& options_;
  const std::vector<Plot::Series>& series_;
  Axis x_, y_;
  std::string out_;
};

std::string Plot::svg() const { return PlotWriter(*this).svg(); }

void Plot::save(const std::string& path) const { write_text(path, svg()); }

}  // namespace kiln::io
