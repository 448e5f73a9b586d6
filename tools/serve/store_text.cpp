#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/serve/store/store.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/serve/commands.h>
#include <kiln/tools/serve/store_json.h>

// What a store says.

namespace kiln::tools {
namespace {

using serve::Event;
using serve::short_id;
using serve::Store;
using serve::Version;

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
  if (options.json) return print_json(all, kOneLine);
  print(text);
}

void store_history(const StoreOptions& options) {
  std::string text;
  Value all = Value::list();
  for (const Event& event : Store(options.store).history()) {
    text += fmt::format("{:>4}  {}  {:<8} {}  {:<10} {}\n", event.number, event.when, name_of(event.kind),
                        short_id(event.version), event.who, event.why);
    all.push_back(value_of(event));
  }
  if (options.json) return print_json(all, kOneLine);
  print(text);
}

void store_show(const StoreOptions& options) {
  const Store store(options.store);
  const Version version = store.find(options.file);
  const Value value = value_of(version, is_current(store, version));
  if (options.json) return print_json(value, kOneLine);
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
  Value differences = Value::dict();
  const auto line = [&](const std::string& name, const Value& before, const Value& after) {
    if (before == after) return;
    const auto shown = [](const Value& value) {
      const std::string word = value.is_string() ? value.as_string() : io::json_text(value);
      return value.is_none() || word.empty() ? "none" : word;
    };
    text += fmt::format("{:<16} {} -> {}\n", name, shown(before), shown(after));
    differences[name] = {{"a", before}, {"b", after}};
  };
  line("version", short_id(a.id), short_id(b.id));
  line("when", a.when, b.when);
  line("who", a.about.who, b.about.who);
  line("bytes", a.bytes, b.bytes);
  line("data", short_id(a.about.data), short_id(b.about.data));
  line("parent", short_id(a.about.parent), short_id(b.about.parent));
  const auto metric_of = [](const Version& version, const std::string& name) {
    const Value* metric = version.about.metrics.is_dict() ? version.about.metrics.find(name) : nullptr;
    return metric != nullptr ? *metric : Value();
  };
  for (const Version* version : {&a, &b})
    for (const auto& [name, metric] : version->about.metrics.entries())
      if (version == &a || metric_of(a, name.text()).is_none())
        line(name.text(), metric_of(a, name.text()), metric_of(b, name.text()));
  if (options.json) return print_json({{"a", a.id}, {"b", b.id}, {"differences", differences}}, kOneLine);
  print(text);
}

}  // namespace kiln::tools
