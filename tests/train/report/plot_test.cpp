#include <kiln/train/report/plot.h>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/files.h"

namespace kiln::io {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("plot: ticks") {
  CHECK(nice_ticks(0, 1, 6) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(nice_ticks(0.3, 9.7, 5) == std::vector<double>{2, 4, 6, 8});
  CHECK(nice_ticks(-25, 25, 6) == std::vector<double>{-20, -10, 0, 10, 20});
  CHECK(nice_ticks(1, 1, 5).empty());
  CHECK(nice_ticks(0, std::numeric_limits<double>::infinity(), 5).empty());
  for (const double high : {1e-300, 3e-7, 0.99, 1.0, 7.0, 12345.0, 9.9e99})
    for (int most = 1; most < 12; ++most) {
      const auto ticks = nice_ticks(0, high, most);
      CHECK(int(ticks.size()) <= most);
      CHECK(ticks.size() >= 1);
    }
}

namespace {

// The labels below the chart, from left to right.
std::vector<std::string> labels_of_x(const std::string& svg) {
  std::vector<std::string> labels;
  const std::string mark = "text-anchor=\"middle\" fill=\"#555\">";
  for (size_t at = svg.find(mark); at != std::string::npos; at = svg.find(mark, at + 1))
    labels.push_back(svg.substr(at + mark.size(), svg.find('<', at) - at - mark.size()));
  return labels;
}

}  // namespace

TEST_CASE("plot: whole numbers have whole ticks") {
  using Labels = std::vector<std::string>;
  const auto labels = [](const std::vector<double>& x) {
    return labels_of_x(Plot().line("a", x, std::vector<double>(x.size(), 1)).svg());
  };
  CHECK(nice_ticks(0.7, 5.3, 8, true) == std::vector<double>{1, 2, 3, 4, 5});
  CHECK(labels({1, 2, 3, 4, 5}) == Labels{"1", "2", "3", "4", "5"});
  CHECK(labels({1, 2}) == Labels{"1", "2"});
  CHECK(labels({7}) == Labels{"7"});
  CHECK(labels({0, 20}) == Labels{"0", "5", "10", "15", "20"});
  CHECK(labels({-2, 2}) == Labels{"-2", "-1", "0", "1", "2"});
  CHECK(labels({0, 2000000}) == Labels{"0", "500000", "1000000", "1500000", "2000000"});
  CHECK(labels({1, 2.5}) == Labels{"1.0", "1.2", "1.4", "1.6", "1.8", "2.0", "2.2", "2.4"});
  const std::string y = Plot().line("a", {0.5, 1.5}, {3, 4}).svg();
  CHECK(count(y, ">3<") == 1);
  CHECK(count(y, ">3.5<") == 0);
  CHECK(count(Plot({.log_y = true}).line("a", {0.5, 1.5}, {1, 1000}).svg(), ">100<") == 1);
  for (double last = 1; last < 3000; last = last * 1.3 + 1) {
    std::vector<double> x;
    for (double i = 0; i < last; ++i) x.push_back(i);
    const Labels found = labels(x);
    CAPTURE(last);
    CHECK(!found.empty());
    for (const std::string& label : found) CHECK(label.find_first_not_of("-0123456789") == std::string::npos);
  }
}

TEST_CASE("plot: what is drawn") {
  const double nan = std::nan("");
  Plot plot({.title = "a < b & \"c\"", .x_label = "x", .y_label = "y"});
  plot.line("first", {1, 2, nan, 3, 2}).points("dots", {1, 2}, {1, nan});
  const std::string svg = plot.svg();
  CHECK(count(svg, "<polyline") == 2);        // a gap in the middle
  CHECK(count(svg, "<circle") == 4 + 1 + 1);  // values, dot, dot of the legend
  CHECK(svg.find("a &lt; b &amp; &quot;c&quot;") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("plot: odd data") {
  const double inf = std::numeric_limits<double>::infinity(), big = std::numeric_limits<double>::max();
  const std::vector<std::vector<double>> rows = {
      {}, {5}, {0}, {2, 2, 2}, {inf, -inf}, {-big, big}, {1e-300, 2e-300}, {1e17, 1e17 + 16}};
  for (const auto& row : rows)
    for (const bool log : {false, true}) {
      const std::string svg = Plot({.title = "\xff", .log_y = log}).line("a", row).svg();
      CAPTURE(svg);
      CHECK(svg.find("nan") == std::string::npos);
      CHECK(svg.find("inf") == std::string::npos);
      CHECK(svg.ends_with("</svg>\n"));
    }
  CHECK(test::error_of([] { Plot().line("a", {1, 2}, {1}); }) == "plot: 'a' has 2 values of x and 1 of y");
  std::vector<double> many(1000000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = std::sin(double(i) / 1000) + double(i % 7);
  CHECK(Plot().line("a", many).svg().size() < 100000);
}

TEST_CASE("plot: saving") {
  const test::TemporaryFolder folder;
  Plot().line("a", {1, 2, 3}).save(folder / "a.svg");
  CHECK(test::read_file(folder / "a.svg").starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  const std::string missing = folder / "none/a.svg";
  CHECK(test::error_of([&] { Plot().save(missing); }) ==
        "save: cannot write '" + missing + "': No such file or directory");
}

}  // namespace kiln::io
