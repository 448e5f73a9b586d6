#include <algorithm>
#include <cmath>

#include <kiln/metrics/confusion_matrix.h>
#include <kiln/metrics/report/names.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::metrics {

std::string to_string(const ConfusionMatrix& confusion, const std::vector<std::string>& names) {
  const std::vector<std::string> shown = shown_names(names, confusion.classes());
  std::vector<std::vector<std::string>> rows = {{"target \\ predicted"}};
  rows[0].insert(rows[0].end(), shown.begin(), shown.end());
  for (int64_t target = 0; target < confusion.classes(); ++target) {
    rows.push_back({shown[size_t(target)]});
    for (int64_t predicted = 0; predicted < confusion.classes(); ++predicted) {
      const double count = confusion.at(target, predicted);
      rows.back().push_back(number_text(count, confusion.is_weighted() ? 2 : 0));
    }
  }
  std::string out;
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) out += (i == 0 ? "" : "  ") + padded(row[i], widths[i]);
    out += '\n';
  }
  return out;
}

}  // namespace kiln::metrics
