#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include <kiln/serve/store/store.h>
#include <kiln/tensor/fmt.h>

#include "support/disk/crash_states.h"

// What a power failure may leave of a store, at any moment of adding, promoting, rolling back and removing,
// with and without calls of the system that fail.

namespace kiln {
namespace {

using serve::Event;
using serve::Store;
using serve::Version;
using test::Expected;
using test::Series;

std::string model_of(int64_t number) { return fmt::format("model {} ", number) + std::string(900, 'm'); }

// Every third step rolls back, the others add a model and promote it; then what is not needed is removed.
void step(const std::string& folder, const std::string& model, int64_t number) {
  Store store(folder);
  const std::string why = fmt::format("{}", number);
  const bool can_roll_back = number % 3 == 0 && store.list().size() > 1 && store.current();
  if (can_roll_back) {
    const std::vector<Version> all = store.list();
    const std::string now = store.current()->id;
    store.rollback(std::ranges::find_if(all, [&](const Version& version) { return version.id != now; })->id,
                   why);
  } else {
    test::write_file(model, model_of(number));
    const Version version = store.add(model, {.metrics = {{"number", number}}, .who = "tester"});
    store.promote(version.id, why);
  }
  store.collect({.rollbacks = 1, .seconds = 0});
}

// Every version that is there is whole, and the current one is that of the last step that the history tells
// of.
std::string wrong_in(const std::string& folder, const Expected& expected) {
  try {
    const Store store(folder);
    for (const Version& version : store.list()) store.check(version);
    int64_t number = 0;
    std::string id;
    for (const Event& event : store.history()) {
      if (event.kind == Event::Kind::remove) continue;
      number = std::stoll(event.why);
      id = event.version;
    }
    if (!expected.allows(number)) return fmt::format("the last step is {}", number);
    const std::optional<Version> current = store.current();
    if ((current ? current->id : "") != id) return "another version is current than the last step's";
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Series series_in(const std::string& name) {
  const auto models = std::make_shared<test::TemporaryFolder>(test::memory_folder());
  Series series = {.name = name, .saves = 5, .begin = {}, .complaint = {}};
  series.begin = [=](const std::string& folder) {
    return [=](int64_t number) { step(folder + "/" + name, *models / "model", number); };
  };
  series.complaint = [=](const std::string& folder, const Expected& expected) {
    return wrong_in(folder + "/" + name, expected);
  };
  return series;
}

}  // namespace

TEST_CASE("store: whatever a power failure leaves, a whole version is current, the last or the one before") {
  test::check_crashes({series_in("store"), series_in("deep/store")}, 40);
}

TEST_CASE("store: a power failure where calls of the system failed before") {
  test::check_crashes_after_faults({series_in("store")}, {1, 3});
}

TEST_CASE("store: without syncing it would be lost") { test::check_syncing({series_in("store")}); }

}  // namespace kiln
