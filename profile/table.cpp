#include <algorithm>

#include <kiln/profile/recorder.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::profile {
namespace {

// Three digits and a unit: "1.23 ms", "45.6 MB".
std::string with_unit(double x, const char* unit) {
  static constexpr const char* prefixes[] = {"", "k", "M", "G", "T", "P"};
  size_t i = 0;
  while (x >= 999.5 && i + 1 < std::size(prefixes)) {
    x /= 1000;
    ++i;
  }
  return fmt::format("{:.{}f} {}{}", x, x >= 99.95 || x == 0 ? 0 : x >= 9.995 ? 1 : 2, prefixes[i], unit);
}

std::string time_text(double seconds) {
  if (seconds >= 0.9995) return fmt::format("{:.2f} s", seconds);
  return seconds >= 0.9995e-3 ? fmt::format("{:.2f} ms", 1e3 * seconds)
                              : fmt::format("{:.2f} us", 1e6 * seconds);
}

std::string share_text(double part, double seconds, double peak) {
  if (part == 0 || seconds <= 0 || peak <= 0) return "";
  return fmt::format("{:.1f} %", 100 * part / seconds / peak);
}

// Lines of cells, the first flush left, the others flush right.
class Text {
 public:
  void line(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
  std::string str() const {
    std::vector<size_t> widths(lines_[0].size());
    for (const auto& cells : lines_)
      for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    std::string text;
    for (const auto& cells : lines_) {
      std::string line = fmt::format("{:<{}}", cells[0], widths[0]);
      for (size_t i = 1; i < cells.size(); ++i) line += fmt::format("  {:>{}}", cells[i], widths[i]);
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> lines_;
};

enum class Part { ops, modules, ranges };

struct Shown {
  Part part;
  bool device;
  double seconds;  // all of the session
  Peak peak;
};

std::vector<std::string> head(const Shown& shown) {
  static constexpr const char* names[] = {"op", "module", "range"};
  std::vector<std::string> cells{names[int(shown.part)], shown.part == Part::modules ? "ops" : "calls",
                                 "total", "own", "% of time"};
  if (shown.device) cells.insert(cells.end(), {"GPU total", "GPU own"});
  if (shown.part == Part::modules) cells.insert(cells.end(), {"forward", "backward"});
  cells.insert(cells.end(), {"moved", "FLOP", "of copy", "of FLOP/s"});
  return cells;
}

std::vector<std::string> cells_of(const Row& row, const Shown& shown) {
  std::string name = row.name.empty() ? "(outside of modules)" : row.name;
  if (row.backward) name += " (backward)";
  std::vector<std::string> cells{name, fmt::to_string(row.calls), time_text(row.total), time_text(row.own),
                                 fmt::format("{:.1f} %", 100 * row.own / shown.seconds)};
  if (shown.device) cells.insert(cells.end(), {time_text(row.device_total), time_text(row.device_own)});
  if (shown.part == Part::modules)
    cells.insert(cells.end(), {time_text(row.own_in_forward), time_text(row.own_in_backward)});
  const double host = shown.part == Part::ranges ? row.total : row.own,
               device = shown.part == Part::ranges ? row.device_total : row.device_own,
               time = shown.device && device > 0 ? device : host;
  cells.push_back(row.bytes == 0 ? "" : with_unit(double(row.bytes), "B"));
  cells.push_back(row.flop == 0 ? "" : with_unit(double(row.flop), ""));
  cells.push_back(share_text(double(row.bytes), time, shown.peak.bandwidth));
  cells.push_back(share_text(double(row.flop), time, shown.peak.flops));
  return cells;
}

std::string part_text(const std::vector<Row>& rows, const Shown& shown, int64_t most) {
  if (rows.empty()) return "";
  Text text;
  text.line(head(shown));
  const size_t count = std::min(rows.size(), size_t(std::max<int64_t>(most, 0)));
  for (size_t i = 0; i < count; ++i) text.line(cells_of(rows[i], shown));
  std::string result = "\n" + text.str();
  if (count < rows.size()) result += fmt::format("... and {} more\n", rows.size() - count);
  return result;
}

}  // namespace

std::string Session::table(int64_t rows) {
  stop();
  const Device device = recorder_->used_device ? recorder_->device : cpu;
  Shown shown{Part::ops, recorder_->used_device, seconds(), measured_peak(device)};
  std::string text =
      fmt::format("{} recorded; {} reaches {} and copies {}\n", time_text(shown.seconds),
                  device.is_cpu() ? "this CPU" : to_string(device), with_unit(shown.peak.flops, "FLOP/s"),
                  with_unit(shown.peak.bandwidth, "B/s"));
  text += part_text(ops(), shown, rows);
  shown.part = Part::modules;
  text += part_text(modules(), shown, rows);
  shown.part = Part::ranges;
  text += part_text(ranges(), shown, rows);
  return text;
}

}  // namespace kiln::profile
