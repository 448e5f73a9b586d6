#include <doctest/doctest.h>

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <kiln/io/load.h>

#include "support/files.h"
#include "support/skip.h"

// A save that is killed or runs out of space, for each kind of file. KILN_CRASHES is how often each, all
// kinds together; the default leaves the suite quick.

namespace kiln {
namespace {

using test::TemporaryFolder;
using Clock = std::chrono::steady_clock;

constexpr const char* kKinds[] = {".kiln", ".pth", ".safetensors", ".npz", ".npy"};
// In two files and an index.
constexpr const char* kSharded[] = {".pth shards", ".safetensors shards"};
constexpr int64_t kShardBytes = 500'000;
constexpr int64_t kSize = 200000;  // elements: about a millisecond of saving

int rounds_of_each() {
  const char* wanted = std::getenv("KILN_CRASHES");
  constexpr int kFew = 40;
  const int all = wanted != nullptr ? std::atoi(wanted) : kFew;
  return (all + int(std::size(kKinds)) - 1) / int(std::size(kKinds));
}

Tensor filled(int64_t size, int64_t number) {
  const Tensor x = empty({size});
  std::fill_n(x.data<float>(), size, float(number));
  return x;
}

// Every file is told apart by its number.
Value content(const std::string& kind, int64_t number, int64_t size = kSize) {
  if (kind == ".npy") return filled(size, number);
  return {{"a", filled(size / 2, number)}, {"b", filled(3, number)}, {"c", filled(size / 2, number)}};
}

bool is_sharded(const std::string& kind) { return kind.ends_with(" shards"); }

void save(const std::string& kind, const std::string& path, int64_t number) {
  io::save(path, content(kind, number), {.shard_bytes = is_sharded(kind) ? kShardBytes : 0});
}

// The number of the file at `path`, which must be whole.
int64_t number_in(const std::string& kind, const std::string& path, int64_t size = kSize) {
  const Value got = io::load(is_sharded(kind) ? path + ".index.json" : path);
  const Tensor& first = kind == ".npy" ? got.as_tensor() : got["a"].as_tensor();
  const auto number = int64_t(first.data<float>()[0]);
  CHECK(got == content(kind, number, size));
  return number;
}

size_t files_in(const std::string& folder) {
  const auto files = std::filesystem::directory_iterator(folder);
  return size_t(std::distance(begin(files), end(files)));
}

// A process that saves file after file, with rising numbers, until it is killed or a save fails.
pid_t saver(const std::string& kind, const std::string& path, int64_t first) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::signal(SIGXFSZ, SIG_IGN);
  try {
    for (int64_t number = first;; ++number) save(kind, path, number);
  } catch (const Error&) {
    ::_exit(1);
  }
}

// Lets it work, stops it with `stop` after 0.2 to 4 times what a save takes, and looks at what it left. On a
// busy machine it takes more rounds until some saves came through.
template <class Stop>
void interrupt(const std::string& kind, Stop stop) {
  const TemporaryFolder folder;
  const std::string path = folder / "x" + kind.substr(0, kind.find(' '));
  const auto begin = Clock::now();
  save(kind, path, 0);
  const std::chrono::duration<double, std::micro> one_save = Clock::now() - begin;
  int64_t highest = 0;
  const int rounds = rounds_of_each();
  int round = 0;
  for (; round < rounds || (highest < 3 && round < 1000); ++round) {
    const pid_t child = saver(kind, path, highest + 1);
    ::usleep(useconds_t(one_save.count() * (round % 20 + 1) / 5));
    stop(child);
    ::waitpid(child, nullptr, 0);
    const int64_t number = number_in(kind, path);
    CHECK(number >= highest);
    highest = number;
  }
  CHECK(highest > 0);
  save(kind, path, 1);
  CHECK(files_in(folder.path()) == (is_sharded(kind) ? 3 : 1));  // temporary files of the killed are gone
  MESSAGE(kind, ": ", round, " times, ", highest, " saves came through");
}

}  // namespace

TEST_CASE("save: kill -9 at any moment leaves a whole file") {
  const auto kill = [](pid_t child) { ::kill(child, SIGKILL); };
  for (const char* kind : kKinds) interrupt(kind, kill);
  for (const char* kind : kSharded) interrupt(kind, kill);
}

TEST_CASE("save: space that ends in the middle leaves a whole file") {
  // The reserved space counts for nothing when a limit comes later: writes fail from then on.
  const auto limit = [](pid_t child) {
    rlimit bytes = {1000, 1000};
    ::prlimit(child, RLIMIT_FSIZE, &bytes, nullptr);
  };
  for (const char* kind : kKinds) interrupt(kind, limit);
  for (const char* kind : kSharded) interrupt(kind, limit);
}

TEST_CASE("save: a full disk") {
  const TemporaryFolder folder;
  constexpr int64_t kDisk = 512 << 10, kSmall = 10000, kBlock = 4096;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=512k") != 0)
    return test::skip("mounting a small file system needs root");
  const int rounds = rounds_of_each();
  for (const std::string kind : kKinds) {
    const std::string path = folder / "x" + kind;
    int full = 0;
    for (int round = 0; round < rounds; ++round) {
      // Room for the first file, and for none to nearly all of the next, or all of it.
      io::save(path, content(kind, round, kSmall));
      const int64_t need = kSmall * 4 * 4, left = need * round / std::max(1, rounds - 2);
      const int64_t used = kSmall * 4 + 2 * kBlock;
      std::ofstream(folder / "ballast")
          << std::string(size_t(std::max<int64_t>(0, kDisk - used - left)), 'x');
      const std::string error = test::error_of([&] { io::save(path, content(kind, round + 1, kSmall * 3)); });
      if (error.empty()) {
        CHECK(number_in(kind, path, kSmall * 3) == round + 1);
      } else {
        ++full;
        CHECK(error == "save: cannot write '" + path + "': No space left on device");
        CHECK(number_in(kind, path, kSmall) == round);
      }
      CHECK(files_in(folder.path()) == 2);
      std::filesystem::remove(folder / "ballast");
    }
    CHECK(full > 0);
    CHECK(full < rounds);
    MESSAGE(kind, ": ", rounds, " times, ", full, " of them full");
    std::filesystem::remove(path);
  }
  ::umount(folder.path().c_str());
}

}  // namespace kiln
