#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <kiln/io/load.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

using test::error_of;
using test::TemporaryFolder;

Value model(int64_t epoch, int64_t size) {
  const Tensor x = empty({size});
  for (int64_t i = 0; i < size; ++i) x.data<float>()[i] = float(epoch);
  return {{"epoch", epoch}, {"w", x}};
}

size_t files_in(const std::string& folder) {
  const auto files = std::filesystem::directory_iterator(folder);
  return size_t(std::distance(begin(files), end(files)));
}

}  // namespace

TEST_CASE("save: kill -9 at any moment leaves a whole file") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  constexpr int64_t kSize = 300000;
  const auto begin = std::chrono::steady_clock::now();
  io::save(path, model(0, kSize));
  const std::chrono::duration<double, std::micro> one_save = std::chrono::steady_clock::now() - begin;
  int64_t highest = 0;
  // Kills after 0.2 to 4 times what a save takes; on a busy machine it takes more rounds until some came
  // through.
  for (int round = 0; round < 40 || (highest < 3 && round < 1000); ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      // Epochs grow from round to round.
      for (int64_t epoch = highest + 1;; ++epoch) io::save(path, model(epoch, kSize));
    }
    ::usleep(useconds_t(one_save.count() * (round % 20 + 1) / 5));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Value got = io::load(path);
    const int64_t epoch = got.at("epoch").as_int();
    CHECK(epoch >= highest);
    highest = epoch;
    CHECK(got == model(epoch, kSize));
  }
  CHECK(highest > 0);
  io::save(path, model(1, 1));
  CHECK(files_in(folder.path()) == 1);  // temporary files of the killed are gone
}

TEST_CASE("save: a file size limit") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  io::save(path, model(1, 10));
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight = {100000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string error = error_of([&] { io::save(path, model(2, 100000)); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  CHECK(error == "save: cannot write '" + path + "': File too large");
  CHECK(io::load(path) == model(1, 10));
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("save: a full disk") {
  const TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0)
    return test::skip("mounting a small file system needs root");
  const std::string path = folder / "x.kiln";
  io::save(path, model(1, 20000));
  const std::string error = error_of([&] { io::save(path, model(2, 60000)); });
  const Value got = io::load(path);
  const size_t files = files_in(folder.path());
  ::umount(folder.path().c_str());
  CHECK(error == "save: cannot write '" + path + "': No space left on device");
  CHECK(got == model(1, 20000));
  CHECK(files == 1);
}

TEST_CASE("save: a read-only folder") {
  const TemporaryFolder folder;
  io::save(folder / "x.kiln", model(1, 10));
  std::string path = folder / "x.kiln", reason = "Permission denied";
  const bool is_root = ::geteuid() == 0;
  if (is_root) {  // whom permissions do not stop
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_RDONLY, "") != 0)
      return test::skip("root without the right to mount");
    reason = "Read-only file system";
  } else {
    ::chmod(folder.path().c_str(), 0500);
  }
  const std::string error = error_of([&] { io::save(path, model(2, 10)); });
  is_root ? ::umount(folder.path().c_str()) : ::chmod(folder.path().c_str(), 0700);
  CHECK(error == "save: cannot write '" + path + "': " + reason);
  CHECK(io::load(path) == model(1, 10));
}

TEST_CASE("save: links and permissions stay") {
  const TemporaryFolder folder;
  io::save(folder / "real.kiln", 1);
  ::chmod((folder / "real.kiln").c_str(), 0640);
  std::filesystem::create_symlink("real.kiln", folder / "link.kiln");
  io::save(folder / "link.kiln", 2);
  CHECK(std::filesystem::is_symlink(folder / "link.kiln"));
  CHECK(io::load(folder / "real.kiln") == Value(2));
  struct stat info;
  ::stat((folder / "real.kiln").c_str(), &info);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("save: onto a file that is loaded and mapped") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  io::save(path, model(1, 100000));
  const Value mapped = io::load(path, {.map = true});
  io::save(path, model(2, 5));
  CHECK(mapped == model(1, 100000));
  io::save(path, mapped);
  CHECK(io::load(path) == mapped);
}

}  // namespace kiln
