#include <kiln/annotate/labels/lock.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::annotate {
namespace {

// A file of its own, which stays: the labels file and its journal are replaced by others of their names.
std::string lock_path(const std::string& labels) {
  return io::folder_of(labels) + "/." + labels.substr(labels.rfind('/') + 1) + ".lock";
}

std::string holder(const std::string& path) {
  try {
    const io::InputFile file(path);
    return file.read(0, file.size());
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

LabelsLock::LabelsLock(const std::string& labels) {
  const std::string path = lock_path(labels);
  file_ = io::uninterrupted([&] { return io::file_system().open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666); });
  if (file_ < 0) fail("annotate: cannot write '{}': {}", path, std::strerror(errno));
  if (io::uninterrupted([&] { return io::file_system().flock(file_, LOCK_EX | LOCK_NB); }) == 0) {
    // As wide as any, so that nothing of a longer one stays.
    const std::string text = fmt::format("{:>10}", ::getpid());
    io::file_system().pwrite(file_, text.data(), text.size(), 0);
    return;
  }
  const int error = errno;
  io::file_system().close(file_);
  if (error != EWOULDBLOCK) fail("annotate: cannot lock '{}': {}", path, std::strerror(error));
  const std::string text = holder(path);
  const size_t begin = text.find_first_not_of(' ');
  fail("annotate: process {} is at '{}' already; open its page, or end it",
       begin == text.npos ? "?" : text.substr(begin), labels);
}

LabelsLock::~LabelsLock() { io::file_system().close(file_); }

}  // namespace kiln::annotate
