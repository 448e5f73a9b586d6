#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

[[noreturn]] void refused(const std::string& message, int error) {
  throw SystemError(fmt::format("load: cannot {}: {}", message, std::strerror(error)), error);
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  if (path_.find('\0') != std::string::npos)
    fail("load: the file name '{}' holds a zero byte", path_.c_str());
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  descriptor_ =
      uninterrupted([&] { return file_system().open(path_, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0); });
  if (descriptor_ < 0) refused(fmt::format("open '{}'", path_), errno);
  struct stat info;
  const int status = file_system().fstat(descriptor_, info);
  if (status == 0 && S_ISREG(info.st_mode)) {
    size_ = info.st_size;
    return;
  }
  const int error = errno;
  file_system().close(descriptor_);
  if (status != 0) refused(fmt::format("read '{}'", path_), error);
  fail("load: cannot read '{}': {}", path_,
       S_ISDIR(info.st_mode) ? "it is a folder" : "it is not a regular file");
}

InputFile::~InputFile() { file_system().close(descriptor_); }

void InputFile::read(int64_t begin, int64_t bytes, void* out) const {
  char* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t got = file_system().pread(descriptor_, to, size_t(bytes), begin);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refused(fmt::format("read '{}' at byte {}", path_, begin), errno);
    if (got == 0) fail("load: '{}' ends at byte {}, it became shorter while it was read", path_, begin);
    to += got;
    begin += got;
    bytes -= got;
  }
}

std::string InputFile::read(int64_t begin, int64_t bytes) const {
  std::string text(size_t(bytes), '\0');
  read(begin, bytes, text.data());
  return text;
}

void InputFile::read_through(int64_t begin, int64_t bytes) const {
  constexpr int64_t kPiece = 1 << 20;
  std::vector<char> piece(size_t(std::min(kPiece, bytes)));
  for (int64_t at = 0; at < bytes; at += kPiece) read(begin + at, std::min(kPiece, bytes - at), piece.data());
}

namespace {

constexpr char kMappedToRead[] = "a mapping that is read only";  // stands where the last op in place does

struct Mapping {
  void* data;
  size_t bytes;
};

void unmap(void* owner) {
  auto* mapping = static_cast<Mapping*>(owner);
  ::munmap(mapping->data, mapping->bytes);
  delete mapping;
}

}  // namespace

Ref<Storage> InputFile::map(bool writable) const {
  if (size_ == 0) return {};
  void* data = file_system().mmap(descriptor_, size_t(size_), writable);
  if (data == MAP_FAILED) refused(fmt::format("map '{}'", path_), errno);
  Ref<Storage> mapping = Storage::adopt(data, size_, cpu, new Mapping{data, size_t(size_)}, unmap);
  if (!writable) mapping->last_write = kMappedToRead;
  return mapping;
}

bool is_mapped_to_read(const Storage& storage) { return storage.last_write == kMappedToRead; }

void leave(const void* data, int64_t bytes) {
  static const auto page = uintptr_t(::sysconf(_SC_PAGESIZE));
  const uintptr_t before = reinterpret_cast<uintptr_t>(data) % page;
  char* const begin = static_cast<char*>(const_cast<void*>(data)) - before;
  ::madvise(begin, size_t(bytes) + before, MADV_DONTNEED);
}

}  // namespace kiln::io
