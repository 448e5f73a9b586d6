#include <charconv>
#include <cstdlib>
#include <filesystem>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>
#include <kiln/project/evaluate.h>
#include <kiln/project/open_data.h>
#include <kiln/serve/store/store.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/progress_bar.h>
#include <kiln/tools/serve/commands.h>
#include <kiln/tools/serve/store_json.h>

// What changes a store.

namespace kiln::tools {
namespace {

using serve::Event;
using serve::short_id;
using serve::Store;
using serve::Version;

std::string hash_of_file(const std::string& path) {
  const io::InputFile file(path);
  const std::string text = file.read(0, file.size());
  io::Sha256 hash;
  hash.add(text.data(), text.size());
  return hash.finish();
}

// "accuracy=0.91"
void add_metric(Value& metrics, const std::string& text) {
  const size_t equals = text.find('=');
  double number = 0;
  const char* begin = text.c_str() + equals + 1;
  const auto [end, error] = std::from_chars(begin, text.c_str() + text.size(), number);
  if (equals == text.npos || error != std::errc() || end != text.c_str() + text.size())
    fail("store: '{}' is no metric; give name=number", text);
  metrics[text.substr(0, equals)] = number;
}

// Metrics are those of the model's card, where it has one, and of the command.
serve::About about_of(const StoreOptions& options) {
  serve::About about = {.note = options.note};
  try {
    for (const auto& [name, number] : models::load_card(options.file).metrics) about.metrics[name] = number;
  } catch (const Error& error) {
    fail("store: only whole models are kept (kiln train writes them): {}", error.what());
  }
  for (const std::string& metric : options.metrics) add_metric(about.metrics, metric);
  if (!options.manifest.empty()) about.data = hash_of_file(options.manifest);
  const Store store(options.store);
  if (const std::optional<Version> current = store.current()) about.parent = current->id;
  return about;
}

void say(const Event& event, bool json) {
  if (json) return print_json(value_of(event), kOneLine);
  print(fmt::format("{} {}{}{}\n", name_of(event.kind), short_id(event.version),
                    event.before.empty() ? "" : ", before it " + short_id(event.before),
                    event.why.empty() ? "" : ": " + event.why));
}

}  // namespace

void store_add(const StoreOptions& options) {
  Store store(options.store);
  const Version version = store.add(options.file, about_of(options));
  if (options.json) return print_json(value_of(version, is_current(store, version)), kOneLine);
  print(version.id + "\n");
}

bool store_publish(const StoreOptions& options) {
  const data::Annotations all = project::open_data(options.data, {.allow_outside = true});
  const data::Annotations set = project::split_of(all, options.split);
  Store store(options.store);
  const bool is_file = std::filesystem::exists(options.file);
  const Version candidate = is_file ? store.add(options.file, about_of(options)) : store.find(options.file);
  const auto outcomes = [&](const Version& version) {
    ProgressBar bar("judging " + short_id(version.id));
    return project::evaluate(project::Classifier(version.path), set, {.progress = bar.callback()}).outcomes();
  };
  const serve::Promotion promotion =
      store.publish(candidate.id,
                    [&](const Version& version, const Version& current) {
                      return serve::Outcomes{outcomes(version), outcomes(current)};
                    },
                    {.level = options.level});
  say(promotion.event, options.json);
  return promotion.promoted;
}

void store_promote(const StoreOptions& options) {
  say(Store(options.store).promote(options.file, options.why), options.json);
}

void store_rollback(const StoreOptions& options) {
  say(Store(options.store).rollback(options.file, options.why), options.json);
}

void store_pin(const StoreOptions& options, bool is_pinned) {
  Store store(options.store);
  say(is_pinned ? store.pin(options.file) : store.unpin(options.file), options.json);
}

void store_gc(const StoreOptions& options) {
  constexpr double kDay = 24 * 60 * 60;
  if (!(options.days >= 0 && options.days < 1e6)) fail("store: {} days; give 0 or more", options.days);
  Value removed = Value::list();
  for (const std::string& id :
       Store(options.store)
           .collect({.rollbacks = options.rollbacks, .seconds = int64_t(options.days * kDay)})) {
    removed.push_back(id);
    if (!options.json) print("removed " + short_id(id) + "\n");
  }
  if (options.json) print_json({{"removed", removed}}, kOneLine);
}

}  // namespace kiln::tools
