#include <kiln/image/codec/open.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

class Descriptor {
 public:
  // O_NONBLOCK: a pipe that nobody writes to is refused, not waited for.
  explicit Descriptor(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

std::string read_bytes(const std::string& path) {
  if (path.find('\0') != std::string::npos) fail("read: the file name holds a zero byte");
  const Descriptor file(path);
  struct stat about;
  if (file.number() < 0 || ::fstat(file.number(), &about) != 0) fail("read: {}", std::strerror(errno));
  if (!S_ISREG(about.st_mode)) fail("read: it is not a regular file");
  std::string bytes(size_t(about.st_size), '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.number(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read: {}", std::strerror(errno));
    if (got == 0) break;
    have += size_t(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace kiln::image
