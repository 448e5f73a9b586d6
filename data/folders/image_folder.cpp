#include <algorithm>
#include <filesystem>
#include <set>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/folders/pictures.h>
#include <kiln/data/sets/file.h>
#include <kiln/image/format.h>
#include <kiln/io/bytes/file.h>

namespace kiln::data {
namespace {

class Walk {
 public:
  Walk(const std::string& root, const ImageFolderOptions& options) : root_(root), options_(options) {}

  // Pictures below root/name, by their paths from the root, sorted by folder and then by name.
  std::vector<std::string> pictures(const std::string& name) {
    std::vector<std::string> found;
    std::set<std::string> above;
    walk(name, found, above);
    const auto folder_and_name = [](const std::string& path) {
      const size_t slash = path.rfind('/');
      return std::pair(std::string_view(path).substr(0, slash), std::string_view(path).substr(slash + 1));
    };
    std::sort(found.begin(), found.end(), [&](const std::string& a, const std::string& b) {
      return folder_and_name(a) < folder_and_name(b);
    });
    return found;
  }

 private:
  // `above` are the folders that this one lies in, with links followed.
  void walk(const std::string& name, std::vector<std::string>& found, std::set<std::string>& above) {
    const std::string path = join_path(root_, name);
    std::error_code error;
    const std::string real = std::filesystem::canonical(path, error).string();
    if (error) fail("{}: cannot follow the folder: {}", path, error.message());
    if (!above.insert(real).second) return;
    for (const std::string& entry : names_in(path)) {
      const std::string inner = join_path(name, entry);
      if (is_folder(join_path(root_, inner)))
        walk(inner, found, above);
      else if (is_picture(entry, join_path(root_, inner)))
        found.push_back(inner);
    }
    above.erase(real);
  }

  bool is_picture(const std::string& name, const std::string& path) const {
    if (!options_.by_content) return is_picture_name(name);
    try {
      const io::InputFile file(path);
      constexpr int64_t kHead = 512;
      image::format_of(file.read(0, std::min(file.size(), kHead)));
      return true;
    } catch (const io::SystemError&) {
      throw;
    } catch (const Error&) {
      return false;
    }
  }

  const std::string& root_;
  const ImageFolderOptions& options_;
};

}  // namespace

Annotations read_image_folder(const std::string& folder, const ImageFolderOptions& options) {
  Annotations result = {.folder = folder};
  Walk walk(folder, options);
  std::string empty;
  for (const std::string& name : names_in(folder)) {
    if (!is_folder(join_path(folder, name))) continue;
    const auto label = int64_t(result.classes.size());
    result.classes.push_back(name);
    const std::vector<std::string> pictures = walk.pictures(name);
    if (pictures.empty()) empty += (empty.empty() ? "'" : ", '") + name + "'";
    for (const std::string& path : pictures) result.images.push_back({.path = path, .labels = {label}});
  }
  if (result.classes.empty()) fail("{}: has no folder of a class", folder);
  if (!empty.empty() && !options.allow_empty)
    fail("{}: no pictures are of the class {}; remove the folder or set allow_empty", folder, empty);
  return result;
}

ImageFolder::ImageFolder(const std::string& folder, const ImageFolderOptions& options)
    : Pictures(read_image_folder(folder, options), options.pictures) {}

}  // namespace kiln::data
