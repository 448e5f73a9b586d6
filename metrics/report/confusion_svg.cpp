#include <algorithm>
#include <cmath>

#include <kiln/metrics/confusion_matrix.h>
#include <kiln/metrics/report/names.h>
#include <kiln/metrics/report/svg.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {
namespace {

constexpr double kLetter = 6.8;  // mean width of a letter of 12 pixels
constexpr double kMargin = 24, kTop = 56;

// White to a colour of Okabe and Ito's: blue for what is right, vermilion for what is not.
std::string colour(bool right, double share) {
  constexpr double kRight[] = {0, 114, 178}, kWrong[] = {213, 94, 0};
  const double* to = right ? kRight : kWrong;
  const double amount =
      share <= 0 ? 0 : 0.06 + 0.94 * std::pow(share, 0.8);  // one of a thousand is seen, too
  int rgb[3];
  for (int i = 0; i < 3; ++i) rgb[i] = int(std::lround(255 + (to[i] - 255) * amount));
  return fmt::format("#{:02x}{:02x}{:02x}", rgb[0], rgb[1], rgb[2]);
}

std::string count_text(double count) {
  if (count == std::trunc(count) && count < 1e5) return fmt::format("{:.0f}", count);
  if (count >= 1e6) return fmt::format("{:.1f}M", count / 1e6);
  return count >= 1e4 ? fmt::format("{:.0f}k", count / 1e3) : fmt::format("{:.1f}", count);
}

class Picture {
 public:
  Picture(const ConfusionMatrix& confusion, const std::vector<std::string>& names,
          const ConfusionPicture& picture)
      : confusion_(confusion),
        names_(shown_names(names, confusion.classes())),
        picture_(picture),
        cells_(double(confusion.classes())),
        cell_(confusion.classes() <= 12   ? 58
              : confusion.classes() <= 30 ? 34
              : confusion.classes() <= 60 ? 18
                                          : 12),
        label_(label_width()),
        turned_(longest() * kLetter > cell_ - 6),
        left_(kMargin + 18 + label_),
        svg_(std::max(left_ + cells_ * cell_ + kMargin, 280.0),
             kTop + cells_ * cell_ + (turned_ ? label_ : 16) + 46) {}

  std::string draw() {
    const double side = cells_ * cell_, middle = left_ + side / 2;
    svg_.title(std::max(middle, 140.0), 30, picture_.title);
    for (int64_t row = 0; row < confusion_.classes(); ++row) draw_row(row);
    svg_.rect(left_, kTop, side, side, "fill=\"none\" stroke=\"#888\"");
    for (int64_t label = 0; label < confusion_.classes(); ++label) name(label);
    svg_.turned(kMargin, kTop + side / 2, -90, "target", "text-anchor=\"middle\" fill=\"#555\"");
    svg_.text(middle, kTop + side + (turned_ ? label_ : 16) + 28, "predicted",
              "text-anchor=\"middle\" fill=\"#555\"");
    return svg_.done();
  }

 private:
  double longest() const {
    size_t most = 0;
    for (const std::string& name : names_) most = std::max(most, name.size());
    return double(most);
  }
  double label_width() const { return longest() * kLetter * (cell_ < 18 ? 0.75 : 1) + 10; }

  void draw_row(int64_t row) {
    const double all = confusion_.targets_of(row);
    for (int64_t column = 0; column < confusion_.classes(); ++column) {
      const double count = confusion_.at(row, column), share = all > 0 ? count / all : 0;
      const double x = left_ + double(column) * cell_, y = kTop + double(row) * cell_;
      svg_.rect(
          x, y, cell_, cell_,
          fmt::format("fill=\"{}\" stroke=\"#fff\"", count > 0 ? colour(row == column, share) : "#f7f7f7"));
      if (cell_ < 30 || count == 0) continue;
      const char* ink = share > 0.5 ? "#fff" : "#222";
      const bool two = picture_.normalize && cell_ > 50;
      svg_.text(x + cell_ / 2, y + cell_ / 2 + (two ? -1 : 4), count_text(count),
                fmt::format("text-anchor=\"middle\" fill=\"{}\" font-size=\"{}\"{}", ink, two ? 14 : 10,
                            row == column ? " font-weight=\"600\"" : ""));
      if (two)
        svg_.text(
            x + cell_ / 2, y + cell_ / 2 + 15, fmt::format("{:.{}f} %", 100 * share, share < 0.0995 ? 1 : 0),
            fmt::format("text-anchor=\"middle\" fill=\"{}\" fill-opacity=\"0.8\" font-size=\"10\"", ink));
    }
  }

  void name(int64_t label) {
    const std::string& text = names_[size_t(label)];
    const double at = (double(label) + 0.5) * cell_, bottom = kTop + cells_ * cell_;
    const char* size = cell_ < 18 ? " font-size=\"9\"" : "";
    svg_.text(left_ - 8, kTop + at + 4, text, fmt::format("text-anchor=\"end\"{}", size));
    if (turned_)
      svg_.turned(left_ + at + 4, bottom + 8, -90, text, fmt::format("text-anchor=\"end\"{}", size));
    else
      svg_.text(left_ + at, bottom + 18, text, fmt::format("text-anchor=\"middle\"{}", size));
  }

  const ConfusionMatrix& confusion_;
  std::vector<std::string> names_;
  const ConfusionPicture& picture_;
  double cells_, cell_, label_;
  bool turned_;
  double left_;
  Svg svg_;
};

}  // namespace

std::string confusion_svg(const ConfusionMatrix& confusion, const std::vector<std::string>& names,
                          const ConfusionPicture& picture) {
  constexpr int64_t kMost = 100;
  if (confusion.classes() > kMost)
    fail("confusion_svg: {} classes are too many for a picture, at most {} are drawn", confusion.classes(),
         kMost);
  return Picture(confusion, names, picture).draw();
}

}  // namespace kiln::metrics
