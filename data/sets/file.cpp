#include <kiln/data/sets/file.h>

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <kiln/tensor/base/fail.h>

namespace kiln::data {

bool file_exists(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0;
}

std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.back() == '/' ? folder + name : folder + '/' + name;
}

FileReader::FileReader(std::string path) : path_(std::move(path)) {
  struct stat status;
  if (::stat(path_.c_str(), &status) != 0) fail("{}: cannot open the file: {}", path_, std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    fail("{}: is {}, a regular file is needed", path_,
         S_ISDIR(status.st_mode) ? "a folder" : "a device or a pipe");
  file_bytes_ = int64_t(status.st_size);
  errno = 0;
  gzFile file = gzopen(path_.c_str(), "rb");
  if (file == nullptr)
    fail("{}: cannot open the file: {}", path_, errno ? std::strerror(errno) : "out of memory");
  constexpr unsigned kBuffer = 1 << 18;  // zlib's 8 KiB would cost a system call each
  gzbuffer(file, kBuffer);
  file_ = file;
}

FileReader::~FileReader() { gzclose(static_cast<gzFile>(file_)); }

int64_t FileReader::most_bytes() const {
  // Deflate codes at most 258 bytes in 2 bits: 1032 to 1.
  const bool plain = gzdirect(static_cast<gzFile>(file_)) != 0;
  return plain ? file_bytes_ : file_bytes_ > INT64_MAX / 1032 ? INT64_MAX : file_bytes_ * 1032;
}

int64_t FileReader::read_some(void* to, int64_t bytes) {
  constexpr int64_t kMost = 1 << 30;  // gzread counts in unsigned
  int64_t done = 0;
  while (done < bytes) {
    const int got = gzread(static_cast<gzFile>(file_), static_cast<char*>(to) + done,
                           unsigned(std::min(bytes - done, kMost)));
    int code = Z_OK;
    const char* reason = gzerror(static_cast<gzFile>(file_), &code);
    // Z_BUF_ERROR: a gzip file that ends early, which the caller says with numbers.
    if (got < 0 && code != Z_BUF_ERROR)
      fail("{}: damaged after {} bytes: {}", path_, position_ + done,
           code == Z_ERRNO ? std::strerror(errno) : reason);
    if (got <= 0) break;
    done += got;
  }
  position_ += done;
  return done;
}

void FileReader::read(void* to, int64_t bytes, const char* what) {
  const int64_t start = position_, got = read_some(to, bytes);
  if (got != bytes)
    fail("{}: cut short: {} needs {} bytes from byte {} on, {} are there", path_, what, bytes, start, got);
}

void FileReader::expect_end() {
  char extra;
  if (read_some(&extra, 1) != 0)
    fail("{}: more bytes follow after the {} that its header tells", path_, position_ - 1);
  int code = Z_OK;
  gzerror(static_cast<gzFile>(file_), &code);
  if (code == Z_BUF_ERROR) fail("{}: cut short: the gzip file has no end", path_);
}

}  // namespace kiln::data
