#include <kiln/io/bytes/folder.h>

#include <fcntl.h>
#include <sys/file.h>

#include <kiln/io/bytes/file_system.h>

namespace kiln::io {
namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

// Its writer holds a lock on a temporary file as long as it lives.
bool is_abandoned(const std::string& path) {
  const int file = file_system().open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
  if (file < 0) return false;
  const bool free = file_system().flock(file, LOCK_EX | LOCK_NB) == 0;
  file_system().close(file);
  return free;
}

bool is_folder(const std::string& path) {
  struct stat info;
  return file_system().stat(path, info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::error_code remove_file(const std::string& path) {
  if (file_system().unlink(path) == 0 || errno == ENOENT) return {};
  return last_error();
}

std::error_code make_folders(const std::string& path) {
  if (is_folder(path)) return {};
  if (file_system().mkdir(path, 0777) == 0) return {};
  if (errno != ENOENT) return last_error();
  if (const std::error_code error = make_folders(folder_of(path))) return error;
  return file_system().mkdir(path, 0777) == 0 ? std::error_code() : last_error();
}

void remove_abandoned(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> names;
  file_system().list(folder, names);
  for (const std::string& name : names) {
    if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
    const std::string path = folder + "/" + name;
    if (is_abandoned(path)) file_system().unlink(path);
  }
}

}  // namespace kiln::io
