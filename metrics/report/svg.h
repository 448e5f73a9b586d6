#pragma once

// Internal: pictures of metrics, in the style of charts (train/report/plot.h).

#include <string>
#include <string_view>

#include <kiln/tensor/base/xml.h>
#include <kiln/tensor/fmt.h>

namespace kiln::metrics {

class Svg {
 public:
  Svg(double width, double height) {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
        "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" "
        "font-size=\"12\" fill=\"#333\">\n<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#fff\"/>\n",
        width, height);
  }
  void text(double x, double y, std::string_view content, std::string_view more = {}) {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, xml_escaped(content));
  }
  void title(double x, double y, std::string_view content) {
    text(x, y, content, "text-anchor=\"middle\" font-size=\"16\" font-weight=\"600\" fill=\"#222\"");
  }
  void turned(double x, double y, int degrees, std::string_view content, std::string_view more) {
    text(x, y, content, fmt::format("transform=\"rotate({} {:.1f} {:.1f})\" {}", degrees, x, y, more));
  }
  void rect(double x, double y, double width, double height, std::string_view more) {
    out_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}/>\n", x, y,
                        width, height, more);
  }
  void line(double x1, double y1, double x2, double y2, std::string_view more) {
    out_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2,
                        y2, more);
  }
  std::string done() { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

}  // namespace kiln::metrics
