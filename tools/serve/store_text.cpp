#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/store/store.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/serve/commands.h>

// What a store says.

namespace kiln::tools {
namespace {

using serve::Event;
using serve::short_id;
using serve::Store;
using serve::Version;

Value value_of(const Version& version, bool is_current) {
  return {{"id", version.id},
          {"current", is_current},
          {"bytes", version.bytes},
          {"when", version.when},
          {"who", version.about.who},
          {"data", version.about.data},
          {"parent", version.about.parent},
          {"note", version.about.note},
          {"metrics", version.about.metrics}};
}

bool is_current(const Store& store, const Version& version) {
  const std::optional<Version> current = store.current();
  return current && current->id == version.id;
}

std::string metrics_of(const Version& version) {
  std::string text;
  for (const auto& [name, metric] : version.about.metrics.entries())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name.text(), io::json_text(metric));
  return text;
}

}  // namespace

void store_list(const StoreOptions& options) {
  const Store store(options.store);
  std::string text;
  Value all = Value::list();
  for (const Version& version : store.list()) {
    const bool current = is_current(store, version);
    text += fmt::format("{} {}  {}  {:<10} {:>12} bytes  {}\n", current ? "*" : " ", short_id(version.id),
                        version.when, version.about.who, version.bytes, metrics_of(version));
    all.push_back(value_of(version, current));
  }
  print(options.json ? io::json_text(all) + "\n" : text);
}

void store_history(const StoreOptions& options) {
  std::string text;
  Value all = Value::list();
  for (const Event& event : Store(options.store).history()) {
    text += fmt::format("{:>4}  {}  {:<8} {}  {:<10} {}\n", event.number, event.when, name_of(event.kind),
                        short_id(event.version), event.who, event.why);
    all.push_back({{"number", event.number},
                   {"event", name_of(event.kind)},
                   {"version", event.version},
                   {"before", event.before},
                   {"who", event.who},
                   {"when", event.when},
                   {"why", event.why}});
  }
  print(options.json ? io::json_text(all) + "\n" : text);
}

void store_show(const StoreOptions& options) {
  const Store store(options.store);
  const Version version = store.find(options.file);
  const Value value = value_of(version, is_current(store, version));
  if (options.json) return print(io::json_text(value) + "\n");
  std::string text;
  for (const auto& [name, entry] : value.entries())
    text +=
        fmt::format("{:<8} {}\n", name.text(), entry.is_string() ? entry.as_string() : io::json_text(entry));
  print(text + fmt::format("{:<8} {}\n", "file", version.path));
}

void store_diff(const StoreOptions& options) {
  const Store store(options.store);
  const Version a = store.find(options.file), b = store.find(options.other);
  std::string text;
  const auto line = [&](std::string_view name, const std::string& before, const std::string& after) {
    if (before != after)
      text += fmt::format("{:<16} {} -> {}\n", name, before.empty() ? "none" : before,
                          after.empty() ? "none" : after);
  };
  line("version", short_id(a.id), short_id(b.id));
  line("when", a.when, b.when);
  line("who", a.about.who, b.about.who);
  line("bytes", fmt::format("{}", a.bytes), fmt::format("{}", b.bytes));
  line("data", short_id(a.about.data), short_id(b.about.data));
  line("parent", short_id(a.about.parent), short_id(b.about.parent));
  for (const auto& [name, metric] : a.about.metrics.entries()) {
    const Value* after = b.about.metrics.is_dict() ? b.about.metrics.find(name.text()) : nullptr;
    line(name.text(), io::json_text(metric), after != nullptr ? io::json_text(*after) : "");
  }
  for (const auto& [name, metric] : b.about.metrics.entries())
    if (!a.about.metrics.contains(name.text())) line(name.text(), "", io::json_text(metric));
  print(text);
}

}  // namespace kiln::tools
