#include <kiln/serve/store/lock.h>

#include <fcntl.h>
#include <sys/file.h>

#include <cstring>

#include <kiln/io/bytes/file_system.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {

FolderLock::FolderLock(const std::string& folder) {
  descriptor_ = io::uninterrupted(
      [&] { return io::file_system().open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  if (descriptor_ < 0) fail("store: cannot open '{}': {}", folder, std::strerror(errno));
  if (io::uninterrupted([&] { return io::file_system().flock(descriptor_, LOCK_EX); }) == 0) return;
  const int error = errno;
  io::file_system().close(descriptor_);
  fail("store: cannot lock '{}': {}", folder, std::strerror(error));
}

FolderLock::~FolderLock() { io::file_system().close(descriptor_); }

}  // namespace kiln::serve
