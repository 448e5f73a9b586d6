#include <kiln/serve/store/history.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

constexpr const char* kNames[] = {"promote", "refuse", "rollback", "pin", "unpin", "remove"};

Event::Kind kind_of(const std::string& name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) fail("'{}' is no kind of event", name);
  return Event::Kind(found - std::begin(kNames));
}

Event event_of(const Value& value) {
  Event event = {.number = value.at("number").as_int(), .kind = kind_of(value.at("event").as_string())};
  event.version = value.at("version").as_string();
  event.before = value.at("before").as_string();
  event.who = value.at("who").as_string();
  event.when = value.at("when").as_string();
  event.why = value.at("why").as_string();
  return event;
}

}  // namespace

const char* name_of(Event::Kind kind) { return kNames[size_t(kind)]; }

Standing::Standing(const std::vector<Event>& history) {
  for (const Event& event : history) {
    if (event.kind == Event::Kind::promote) line.push_back(event.version);
    if (event.kind == Event::Kind::rollback) {
      if (!line.empty()) line.pop_back();
      const auto below = std::find(line.rbegin(), line.rend(), event.version);
      if (below == line.rend())
        line.push_back(event.version);
      else
        line.erase(below.base(), line.end());
    }
    if (event.kind == Event::Kind::pin) pinned.insert(event.version);
    if (event.kind == Event::Kind::unpin) pinned.erase(event.version);
  }
}

std::string line_of(const Event& event) {
  return io::json_text({{"number", event.number},
                        {"event", name_of(event.kind)},
                        {"version", event.version},
                        {"before", event.before},
                        {"who", event.who},
                        {"when", event.when},
                        {"why", event.why}}) +
         "\n";
}

std::vector<Event> parse_history(std::string_view text, const std::string& where) {
  constexpr size_t kDepth = 2;
  std::vector<Event> events;
  while (!text.empty()) {
    const int64_t number = int64_t(events.size()) + 1;
    const std::string place = fmt::format("{}, line {}", where, number);
    const size_t end = text.find('\n');
    if (end == text.npos) fail("{}: the line does not end", place);
    try {
      events.push_back(event_of(io::parse_json(text.substr(0, end), "the line", kDepth)));
    } catch (const Error& error) {
      fail("{}: {}", place, error.what());
    }
    if (events.back().number != number) fail("{}: it has the number {}", place, events.back().number);
    const bool takes_back = events.back().kind == Event::Kind::rollback;
    if (takes_back && events.back().before.empty()) fail("{}: a rollback of nothing", place);
    text.remove_prefix(end + 1);
  }
  return events;
}

std::string time_text(int64_t seconds_ago) {
  const std::time_t now = std::time(nullptr) - seconds_ago;
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string user_name() {
  const char* name = std::getenv("USER");
  return name != nullptr && *name != 0 ? name : fmt::format("user {}", ::geteuid());
}

}  // namespace kiln::serve
