#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <kiln/image/encode.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

std::string encoded(const std::string& path, const Tensor& picture, const WriteOptions& options) {
  std::string ending = path.substr(std::min(path.rfind('.'), path.size()));
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (ending == ".png") return encode_png(picture, options.png);
  if (ending == ".jpg" || ending == ".jpeg") return encode_jpeg(picture, options.jpeg);
  fail("write: the ending '{}' is not one of .png, .jpg and .jpeg", ending);
}

// What the system says, or "".
std::string problem_of_writing(const std::string& path, const std::string& bytes) {
  static std::atomic<unsigned> count = 0;
  const std::string temporary = fmt::format("{}.{}-{}.tmp", path, ::getpid(), count++);
  std::FILE* file = std::fopen(temporary.c_str(), "wbxe");
  if (file == nullptr) return std::strerror(errno);
  bool good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0 &&
              ::fsync(::fileno(file)) == 0;
  int error = errno;
  if (std::fclose(file) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return "";
  if (good) error = errno;
  std::remove(temporary.c_str());
  return std::strerror(error);
}

}  // namespace

void write(const std::string& path, const Tensor& picture, const WriteOptions& options) {
  std::string problem;
  try {
    if (path.find('\0') != std::string::npos) fail("write: the file name holds a zero byte");
    problem = problem_of_writing(path, encoded(path, picture, options));
  } catch (const Error& error) {
    fail("{}: {}", path.c_str(), error.what());
  }
  if (!problem.empty()) fail("{}: write: {}", path, problem);
}

}  // namespace kiln::image
