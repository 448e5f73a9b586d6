#include <kiln/data/annotations/yolo.h>

#include <filesystem>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/annotations/yolo_text.h>
#include <kiln/data/sets/file.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>

namespace kiln::data {
namespace {

std::string joined(const std::string& folder, const std::string& path) {
  if (path.starts_with('/')) return path;
  return join_path(folder, path.starts_with("./") ? path.substr(2) : path);
}

// The .txt of a picture: "/labels/" for the last "/images/", .txt for its ending.
std::string labels_path(const std::string& picture) {
  std::string path = picture;
  if (const size_t at = path.rfind("/images/"); at != path.npos) path.replace(at, 8, "/labels/");
  const size_t dot = path.rfind('.');
  if (dot != path.npos && path.find('/', dot) == path.npos) path.resize(dot);
  return path + ".txt";
}

void pictures_below(const std::string& folder, const std::string& name, std::vector<std::string>& found,
                    int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) fail("{}: folders are nested deeper than {}", folder, kDeepest);
  for (const std::string& entry : names_in(join_path(folder, name))) {
    const std::string inner = join_path(name, entry);
    if (is_folder(join_path(folder, inner)))
      pictures_below(folder, inner, found, depth + 1);
    else if (is_picture_name(entry))
      found.push_back(inner);
  }
}

// Of a folder or a .txt, from the root.
std::vector<std::string> pictures_of(const std::string& root, const std::string& list) {
  const std::string path = joined(root, list);
  std::vector<std::string> found;
  if (is_folder(path)) {
    pictures_below(root, list.starts_with("./") ? list.substr(2) : list, found, 0);
    return found;
  }
  const TextFile file(path);
  for (std::string_view rest = file.text(); !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line(trimmed(rest.substr(0, end)));
    if (!line.empty()) found.push_back(line.starts_with("./") ? line.substr(2) : line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

}  // namespace

Annotations read_yolo(const std::string& data_yaml, const AnnotationOptions& options) {
  const TextFile file(data_yaml);
  const YoloFile said = parse_yolo_file(file.text(), data_yaml);
  Annotations result = {.classes = said.names};
  result.folder = said.root.empty() ? folder_of(data_yaml) : joined(folder_of(data_yaml), said.root);
  std::unordered_map<std::string, std::string> splits;
  for (const auto& [split, lists] : said.lists)
    for (const std::string& list : lists) {
      if (const std::string problem = path_problem(list, options); !problem.empty())
        fail("{}: {}", data_yaml, problem);
      for (std::string& picture : pictures_of(result.folder, list)) {
        std::string problem = path_problem(picture, options);
        const auto [place, is_new] = splits.try_emplace(picture, split);
        if (problem.empty() && !is_new)
          problem = fmt::format("'{}' is in '{}' already", picture, place->second);
        if (problem.empty())
          result.images.push_back({.path = std::move(picture), .split = split});
        else
          report(options, fmt::format("{}: '{}': {}", data_yaml, split, problem));
      }
    }
  read_sizes(result, options);
  std::erase_if(result.images, [](const AnnotatedImage& image) { return image.width == 0; });
  for (AnnotatedImage& image : result.images) {
    const std::string labels = labels_path(result.path_of(image));
    if (!file_exists(labels)) continue;
    const TextFile text(labels);
    image.boxes = parse_yolo_labels(text.text(), image, result.classes.size(), labels, options);
  }
  return result;
}

void write_yolo(const std::string& folder, const Annotations& annotations) {
  std::map<std::string, std::string> lists = {{"train", ""}};
  for (const AnnotatedImage& image : annotations.images) {
    if (const std::string problem = path_problem(image.path, {}); !problem.empty())
      fail("write_yolo: {}", problem);
    if (image.width <= 0 || image.height <= 0)
      fail("write_yolo: the size of '{}' is not known; read_sizes(annotations) looks it up", image.path);
    const std::string picture = folder + "/images/" + image.path, labels = labels_path(picture);
    for (const std::string& path : {picture, labels})
      if (const std::error_code error = io::make_folders(folder_of(path)))
        fail("{}: cannot make the folder: {}", folder_of(path), error.message());
    const std::string target = absolute_path(annotations.path_of(image));
    std::error_code error;
    if (std::filesystem::is_symlink(picture)) std::filesystem::remove(picture, error);
    std::filesystem::create_symlink(target, picture, error);
    if (error) fail("{}: cannot make a link to the picture: {}", picture, error.message());
    io::write_text(labels, yolo_labels_text(image));
    lists[image.split.empty() ? "train" : image.split] += fmt::format("./images/{}\n", image.path);
  }
  std::string yaml = "path: .\n";
  for (const auto& [split, pictures] : lists) {
    io::write_text(fmt::format("{}/{}.txt", folder, split), pictures);
    yaml += fmt::format("{0}: {0}.txt\n", split);
  }
  yaml += "names:\n";
  for (size_t i = 0; i < annotations.classes.size(); ++i) {
    std::string quoted = "'";
    for (const char c : annotations.classes[i]) quoted += c == '\'' ? "''" : std::string(1, c);
    yaml += fmt::format("  {}: {}'\n", i, quoted);
  }
  io::write_text(folder + "/data.yaml", yaml);
}

}  // namespace kiln::data
