#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <string>
#include <vector>

namespace kiln::io {

// Internal: the calls of the system by which files are read, written and removed, each as the system has it:
// what it takes, what it returns, and errno. Everything that saves goes through file_system(), so that tests
// see each call, let it fail, and know what a disk may hold after it. The base class calls the system.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual int open(const std::string& path, int flags, mode_t mode);
  virtual int close(int file);
  virtual int stat(const std::string& path, struct stat& info);
  virtual int fstat(int file, struct stat& info);
  virtual ssize_t pread(int file, void* out, size_t bytes, off_t begin);
  // From the beginning; what is written there, where that is allowed, stays private.
  virtual void* mmap(int file, size_t bytes, bool writable);
  virtual ssize_t pwrite(int file, const void* data, size_t bytes, off_t begin);
  virtual int fallocate(int file, off_t bytes);  // from the beginning
  virtual int fchmod(int file, mode_t mode);
  virtual int fsync(int file);
  virtual int flock(int file, int operation);
  virtual int rename(const std::string& from, const std::string& to);
  virtual int unlink(const std::string& path);
  virtual int mkdir(const std::string& path, mode_t mode);
  virtual int rmdir(const std::string& path);

  // Of more than one call of the system; -1 and errno of the one that failed.
  virtual int list(const std::string& folder, std::vector<std::string>& names);
  virtual int realpath(const std::string& path, std::string& real);
};

FileSystem& file_system();

// For tests, while nothing is read or written: another in its place, or the system again for null. Returns
// what was there.
FileSystem* replace_file_system(FileSystem* other);

// Makes a call again as long as a signal cuts it short.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace kiln::io
