#pragma once

#include <string>
#include <vector>

namespace kiln::io {

struct PlotOptions {
  std::string title;
  std::string x_label;
  std::string y_label;
  int width = 720, height = 440;  // pixels
  bool log_y = false;             // values of zero and below are then left out
};

// A line and scatter chart as SVG: title, axes with round ticks, grid, legend, light background. An axis on
// which all values are whole numbers, as epochs are, has whole ticks only.
//
//     io::Plot plot({.title = "Loss", .x_label = "epoch"});
//     plot.line("train", epochs, train_loss).line("test", epochs, test_loss);
//     plot.save("loss.svg");
class Plot {
 public:
  explicit Plot(PlotOptions options = {}) : options_(static_cast<PlotOptions&&>(options)) {}

  // x and y have equal lengths, else Error. A value that is not finite leaves a gap.
  Plot& line(std::string name, std::vector<double> x, std::vector<double> y);
  Plot& points(std::string name, std::vector<double> x, std::vector<double> y);
  // x = 1, 2, 3, ...
  Plot& line(std::string name, std::vector<double> y);

  std::string svg() const;
  // Written whole or not at all, like every file of io. Throws Error.
  void save(const std::string& path) const;

 private:
  struct Series {
    std::string name;
    std::vector<double> x, y;
    bool is_line;
  };
  friend class PlotWriter;

  Plot& add(std::string name, std::vector<double> x, std::vector<double> y, bool is_line);

  PlotOptions options_;
  std::vector<Series> series_;
};

// The round numbers within [low, high], a step of 1, 2 or 5 times a power of ten apart, at most `most` of
// them; `whole`: no fractions.
std::vector<double> nice_ticks(double low, double high, int most, bool whole = false);

}  // namespace kiln::io
