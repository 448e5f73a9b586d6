#include <kiln/io/bytes/folder.h>

#include <fcntl.h>
#include <sys/file.h>

#include <string_view>

#include <kiln/io/bytes/file_system.h>

namespace kiln::io {
namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

// "PREFIX...4711-12.tmp", with the writer's process and a count.
bool is_temporary(std::string_view name, std::string_view prefix) {
  constexpr std::string_view kEnding = ".tmp", kDigits = "0123456789";
  if (!name.starts_with(prefix) || !name.ends_with(kEnding)) return false;
  name.remove_suffix(kEnding.size());
  const size_t count = name.find_last_not_of(kDigits);
  if (count == name.npos || name[count] != '-') return false;
  const size_t process = name.find_last_not_of(kDigits, count - 1);
  return process != name.npos && name[process] == '.' && process + 1 < count && count + 1 < name.size();
}

// Its writer holds a lock on a temporary file as long as it lives. The lock is kept until the file is gone: a
// writer that has made one and not locked it yet waits for it, and sees.
void remove_if_abandoned(const std::string& path) {
  const int file = file_system().open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
  if (file < 0) return;
  if (file_system().flock(file, LOCK_EX | LOCK_NB) == 0) file_system().unlink(path);
  file_system().close(file);
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

std::error_code sync_folder(const std::string& path) {
  const int file =
      uninterrupted([&] { return file_system().open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  if (file < 0) return errno == EACCES ? std::error_code() : last_error();
  std::error_code error;
  if (uninterrupted([&] { return file_system().fsync(file); }) != 0 && errno != EINVAL && errno != EROFS)
    error = last_error();
  file_system().close(file);
  return error;
}

// A folder is synced as soon as something was made in it, and before anything is made in that. So of those
// that are there already only the last may be new, left by somebody who got no further: its parent is synced
// too.
std::error_code make_folders(const std::string& path) {
  const std::string end = path.substr(0, path.find_last_not_of('/') + 1), parent = folder_of(end);
  if (!is_folder(path)) {
    if (parent != end)
      if (const std::error_code error = make_folders(parent)) return error;
    if (file_system().mkdir(path, 0777) != 0) {
      if (errno != EEXIST) return last_error();
      // Somebody else may have made it in the meantime.
      if (!is_folder(path)) return std::make_error_code(std::errc::not_a_directory);
    }
  }
  return sync_folder(parent);
}

void remove_abandoned(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> names;
  file_system().list(folder, names);
  const std::string begin = folder + "/";
  for (const std::string& name : names)
    if (is_temporary(name, prefix)) remove_if_abandoned(begin + name);
}

}  // namespace kiln::io
