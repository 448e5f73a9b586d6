#include <kiln/project/fit/history.h>

#include <cmath>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>
#include <kiln/train/report/plot.h>

namespace kiln::project {
namespace {

std::vector<double> column(const History& history, const std::string& name) {
  std::vector<double> values;
  for (const Value& epoch : history) {
    const Value* value = epoch.find(name);
    values.push_back(value != nullptr ? value->as_float() : NAN);
  }
  return values;
}

}  // namespace

bool should_fall(const std::string& metric) {
  return metric == "loss" || metric == "brier" || metric == "ece";
}

int64_t best_of(const History& history, const std::string& metric) {
  const std::vector<double> values = column(history, "validation/" + metric);
  int64_t best = -1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != values[i]) continue;
    if (best < 0 ||
        (should_fall(metric) ? values[i] < values[size_t(best)] : values[i] > values[size_t(best)]))
      best = int64_t(i);
  }
  return best;
}

void write_history(const std::string& folder, const History& history, const std::string& metric) {
  Value list = Value::list();
  for (const Value& epoch : history) list.push_back(epoch);
  io::write_text(folder + "/history.json", io::json_text(list, 1) + "\n");
  io::Plot({.title = "loss", .x_label = "epoch"})
      .line("training", column(history, "loss"))
      .line("validation", column(history, "validation/loss"))
      .save(folder + "/loss.svg");
  if (metric != "loss")
    io::Plot({.title = metric, .x_label = "epoch"})
        .line("validation", column(history, "validation/" + metric))
        .save(folder + "/metric.svg");
}

}  // namespace kiln::project
