#include <kiln/data/annotations/voc.h>

#include <map>

#include <kiln/data/annotations/voc_text.h>
#include <kiln/data/sets/file.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>

namespace kiln::data {
namespace {

constexpr const char* kSplits[] = {"train", "val", "test"};

// The split of each name that ImageSets/Main has.
std::unordered_map<std::string, std::string> splits_of(const std::string& folder) {
  std::unordered_map<std::string, std::string> splits;
  for (const char* split : kSplits) {
    const std::string path = fmt::format("{}/ImageSets/Main/{}.txt", folder, split);
    if (!file_exists(path)) continue;
    const TextFile file(path);
    for (std::string_view rest = file.text(); !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = trimmed(rest.substr(0, end));
      if (!line.empty()) {
        const std::string name(line.substr(0, line.find_first_of(" \t")));
        const auto [place, is_new] = splits.try_emplace(name, split);
        if (!is_new && place->second != split) fail("{}: '{}' is in '{}' too", path, name, place->second);
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return splits;
}

}  // namespace

Annotations read_voc(const std::string& folder, const AnnotationOptions& options) {
  const bool whole = is_folder(folder + "/Annotations");
  const std::string place = whole ? folder + "/Annotations" : folder;
  Annotations result = {.folder = folder};
  ClassNames names(options.classes, "classes");
  const auto splits = splits_of(folder);
  for (const std::string& name : names_in(place)) {
    if (!name.ends_with(".xml")) continue;
    const std::string path = join_path(place, name);
    const TextFile file(path);
    AnnotatedImage image = parse_voc(file.text(), path, names, !options.classes.empty(), options);
    if (const std::string problem = path_problem(image.path, options); !problem.empty()) {
      report(options, fmt::format("{}: {}", path, problem));
      continue;
    }
    if (whole && !image.path.starts_with('/')) image.path = "JPEGImages/" + image.path;
    if (const auto split = splits.find(stem_of(name)); split != splits.end()) image.split = split->second;
    result.images.push_back(std::move(image));
  }
  result.classes = names.names();
  if (options.classes.empty()) sort_classes(result);
  return result;
}

void write_voc(const std::string& folder, const Annotations& annotations) {
  for (const char* part : {"/Annotations", "/ImageSets/Main"})
    if (const std::error_code error = io::make_folders(folder + part))
      fail("{}{}: cannot make the folder: {}", folder, part, error.message());
  std::map<std::string, std::string> lists, seen;
  for (const AnnotatedImage& image : annotations.images) {
    const std::string stem = stem_of(image.path);
    if (image.width <= 0 || image.height <= 0)
      fail("write_voc: the size of '{}' is not known; read_sizes(annotations) looks it up", image.path);
    if (const auto [place, is_new] = seen.try_emplace(stem, image.path); !is_new)
      fail("write_voc: '{}' and '{}' would both be {}.xml", place->second, image.path, stem);
    io::write_text(fmt::format("{}/Annotations/{}.xml", folder, stem), voc_text(image, annotations.classes));
    if (!image.split.empty()) lists[image.split].append(stem).append("\n");
  }
  for (const auto& [split, names] : lists)
    io::write_text(fmt::format("{}/ImageSets/Main/{}.txt", folder, split), names);
}

}  // namespace kiln::data
