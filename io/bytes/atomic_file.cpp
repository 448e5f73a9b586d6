#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <kiln/io/bytes/file.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string follow_links(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  return real ? real.get() : path;
}

// Its writer holds a lock on a temporary file as long as it lives.
bool is_abandoned(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return false;
  const bool free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  ::close(descriptor);
  return free;
}

}  // namespace

void remove_abandoned(const std::string& folder, const std::string& prefix) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()), ::closedir);
  if (!listing) return;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
    const std::string path = folder + "/" + std::string(name);
    if (is_abandoned(path)) ::unlink(path.c_str());
  }
}

void AtomicFile::fail_with(const char* action, int error) {
  fail("save: cannot {} '{}': {}", action, shown_path_, std::strerror(error));
}

AtomicFile::AtomicFile(std::string path, int64_t expected_bytes)
    : shown_path_(std::move(path)), path_(follow_links(shown_path_)) {
  if (shown_path_.find('\0') != std::string::npos)
    fail("save: the file name '{}' holds a zero byte", shown_path_.c_str());
  if (name_in(path_).empty()) fail("save: '{}' is not the name of a file", shown_path_);
  struct stat info;
  const bool replaces = ::stat(path_.c_str(), &info) == 0;
  if (replaces && !S_ISREG(info.st_mode))
    fail("save: cannot write '{}': it is {}", shown_path_,
         S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
  create();
  try {
    if (replaces && ::fchmod(descriptor_, info.st_mode & 07777) != 0) fail_with("write", errno);
    // Not every file system can reserve; a real shortage is found at the latest by write.
    if (expected_bytes > 0 && ::fallocate(descriptor_, 0, 0, expected_bytes) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
      fail_with("write", errno);
  } catch (...) {
    ::unlink(temporary_.c_str());
    ::close(descriptor_);
    throw;
  }
}

void AtomicFile::create() {
  static std::atomic<unsigned> count = 0;
  const std::string folder = folder_of(path_), prefix = "." + name_in(path_) + ".";
  remove_abandoned(folder, prefix);
  for (;;) {
    temporary_ = fmt::format("{}/{}{}-{}.tmp", folder, prefix, ::getpid(), count++);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    if (descriptor_ < 0) fail_with("write", errno);
    // Another writer may have taken it for abandoned before the lock was there.
    struct stat info;
    ::flock(descriptor_, LOCK_EX | LOCK_NB);
    if (::fstat(descriptor_, &info) == 0 && info.st_nlink > 0) return;
    ::close(descriptor_);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(descriptor_);
}

void AtomicFile::write(int64_t begin, const void* data, int64_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::pwrite(descriptor_, from, size_t(bytes), begin);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) fail_with("write", put < 0 ? errno : EIO);
    from += put;
    begin += put;
    bytes -= put;
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_with("write", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with("replace", errno);
  ::close(descriptor_);
  descriptor_ = -1;
  // The new file is in place now; syncing the folder makes the rename last through a power failure.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // a folder that may be written but not read: nothing to sync through
  const int status = ::fsync(folder), error = errno;
  ::close(folder);
  if (status != 0 && error != EINVAL && error != EROFS) fail_with("make safe the folder of", error);
}

}  // namespace kiln::io
