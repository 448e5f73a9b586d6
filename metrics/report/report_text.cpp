#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include <kiln/metrics/report.h>
#include <kiln/metrics/report/names.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {

// The two forms of a report; what both need is computed once.
class ReportWriter {
 public:
  explicit ReportWriter(const Report& report)
      : report_(report),
        ranked_(report.options_.ranking ? report.ranking_.per_class() : std::vector<Ranking::OfClass>()),
        figures_(report.figures(ranked_)),
        precisions_(report.confusion_.precisions()),
        recalls_(report.confusion_.recalls()),
        f1s_(report.confusion_.fbetas(1)) {}

  std::string text() const {
    std::string out = fmt::format("samples {}\n", report_.samples_);
    for (const Report::Figure& figure : figures_) {
      const Interval& value = figure.value;
      out += fmt::format("{:<20} {:>8}", shown(figure), number_text(value.value, 4));
      if (!std::isnan(value.low))
        out += fmt::format("   {:.0f} % interval {:.4f} .. {:.4f}", 100 * report_.options_.bootstrap.level,
                           value.low, value.high);
      out += '\n';
    }
    out += '\n' + classes();
    constexpr int64_t kMost = 20;
    if (report_.confusion_.classes() <= kMost)
      out += '\n' + to_string(report_.confusion_, report_.options_.class_names);
    return out;
  }

  std::string json() const {
    using Json = nlohmann::ordered_json;
    const auto number = [](double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); };
    Json figures = Json::object(), classes = Json::array(), matrix = Json::array();
    for (const Report::Figure& figure : figures_)
      figures[figure.name] = {{"value", number(figure.value.value)},
                              {"low", number(figure.value.low)},
                              {"high", number(figure.value.high)}};
    const int64_t count = report_.confusion_.classes();
    for (int64_t label = 0; label < count; ++label) {
      const auto i = size_t(label);
      const auto& names = report_.options_.class_names;
      Json entry = {{"name", names.empty() ? std::to_string(label) : names[i]},
                    {"precision", precisions_[i]},
                    {"recall", recalls_[i]},
                    {"f1", f1s_[i]},
                    {"support", int64_t(report_.confusion_.targets_of(label))}};
      if (!ranked_.empty()) {
        entry["roc_auc"] = number(ranked_[i].roc_auc);
        entry["average_precision"] = number(ranked_[i].average_precision);
      }
      classes.push_back(std::move(entry));
      Json row = Json::array();
      for (int64_t other = 0; other < count; ++other)
        row.push_back(int64_t(report_.confusion_.at(label, other)));
      matrix.push_back(std::move(row));
    }
    const Json whole = {{"samples", report_.samples_},     {"level", report_.options_.bootstrap.level},
                        {"top_k", report_.options_.top_k}, {"figures", std::move(figures)},
                        {"classes", std::move(classes)},   {"confusion", std::move(matrix)}};
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

 private:
  std::string shown(const Report::Figure& figure) const {
    std::string name = figure.name;
    if (name == "top_k") return fmt::format("top {}", report_.options_.top_k);
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
  }

  std::string classes() const {
    const std::vector<std::string> names =
        shown_names(report_.options_.class_names, report_.confusion_.classes());
    size_t width = 5;
    for (const std::string& name : names) width = std::max(width, width_of(name));
    std::string out = padded("class", width) + "  precision  recall      f1  support";
    if (!ranked_.empty()) out += "  roc auc  avg prec";
    out += '\n';
    for (size_t i = 0; i < names.size(); ++i) {
      out += padded(names[i], width) + fmt::format("  {:>9.4f}  {:>6.4f}  {:>6.4f}  {:>7}", precisions_[i],
                                                   recalls_[i], f1s_[i],
                                                   int64_t(report_.confusion_.targets_of(int64_t(i))));
      if (!ranked_.empty())
        out += fmt::format("  {:>7}  {:>8}", number_text(ranked_[i].roc_auc, 4),
                           number_text(ranked_[i].average_precision, 4));
      out += '\n';
    }
    return out;
  }

  const Report& report_;
  std::vector<Ranking::OfClass> ranked_;
  std::vector<Report::Figure> figures_;
  std::vector<double> precisions_, recalls_, f1s_;
};

std::string Report::text() const { return ReportWriter(*this).text(); }
std::string Report::json() const { return ReportWriter(*this).json(); }

}  // namespace kiln::metrics
