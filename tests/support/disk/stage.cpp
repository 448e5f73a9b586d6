#include "support/disk/stage.h"

#include <filesystem>

namespace kiln::test {

namespace files = std::filesystem;

Stage::Stage() : folder_(memory_folder()) {}

// Only what differs is written: a state has most in common with the one before.
void Stage::show(const DiskState& state) {
  for (const auto& [path, content] : shown_.files)
    if (!state.files.contains(path)) files::remove(folder_ / path);
  if (shown_.folders != state.folders) clear();
  for (const std::string& path : state.folders) files::create_directory(folder_ / path);
  for (const auto& [path, content] : state.files) {
    const auto found = shown_.files.find(path);
    const bool is_shown = found != shown_.files.end() && found->second->hash == content->hash &&
                          files::exists(folder_ / path);  // a reader may remove temporary files
    if (!is_shown) write_file(folder_ / path, content->bytes);
  }
  shown_ = state;
}

void Stage::clear() {
  for (const auto& entry : files::directory_iterator(folder_.path())) files::remove_all(entry.path());
  shown_ = {};
}

std::string temporary_in(const std::string& folder) {
  for (const auto& entry : files::recursive_directory_iterator(folder))
    if (entry.path().filename().string().starts_with(".")) return entry.path().filename().string();
  return "";
}

}  // namespace kiln::test
