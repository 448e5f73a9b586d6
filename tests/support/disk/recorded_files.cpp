#include "support/disk/recorded_files.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include <kiln/tensor/fmt.h>

namespace kiln::test {

using Kind = Change::Kind;

RecordedFiles::RecordedFiles(std::string folder)
    : folder_(std::move(folder)), before_(io::replace_file_system(this)) {}

RecordedFiles::~RecordedFiles() { io::replace_file_system(before_); }

void RecordedFiles::arm(Fault fault) {
  fault_ = fault;
  calls_.clear();
  armed_ = true;
}

// `bytes` are those of a call that may do less than it was asked for.
bool RecordedFiles::fails(const char* call, size_t* bytes) {
  if (!armed_) return false;
  calls_.emplace_back(call);
  const auto number = int64_t(calls_.size());
  constexpr int64_t kEndless = 10000;
  if (number > kEndless) throw std::logic_error(std::string("a save calls without end: ") + call);
  if (fault_.call == 0 || number < fault_.call || (number > fault_.call && !fault_.lasts)) return false;
  if (fault_.error == Fault::kShort) {
    if (bytes != nullptr) *bytes = std::max(*bytes / 2, size_t(1));
    return false;
  }
  errno = fault_.error;
  return true;
}

std::string RecordedFiles::within(const std::string& path) {
  if (path == folder_) return "";
  if (!path.starts_with(folder_ + "/"))
    throw std::logic_error("a save changes '" + path + "', which is not in '" + folder_ + "'");
  const std::string name = path.substr(folder_.size() + 1);
  constexpr std::string_view kEnding = ".tmp";
  if (!name.ends_with(kEnding)) return name;
  // ".x.kiln.4711-12.tmp" has the writer's process and a count.
  const size_t number = name.rfind('.', name.size() - kEnding.size() - 1) + 1;
  return temporaries_.try_emplace(name, name.substr(0, number) + fmt::format("1-{}.tmp", temporaries_.size()))
      .first->second;
}

int RecordedFiles::open(const std::string& path, int flags, mode_t mode) {
  if (fails("open")) return -1;
  const bool creates = (flags & O_CREAT) != 0, writes = (flags & O_ACCMODE) != O_RDONLY;
  const bool appends = (flags & O_APPEND) != 0 && !creates;
  if (writes && !appends && !(creates && (flags & O_EXCL) != 0))
    throw std::logic_error("a save writes into '" + path + "', which is there already");
  const int file = FileSystem::open(path, flags, mode);
  if (file < 0) return file;
  if (appends) {
    files_[file] = numbers_.at(within(path));
  } else if (creates) {
    files_[file] = numbers_[within(path)] = created_;
    changes_.push_back({.kind = Kind::create, .path = within(path), .file = created_++});
  } else if ((flags & O_DIRECTORY) != 0) {
    // What lies around the recorded folder is taken for safe.
    const bool is_ours = path == folder_ || path.starts_with(folder_ + "/");
    folders_[file] = is_ours ? std::optional(within(path)) : std::nullopt;
  }
  return file;
}

int RecordedFiles::close(int file) {
  files_.erase(file);
  folders_.erase(file);
  const bool bad = fails("close");
  const int error = errno, result = FileSystem::close(file);  // what is closed in vain is closed
  errno = bad ? error : errno;
  return bad ? -1 : result;
}

int RecordedFiles::stat(const std::string& path, struct stat& info) {
  return fails("stat") ? -1 : FileSystem::stat(path, info);
}
int RecordedFiles::fstat(int file, struct stat& info) {
  return fails("fstat") ? -1 : FileSystem::fstat(file, info);
}
ssize_t RecordedFiles::pread(int file, void* out, size_t bytes, off_t begin) {
  return fails("pread", &bytes) ? -1 : FileSystem::pread(file, out, bytes, begin);
}
void* RecordedFiles::mmap(int file, size_t bytes, bool writable) {
  return fails("mmap") ? MAP_FAILED : FileSystem::mmap(file, bytes, writable);
}

ssize_t RecordedFiles::pwrite(int file, const void* data, size_t bytes, off_t begin) {
  if (fails("pwrite", &bytes)) return -1;
  const ssize_t put = FileSystem::pwrite(file, data, bytes, begin);
  if (put > 0)
    changes_.push_back({.kind = Kind::write,
                        .path = "",
                        .file = files_.at(file),
                        .at = begin,
                        .bytes = {static_cast<const char*>(data), size_t(put)}});
  return put;
}

int RecordedFiles::fallocate(int file, off_t bytes) {
  const int result = fails("fallocate") ? -1 : FileSystem::fallocate(file, bytes);
  if (result == 0)
    changes_.push_back({.kind = Kind::reserve, .path = "", .file = files_.at(file), .at = bytes});
  return result;
}

// Permissions are not part of what is recorded.
int RecordedFiles::fchmod(int file, mode_t mode) {
  return fails("fchmod") ? -1 : FileSystem::fchmod(file, mode);
}

int RecordedFiles::fsync(int file) {
  const int result = fails("fsync") ? -1 : FileSystem::fsync(file);
  if (result != 0) return result;
  const auto folder = folders_.find(file);
  if (folder == folders_.end())
    changes_.push_back({.kind = Kind::sync_file, .path = "", .file = files_.at(file)});
  else if (folder->second)
    changes_.push_back({.kind = Kind::sync_folder, .path = *folder->second});
  return result;
}

int RecordedFiles::flock(int file, int operation) {
  return fails("flock") ? -1 : FileSystem::flock(file, operation);
}

int RecordedFiles::rename(const std::string& from, const std::string& to) {
  const int result = fails("rename") ? -1 : FileSystem::rename(from, to);
  if (result != 0) return result;
  changes_.push_back({.kind = Kind::rename, .path = within(from), .to = within(to)});
  if (const auto moved = numbers_.find(within(from)); moved != numbers_.end())
    numbers_[within(to)] = moved->second;
  return result;
}

int RecordedFiles::unlink(const std::string& path) {
  const int result = fails("unlink") ? -1 : FileSystem::unlink(path);
  if (result == 0) changes_.push_back({.kind = Kind::remove, .path = within(path)});
  return result;
}

int RecordedFiles::mkdir(const std::string& path, mode_t mode) {
  const int result = fails("mkdir") ? -1 : FileSystem::mkdir(path, mode);
  if (result == 0) changes_.push_back({.kind = Kind::make_folder, .path = within(path)});
  return result;
}

int RecordedFiles::rmdir(const std::string& path) {
  const int result = fails("rmdir") ? -1 : FileSystem::rmdir(path);
  if (result == 0) changes_.push_back({.kind = Kind::remove, .path = within(path)});
  return result;
}

int RecordedFiles::list(const std::string& folder, std::vector<std::string>& names) {
  return fails("list") ? -1 : FileSystem::list(folder, names);
}
int RecordedFiles::realpath(const std::string& path, std::string& real) {
  return fails("realpath") ? -1 : FileSystem::realpath(path, real);
}

}  // namespace kiln::test
