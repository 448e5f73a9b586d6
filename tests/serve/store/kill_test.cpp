#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include <kiln/serve/store/store.h>
#include <kiln/tensor/fmt.h>

#include "support/files.h"

// Real programs at one store, some of which are killed.

namespace kiln {
namespace {

using serve::Outcomes;
using serve::Store;
using serve::Version;

// Better than all before it.
Outcomes better(const Version&, const Version&) {
  return {std::vector<double>(20, 1.0), std::vector<double>(20, 0.0)};
}

// In a child, which publishes, rolls back and collects until it is killed or has done so many.
pid_t begin_publishing(const std::string& folder, const std::string& name, int rounds) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  int status = 1;
  try {
    Store store(folder);
    for (int i = 0; i < rounds; ++i) {
      const std::string model = fmt::format("{}-{}", folder, name);
      test::write_file(model, fmt::format("{} {} ", name, i) + std::string(20000, 'x'));
      store.publish(store.add(model).id, better);
      if (i % 3 == 2) store.collect({.rollbacks = 2, .seconds = 0});
    }
    status = 0;
  } catch (const std::exception& error) {
    // A version may go before it is published, for nothing here is kept for being young.
    status =
        test::contains(error.what(), "there is no version") || test::contains(error.what(), "was removed")
            ? 0
            : 1;
    if (status != 0) fmt::print(stderr, "{}\n", error.what());
  }
  ::_exit(status);
}

void check_whole(const std::string& folder) {
  const Store store(folder);
  for (const Version& version : store.list()) store.check(version);
  if (!store.history().empty()) store.check(*store.current());
}

}  // namespace

TEST_CASE("store: kill -9 at any moment leaves it valid") {
  const test::TemporaryFolder place(test::memory_folder());
  const std::string folder = place / "store";
  constexpr int kKills = 60, kSlowest = 64;
  int slower = 1;  // so that some is done between kills, however busy the machine is
  size_t lines = 0;
  for (int i = 0; i < kKills; ++i) {
    const pid_t child = begin_publishing(folder, fmt::format("k{}", i), 1000);
    std::this_thread::sleep_for(std::chrono::microseconds(slower * (500 + 617 * i % 9000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    check_whole(folder);
    const size_t now = Store(folder).history().size();
    slower = now > lines ? std::max(slower / 2, 1) : std::min(2 * slower, kSlowest);
    lines = now;
  }
  CHECK(lines > kKills / 4);
}

TEST_CASE("store: several publish at once, and each promotion follows from the one before") {
  const test::TemporaryFolder place(test::memory_folder());
  const std::string folder = place / "store";
  std::vector<pid_t> children;
  for (const char* name : {"a", "b", "c"}) children.push_back(begin_publishing(folder, name, 8));
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  check_whole(folder);
  std::string current;
  for (const serve::Event& event : Store(folder).history()) {
    if (event.kind != serve::Event::Kind::promote) continue;
    CHECK(event.before == current);
    current = event.version;
  }
}

}  // namespace kiln
