#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/load.h>

#include "support/disk/recorded_files.h"
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

// Another writer, which clears up when a temporary file is there and has no lock yet, slowly.
class OtherWriter : public io::FileSystem {
 public:
  explicit OtherWriter(std::string folder) : folder_(std::move(folder)) {}
  ~OtherWriter() override { wait(); }
  bool was_there() const { return removes_; }

  int open(const std::string& path, int flags, mode_t mode) override {
    const int file = FileSystem::open(path, flags, mode);
    if ((flags & O_CREAT) != 0 && !removes_) {
      writer_ = std::thread([this] { io::remove_abandoned(folder_, ".x.kiln."); });
      removes_.wait(false);
    }
    return file;
  }
  int unlink(const std::string& path) override {
    removes_ = true;
    removes_.notify_one();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return FileSystem::unlink(path);
  }
  int rename(const std::string& from, const std::string& to) override {
    wait();
    return FileSystem::rename(from, to);
  }

 private:
  void wait() {
    if (writer_.joinable()) writer_.join();
  }

  std::string folder_;
  std::atomic<bool> removes_ = false;
  std::thread writer_;
};

}  // namespace

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

TEST_CASE("save: links and permissions stay, whichever call of the system fails") {
  size_t calls = 1;
  for (size_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    const TemporaryFolder folder(test::memory_folder());
    io::save(folder / "real.kiln", 1);
    ::chmod((folder / "real.kiln").c_str(), 0640);
    std::filesystem::create_symlink("real.kiln", folder / "link.kiln");
    std::string error;
    {
      test::RecordedFiles files(folder.path());
      files.arm({.call = int64_t(call), .error = EIO});
      error = error_of([&] { io::save(folder / "link.kiln", 2); });
      calls = std::max(calls, error.empty() ? files.calls().size() : call + 1);
    }
    CHECK(std::filesystem::is_symlink(folder / "link.kiln"));
    const Value found = io::load(folder / "real.kiln");
    CHECK((found == Value(2) || (!error.empty() && found == Value(1))));
    struct stat info;
    ::stat((folder / "real.kiln").c_str(), &info);
    CHECK((info.st_mode & 0777) == 0640);
  }
  CHECK(calls > 10);
}

TEST_CASE("save: a temporary file that another writer takes for abandoned before it is locked") {
  const TemporaryFolder folder;
  OtherWriter files(folder.path());
  io::replace_file_system(&files);
  const std::string error = error_of([&] { io::save(folder / "x.kiln", model(1, 10)); });
  io::replace_file_system(nullptr);
  CHECK(files.was_there());
  CHECK(error == "");
  CHECK(io::load(folder / "x.kiln") == model(1, 10));
  CHECK(files_in(folder.path()) == 1);
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
