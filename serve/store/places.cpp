#include <kiln/serve/store/places.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve::store {
namespace {

bool is_id(std::string_view name) {
  constexpr size_t kDigits = 64;
  return name.size() == kDigits && name.find_first_not_of("0123456789abcdef") == name.npos;
}

// What the system would not say is no reason to remove it.
bool is_there(const std::string& path) {
  struct stat info;
  if (io::file_system().stat(path, info) == 0) return true;
  if (errno != ENOENT) fail("store: cannot read '{}': {}", path, std::strerror(errno));
  return false;
}

void unlink(const std::string& path) {
  if (const std::error_code error = io::remove_file(path))
    fail("store: cannot remove '{}': {}", path, error.message());
}

void sync(const std::string& folder) {
  if (const std::error_code error = io::sync_folder(folder))
    fail("store: cannot make safe '{}': {}", folder, error.message());
}

}  // namespace

std::vector<std::string> names(const std::string& folder) {
  std::vector<std::string> all;
  if (io::file_system().list(versions(folder), all) != 0 && errno != ENOENT)
    fail("store: cannot read '{}': {}", versions(folder), std::strerror(errno));
  std::erase_if(all, [](const std::string& name) { return !is_id(name); });
  std::ranges::sort(all);
  return all;
}

void remove(const std::string& folder, const std::string& id) {
  const std::string place = version(folder, id);
  unlink(about(folder, id));
  sync(place);
  std::vector<std::string> files;
  if (io::file_system().list(place, files) != 0)
    fail("store: cannot read '{}': {}", place, std::strerror(errno));
  for (const std::string& file : files)
    if (file != "." && file != "..") unlink(fmt::format("{}/{}", place, file));
  sync(place);
  if (io::file_system().rmdir(place) != 0) fail("store: cannot remove '{}': {}", place, std::strerror(errno));
  sync(versions(folder));
}

void clear_up(const std::string& folder) {
  io::remove_abandoned(folder, ".");
  for (const std::string& id : names(folder)) {
    if (is_there(about(folder, id)))
      io::remove_abandoned(version(folder, id), ".");
    else
      remove(folder, id);
  }
}

}  // namespace kiln::serve::store
