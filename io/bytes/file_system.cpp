#include <kiln/io/bytes/file_system.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace kiln::io {

int FileSystem::open(const std::string& path, int flags, mode_t mode) {
  return ::open(path.c_str(), flags, mode);
}
int FileSystem::close(int file) { return ::close(file); }
int FileSystem::stat(const std::string& path, struct stat& info) { return ::stat(path.c_str(), &info); }
int FileSystem::fstat(int file, struct stat& info) { return ::fstat(file, &info); }

ssize_t FileSystem::pread(int file, void* out, size_t bytes, off_t begin) {
  return ::pread(file, out, bytes, begin);
}
void* FileSystem::mmap(int file, size_t bytes, bool writable) {
  return ::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_PRIVATE, file, 0);
}
ssize_t FileSystem::pwrite(int file, const void* data, size_t bytes, off_t begin) {
  return ::pwrite(file, data, bytes, begin);
}

int FileSystem::fallocate(int file, off_t bytes) { return ::fallocate(file, 0, 0, bytes); }
int FileSystem::fchmod(int file, mode_t mode) { return ::fchmod(file, mode); }
int FileSystem::fsync(int file) { return ::fsync(file); }
int FileSystem::flock(int file, int operation) { return ::flock(file, operation); }

int FileSystem::rename(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str());
}
int FileSystem::unlink(const std::string& path) { return ::unlink(path.c_str()); }
int FileSystem::mkdir(const std::string& path, mode_t mode) { return ::mkdir(path.c_str(), mode); }
int FileSystem::rmdir(const std::string& path) { return ::rmdir(path.c_str()); }

int FileSystem::list(const std::string& folder, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()), ::closedir);
  if (!listing) return -1;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) names.emplace_back(entry->d_name);
  return errno == 0 ? 0 : -1;
}

int FileSystem::realpath(const std::string& path, std::string& real) {
  const std::unique_ptr<char, void (*)(void*)> found(::realpath(path.c_str(), nullptr), std::free);
  if (!found) return -1;
  real = found.get();
  return 0;
}

namespace {

FileSystem& system_itself() {
  static FileSystem system;
  return system;
}
std::atomic<FileSystem*> replacement = nullptr;

}  // namespace

FileSystem& file_system() {
  FileSystem* other = replacement.load(std::memory_order_acquire);
  return other != nullptr ? *other : system_itself();
}

FileSystem* replace_file_system(FileSystem* other) { return replacement.exchange(other); }

}  // namespace kiln::io
