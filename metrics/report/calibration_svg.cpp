#include <algorithm>

#include <kiln/metrics/calibration.h>
#include <kiln/metrics/report/svg.h>

namespace kiln::metrics {
namespace {

constexpr double kLeft = 64, kTop = 52, kSide = 360, kGap = 26, kCounts = 84, kRight = 24, kBottom = 48;
constexpr const char *kBlue = "#0072b2", *kOrange = "#d55e00";

class Diagram {
 public:
  explicit Diagram(const Calibration& calibration)
      : calibration_(calibration),
        bins_(calibration.bins()),
        svg_(kLeft + kSide + kRight, kTop + kSide + kGap + kCounts + kBottom) {}

  std::string draw(const std::string& title) {
    svg_.title(kLeft + kSide / 2, 28, title);
    grid();
    for (const Calibration::Bin& bin : bins_)
      if (bin.weight > 0) bar(bin);
    svg_.line(kLeft, kTop + kSide, kLeft + kSide, kTop,
              "stroke=\"#666\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"");
    frame(kTop, kSide);
    legend();
    counts();
    return svg_.done();
  }

 private:
  static double x_of(double confidence) { return kLeft + confidence * kSide; }
  static double y_of(double accuracy) { return kTop + (1 - accuracy) * kSide; }

  void grid() {
    for (int i = 0; i <= 5; ++i) {
      const double at = i / 5.0;
      svg_.line(x_of(at), kTop, x_of(at), kTop + kSide, "stroke=\"#e6e6e6\"");
      svg_.line(kLeft, y_of(at), kLeft + kSide, y_of(at), "stroke=\"#e6e6e6\"");
      svg_.text(kLeft - 8, y_of(at) + 4, fmt::format("{:.1f}", at), "text-anchor=\"end\" fill=\"#555\"");
      svg_.text(x_of(at), kTop + kSide + kGap + kCounts + 18, fmt::format("{:.1f}", at),
                "text-anchor=\"middle\" fill=\"#555\"");
    }
    svg_.turned(18, kTop + kSide / 2, -90, "accuracy", "text-anchor=\"middle\"");
    svg_.text(kLeft + kSide / 2, kTop + kSide + kGap + kCounts + 38, "confidence", "text-anchor=\"middle\"");
  }

  // Blue up to the accuracy, which the thick line marks; orange between it and the confidence.
  void bar(const Calibration::Bin& bin) {
    const double x = x_of(bin.low) + 0.5, width = (bin.high - bin.low) * kSide - 1;
    const double high = std::max(bin.accuracy, bin.confidence), low = std::min(bin.accuracy, bin.confidence);
    svg_.rect(x, y_of(low), width, low * kSide, fmt::format("fill=\"{}\" fill-opacity=\"0.85\"", kBlue));
    svg_.rect(
        x, y_of(high), width, (high - low) * kSide,
        fmt::format("fill=\"{}\" fill-opacity=\"{}\"", kOrange, bin.accuracy < bin.confidence ? 0.3 : 0.5));
    svg_.rect(x, y_of(bin.accuracy) - 1, width, 2, fmt::format("fill=\"{}\"", kBlue));
  }

  void frame(double top, double height) {
    svg_.line(kLeft, top, kLeft, top + height, "stroke=\"#888\"");
    svg_.line(kLeft, top + height, kLeft + kSide, top + height, "stroke=\"#888\"");
  }

  void legend() {
    svg_.rect(kLeft + 10, kTop + 10, 132, 70, "rx=\"4\" fill=\"#fff\" fill-opacity=\"0.9\" stroke=\"#ddd\"");
    svg_.rect(kLeft + 20, kTop + 19, 14, 10, fmt::format("fill=\"{}\"", kBlue));
    svg_.text(kLeft + 42, kTop + 28, "accuracy");
    svg_.rect(kLeft + 20, kTop + 39, 14, 10,
              fmt::format("fill=\"{0}\" fill-opacity=\"0.35\" stroke=\"{0}\"", kOrange));
    svg_.text(kLeft + 42, kTop + 48, fmt::format("gap, ECE {:.4f}", calibration_.expected_error()));
    svg_.text(kLeft + 42, kTop + 68, fmt::format("largest {:.4f}", calibration_.maximum_error()));
  }

  void counts() {
    double all = 0, most = 0;
    for (const Calibration::Bin& bin : bins_) all += bin.weight, most = std::max(most, bin.weight);
    const double top = kTop + kSide + kGap;
    for (const Calibration::Bin& bin : bins_) {
      if (bin.weight <= 0) continue;
      const double height = bin.weight / most * kCounts;
      svg_.rect(x_of(bin.low) + 0.5, top + kCounts - height, (bin.high - bin.low) * kSide - 1, height,
                "fill=\"#9a9a9a\"");
    }
    frame(top, kCounts);
    svg_.text(kLeft - 8, top + 10, all > 0 ? fmt::format("{:.0f} %", 100 * most / all) : "",
              "text-anchor=\"end\" fill=\"#555\"");
    svg_.turned(18, top + kCounts / 2, -90, "samples", "text-anchor=\"middle\"");
  }

  const Calibration& calibration_;
  std::vector<Calibration::Bin> bins_;
  Svg svg_;
};

}  // namespace

std::string reliability_svg(const Calibration& calibration, const std::string& title) {
  return Diagram(calibration).draw(title);
}

}  // namespace kiln::metrics
