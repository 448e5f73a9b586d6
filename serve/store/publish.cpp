#include <algorithm>

#include <kiln/serve/store/history.h>
#include <kiln/serve/store/lock.h>
#include <kiln/serve/store/places.h>
#include <kiln/serve/store/store.h>
#include <kiln/tensor/base/fail.h>

// What changes the history of a store.

namespace kiln::serve {

Promotion Store::publish(std::string_view id, const Evaluate& evaluate, const Rule& rule) {
  const Version candidate = find(id);
  check(candidate);
  constexpr int kAttempts = 100;  // others publish faster than this one evaluates
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::optional<Version> baseline = current();
    Decision decision = {.is_better = true, .why = "it is the first"};
    if (baseline && baseline->id == candidate.id)
      fail("store: {} is current already", short_id(candidate.id));
    if (baseline) decision = decide(evaluate(candidate, *baseline), rule);
    const std::string before = baseline ? baseline->id : "";
    if (std::optional<Promotion> promotion = publish_over(candidate, before, decision)) return *promotion;
  }
  fail("store: {} was compared with {} versions, each of which was replaced meanwhile; publish it again",
       short_id(candidate.id), kAttempts);
}

// Nothing when another version than the one that was compared has become current.
std::optional<Promotion> Store::publish_over(const Version& candidate, const std::string& baseline,
                                             const Decision& decision) {
  const FolderLock lock(folder_);
  const std::vector<Event> events = history();
  if (Standing(events).current() != baseline) return {};
  if (!read(candidate.id)) fail("store: {} was removed while it was compared", short_id(candidate.id));
  Event event = {.kind = decision.is_better ? Event::Kind::promote : Event::Kind::refuse,
                 .version = candidate.id,
                 .before = baseline,
                 .why = decision.why};
  return Promotion{decision.is_better, decision, append(events, std::move(event))};
}

Event Store::promote(std::string_view id, const std::string& why) {
  return make_current(Event::Kind::promote, find(id), why);
}

Event Store::make_current(Event::Kind kind, const Version& version, const std::string& why) {
  check(version);
  const FolderLock lock(folder_);
  const std::vector<Event> events = history();
  const std::string before = Standing(events).current();
  if (before == version.id) fail("store: {} is current already", short_id(version.id));
  if (kind == Event::Kind::rollback && before.empty())
    fail("store: nothing is current, so there is nothing to roll back");
  if (!read(version.id)) fail("store: {} was removed meanwhile", short_id(version.id));
  return append(events, {.kind = kind, .version = version.id, .before = before, .why = why});
}

Event Store::rollback(std::string_view id, const std::string& why) {
  if (!id.empty()) return make_current(Event::Kind::rollback, find(id), why);
  const Standing standing(history());
  if (standing.line.size() < 2)
    fail("store: no version was current before {}; name one", short_id(standing.current()));
  return make_current(Event::Kind::rollback, find(standing.line[standing.line.size() - 2]), why);
}

Event Store::pin(std::string_view id) {
  const FolderLock lock(folder_);
  return append(history(), {.kind = Event::Kind::pin, .version = find(id).id});
}

Event Store::unpin(std::string_view id) {
  const FolderLock lock(folder_);
  return append(history(), {.kind = Event::Kind::unpin, .version = find(id).id});
}

std::vector<std::string> Store::collect(const Keep& keep) {
  if (keep.rollbacks < 0 || keep.seconds < 0)
    fail("store: {} rollbacks and {} seconds cannot be kept; give 0 or more", keep.rollbacks, keep.seconds);
  const FolderLock lock(folder_);
  store::clear_up(folder_);
  std::vector<Event> events = history();
  const Standing standing(events);
  std::set<std::string> kept = standing.pinned;
  const size_t last = std::min(standing.line.size(), size_t(keep.rollbacks) + 1);
  kept.insert(standing.line.end() - ptrdiff_t(last), standing.line.end());
  const std::string oldest = time_text(keep.seconds);

  std::vector<std::string> removed;
  for (const Version& version : list()) {
    if (kept.contains(version.id) || version.when > oldest) continue;
    events.push_back(
        append(events, {.kind = Event::Kind::remove, .version = version.id, .before = standing.current()}));
    store::remove(folder_, version.id);
    removed.push_back(version.id);
  }
  return removed;
}

}  // namespace kiln::serve
