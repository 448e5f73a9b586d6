#include <kiln/train/checkpoints.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/load.h>
#include <kiln/io/open.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::train {
namespace {

constexpr std::string_view kPrefix = "checkpoint-", kEnding = ".kiln";
constexpr const char* kSaved = "_saved";

// The step in a file's name; nothing when it is not one of ours.
std::optional<int64_t> step_in(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kEnding)) return {};
  name.remove_prefix(kPrefix.size());
  if (name.size() <= kEnding.size()) return {};
  name.remove_suffix(kEnding.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || step < 0) return {};
  return step;
}

}  // namespace

Checkpoints::Checkpoints(std::string folder, Options options)
    : folder_(std::move(folder)), options_(std::move(options)), state_(folder_) {
  if (options_.keep_last < 1)
    fail("checkpoints {}: keep_last is {}, at least 1 is needed", folder_, options_.keep_last);
  io::remove_abandoned(folder_, "." + std::string(kPrefix));
}

// By falling step.
std::vector<Checkpoints::File> Checkpoints::files() const {
  std::vector<std::string> names;
  if (io::file_system().list(folder_, names) != 0 && errno != ENOENT)
    fail("checkpoints {}: the folder cannot be read: {}", folder_, std::strerror(errno));
  std::vector<File> found;
  for (const std::string& name : names)
    if (const std::optional<int64_t> step = step_in(name)) found.push_back({folder_ + "/" + name, *step});
  std::ranges::sort(found, [](const File& a, const File& b) {
    return a.step != b.step ? a.step > b.step : a.path < b.path;
  });
  return found;
}

// What a file says of itself; a file that is cut or has a damaged header is skipped.
std::optional<Checkpoints::Saved> Checkpoints::read(const File& file) const {
  try {
    const io::File opened = io::open(file.path);
    const Value& said = opened.outline().at(kSaved);
    if (said.at("step").as_int() != file.step)
      fail("checkpoints: '{}' holds step {}, not that of its name", file.path, said.at("step").as_int());
    return Saved{file.path, file.step, said.at("metrics")};
  } catch (const io::SystemError& error) {
    skipped_.push_back(error.what());
    unread_.push_back(file.path);
  } catch (const Error& error) {
    skipped_.push_back(error.what());
  }
  return {};
}

std::vector<Checkpoints::Saved> Checkpoints::listed() const {
  skipped_.clear();
  unread_.clear();
  std::vector<Saved> result;
  for (const File& file : files())
    if (std::optional<Saved> saved = read(file)) result.push_back(std::move(*saved));
  return result;
}

std::optional<double> Checkpoints::score(const Saved& saved) const {
  const Value* metric = saved.metrics.find(options_.best.metric);
  if (metric == nullptr || (!metric->is_float() && !metric->is_int())) return {};
  const double value = metric->as_float();
  if (std::isnan(value)) return {};
  return options_.best.better == Better::higher ? value : -value;
}

// Best first; those without a score are left out.
std::vector<Checkpoints::Saved> Checkpoints::by_score(std::vector<Saved> all) const {
  std::erase_if(all, [&](const Saved& saved) { return !score(saved); });
  std::ranges::stable_sort(all, [&](const Saved& a, const Saved& b) { return *score(a) > *score(b); });
  return all;
}

std::optional<Checkpoints::Saved> Checkpoints::first_whole(const std::vector<Saved>& candidates) const {
  for (const Saved& saved : candidates) {
    try {
      io::load(saved.path, {.map = true});
      return saved;
    } catch (const Error& error) {
      skipped_.push_back(error.what());
    }
  }
  return {};
}

std::optional<Checkpoints::Saved> Checkpoints::latest() const { return first_whole(listed()); }

std::optional<Checkpoints::Saved> Checkpoints::best() const {
  if (options_.best.metric.empty())
    fail("checkpoints {}: best() needs a metric: {{.best = {{\"accuracy\", Better::higher}}}}", folder_);
  return first_whole(by_score(listed()));
}

bool Checkpoints::load(const std::optional<Saved>& saved) {
  if (saved) load(*saved);
  return saved.has_value();
}

void Checkpoints::load(const Saved& saved) { state_.restore(io::load(saved.path), saved.path); }

Checkpoints::Saved Checkpoints::save(int64_t step, const Value& metrics) {
  if (step < 0) fail("checkpoints {}: step {} is negative", folder_, step);
  if (!metrics.is_dict())
    fail("checkpoints {}: metrics are a dict, not {}", folder_, name_of(metrics.kind()));
  for (const auto& [name, metric] : metrics.entries())
    if (!metric.is_float() && !metric.is_int())
      fail("checkpoints {}: metric '{}' is {}, not a number", folder_, to_string(name),
           name_of(metric.kind()));
  if (!options_.best.metric.empty() && !metrics.contains(options_.best.metric))
    fail("checkpoints {}: the metrics of step {} lack '{}', which tells the best", folder_, step,
         options_.best.metric);
  if (const std::error_code error = io::make_folders(folder_))
    fail("checkpoints {}: the folder cannot be made: {}", folder_, error.message());
  io::remove_abandoned(folder_, "." + std::string(kPrefix));

  const Saved saved = {fmt::format("{}/{}{:08}{}", folder_, kPrefix, step, kEnding), step, metrics};
  Value state = state_.state();
  if (state.contains(kSaved)) fail("checkpoints {}: '{}' is a name of its own", folder_, kSaved);
  state[kSaved] = {{"step", step}, {"metrics", metrics}};
  io::save(saved.path, state);
  prune(saved);
  return saved;
}

// A damaged file takes nobody's place. It goes when it is older than all that stay. One that cannot be read
// at the moment, for lack of descriptors say, may be the best: it stays.
void Checkpoints::prune(const Saved& newest) {
  const std::vector<Saved> all = listed();
  std::vector<std::string> kept = {newest.path};
  int64_t oldest = newest.step;
  for (size_t i = 0; i < all.size() && i < size_t(options_.keep_last); ++i) {
    kept.push_back(all[i].path);
    oldest = std::min(oldest, all[i].step);
  }
  if (!options_.best.metric.empty())
    if (const std::vector<Saved> best = by_score(all); !best.empty()) kept.push_back(best[0].path);
  kept.insert(kept.end(), unread_.begin(), unread_.end());
  for (const File& file : files()) {
    const bool is_whole = std::ranges::find(all, file.path, &Saved::path) != all.end();
    const bool is_kept = std::ranges::find(kept, file.path) != kept.end();
    // Where removing fails, the next save tries again.
    if (!is_kept && (is_whole || file.step < oldest)) io::file_system().unlink(file.path);
  }
}

}  // namespace kiln::train
