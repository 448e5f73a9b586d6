#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void AtomicFile::fail_with(const char* action, int error) {
  fail("save: cannot {} '{}': {}", action, shown_path_, std::strerror(error));
}

AtomicFile::AtomicFile(std::string path, int64_t expected_bytes) : shown_path_(std::move(path)) {
  if (shown_path_.find('\0') != std::string::npos)
    fail("save: the file name '{}' holds a zero byte", shown_path_.c_str());
  path_ = shown_path_;
  if (file_system().realpath(shown_path_, path_) != 0 && errno != ENOENT) fail_with("write", errno);
  if (name_in(path_).empty()) fail("save: '{}' is not the name of a file", shown_path_);
  struct stat info;
  const bool replaces = file_system().stat(path_, info) == 0;
  if (!replaces && errno != ENOENT) fail_with("write", errno);
  if (replaces && !S_ISREG(info.st_mode))
    fail("save: cannot write '{}': it is {}", shown_path_,
         S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
  create();
  try {
    const auto set_mode = [&] { return file_system().fchmod(descriptor_, info.st_mode & 07777); };
    if (replaces && uninterrupted(set_mode) != 0) fail_with("write", errno);
    // Not every file system can reserve; a real shortage is found at the latest by write.
    const auto reserve = [&] { return file_system().fallocate(descriptor_, expected_bytes); };
    if (expected_bytes > 0 && uninterrupted(reserve) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
      fail_with("write", errno);
  } catch (...) {
    discard();
    throw;
  }
}

void AtomicFile::create() {
  static std::atomic<unsigned> count = 0;
  const std::string folder = folder_of(path_), prefix = "." + name_in(path_) + ".";
  remove_abandoned(folder, prefix);
  for (;;) {
    temporary_ = fmt::format("{}/{}{}-{}.tmp", folder, prefix, ::getpid(), count++);
    descriptor_ = uninterrupted(
        [&] { return file_system().open(temporary_, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ < 0 && errno == EEXIST) continue;
    if (descriptor_ < 0) fail_with("write", errno);
    // Another writer may have taken it for abandoned before the lock was there. It has the lock until it has
    // removed the file. Where there are no locks nothing is taken for abandoned.
    uninterrupted([&] { return file_system().flock(descriptor_, LOCK_EX); });
    struct stat info;
    const int error = file_system().fstat(descriptor_, info) == 0 ? 0 : errno;
    if (error == 0 && info.st_nlink > 0) return;
    discard();
    if (error != 0) fail_with("write", error);
  }
}

void AtomicFile::discard() {
  file_system().unlink(temporary_);
  file_system().close(descriptor_);
  descriptor_ = -1;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) discard();
}

void AtomicFile::write(int64_t begin, const void* data, int64_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put =
        uninterrupted([&] { return file_system().pwrite(descriptor_, from, size_t(bytes), begin); });
    if (put <= 0) fail_with("write", put < 0 ? errno : EIO);
    from += put;
    begin += put;
    bytes -= put;
  }
}

void AtomicFile::replace() {
  if (uninterrupted([&] { return file_system().fsync(descriptor_); }) != 0) fail_with("write", errno);
  if (file_system().rename(temporary_, path_) != 0) fail_with("replace", errno);
  file_system().close(descriptor_);
  descriptor_ = -1;
}

void AtomicFile::commit() {
  if (descriptor_ >= 0) replace();
  if (const std::error_code error = sync_folder(folder_of(path_)))
    fail_with("make safe the folder of", error.value());
}

void write_text(const std::string& path, std::string_view text) {
  AtomicFile file(path, int64_t(text.size()));
  file.write(0, text.data(), int64_t(text.size()));
  file.commit();
}

}  // namespace kiln::io
