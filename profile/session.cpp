#include <algorithm>
#include <cstdio>
#include <exception>

#include <kiln/profile/recorder.h>

namespace kiln::profile {
namespace {

double seconds_of(int64_t nanoseconds) { return double(nanoseconds) * 1e-9; }

Row row_of(const std::string& name, Kind kind, const Totals& totals) {
  Row row{.name = name, .backward = kind == Kind::backward_op};
  row.calls = totals.calls;
  row.total = seconds_of(totals.total);
  row.own = seconds_of(totals.own);
  row.device_total = seconds_of(totals.device_total);
  row.device_own = seconds_of(totals.device_own);
  row.bytes = totals.work.bytes;
  row.flop = totals.work.flop;
  return row;
}

std::vector<Row> rows_of(const Recorder& recorder, bool ranges) {
  std::vector<Row> rows;
  for (const auto& [key, totals] : recorder.rows)
    if ((key.second == Kind::range) == ranges)
      rows.push_back(row_of(recorder.texts[key.first], key.second, totals));
  std::ranges::stable_sort(rows, std::greater(),
                           [](const Row& row) { return std::pair(std::max(row.device_own, 0.0), row.own); });
  return rows;
}

bool is_inside(const std::string& path, const std::string& module) {
  return !module.empty() && path.size() > module.size() && path.starts_with(module) &&
         path[module.size()] == '.';
}

}  // namespace

Session::Session(const Options& options) : recorder_(new Recorder(options)) {}

Session::~Session() {
  try {
    stop();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "profile: %s\n", error.what());
  }
}

void Session::stop() { recorder_->stop(); }

double Session::seconds() const {
  return seconds_of((recorder_->stopped != 0 ? recorder_->stopped : now()) - recorder_->started);
}

std::vector<Row> Session::ops() {
  stop();
  return rows_of(*recorder_, false);
}

std::vector<Row> Session::ranges() {
  stop();
  return rows_of(*recorder_, true);
}

std::vector<Row> Session::modules() {
  stop();
  std::map<std::string, Row> rows;
  for (const auto& [path, module] : recorder_->modules) {
    const std::string& name = recorder_->texts[path];
    Row& row = rows[name];
    row.name = name;
    row.calls = module.calls;
    row.own = seconds_of(module.host[0] + module.host[1]);
    row.device_own = seconds_of(module.device[0] + module.device[1]);
    const auto& times = row.device_own > 0 ? module.device : module.host;
    row.own_in_forward = seconds_of(times[0]);
    row.own_in_backward = seconds_of(times[1]);
    row.bytes = module.work.bytes;
    row.flop = module.work.flop;
    // Those that only have modules inside.
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      rows[name.substr(0, dot)].name = name.substr(0, dot);
  }
  for (auto& [name, row] : rows) {
    row.total = row.own;
    row.device_total = row.device_own;
    for (auto inside = rows.upper_bound(name); inside != rows.end(); ++inside) {
      if (!is_inside(inside->first, name)) continue;
      row.total += inside->second.own;
      row.device_total += inside->second.device_own;
    }
  }
  std::vector<Row> result;
  for (auto& [name, row] : rows) result.push_back(std::move(row));
  return result;
}

}  // namespace kiln::profile
