#include <kiln/project/open_data.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <kiln/data/annotations/coco.h>
#include <kiln/data/annotations/elpv.h>
#include <kiln/data/annotations/manifest.h>
#include <kiln/data/annotations/split.h>
#include <kiln/data/annotations/voc.h>
#include <kiln/data/annotations/yolo.h>
#include <kiln/data/folders/packed.h>
#include <kiln/tensor/base/closest_word.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<const char*, const char*> kSplitFolders[] = {
    {"train", "train"}, {"val", "val"}, {"valid", "val"}, {"validation", "val"}, {"test", "test"}};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}
bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}
bool has_file_ending(const fs::path& folder, const char* ending) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ending) return true;
  return false;
}

// Folders of class folders, one a split.
data::Annotations read_split_folders(const std::string& path, const data::ImageFolderOptions& options) {
  data::Annotations all{.folder = path};
  std::vector<data::Annotations> parts;
  std::set<std::string> classes;
  for (const auto& [folder, split] : kSplitFolders) {
    if (!is_folder(fs::path(path) / folder)) continue;
    parts.push_back(data::read_image_folder(path + "/" + folder, options));
    for (data::AnnotatedImage& image : parts.back().images) {
      image.path = std::string(folder) + "/" + image.path;
      image.split = split;
    }
    classes.insert(parts.back().classes.begin(), parts.back().classes.end());
  }
  all.classes.assign(classes.begin(), classes.end());
  for (const data::Annotations& part : parts) {
    data::Annotations same = with_classes(part, all.classes);
    std::ranges::move(same.images, std::back_inserter(all.images));
  }
  return all;
}

data::Annotations read_folder(const std::string& path, const data::AnnotationOptions& options) {
  const fs::path folder = path;
  if (is_there(folder / "data.yaml")) return data::read_yolo(path + "/data.yaml", options);
  if (is_there(folder / "labels.csv") && is_there(folder / "images")) return data::elpv(path);
  for (const char* name : {"manifest.jsonl", "manifest.csv", "manifest.tsv"})
    if (is_there(folder / name)) return data::read_manifest(path + "/" + name, options);
  if (is_there(folder / "Annotations") || has_file_ending(folder, ".xml"))
    return data::read_voc(path, options);
  const data::ImageFolderOptions folders = {.allow_empty = bool(options.problem)};
  if (is_folder(folder / "train")) return read_split_folders(path, folders);
  return data::read_image_folder(path, folders);
}

// ELPV's has no first line, and blanks where tables have commas.
bool is_elpv(const fs::path& file) {
  return file.filename() == "labels.csv" && is_folder(file.parent_path() / "images");
}

data::Annotations read_file(const std::string& path, const data::AnnotationOptions& options) {
  const fs::path file = path;
  const std::string ending = file.extension();
  if (is_elpv(file)) return data::elpv(file.parent_path().empty() ? "." : file.parent_path().string());
  if (ending == ".json") return data::read_coco(path, {.reading = options});
  if (ending == ".yaml" || ending == ".yml") return data::read_yolo(path, options);
  if (ending == ".csv" || ending == ".tsv" || ending == ".jsonl") return data::read_manifest(path, options);
  if (ending == ".kiln")
    return data::PackedPictures(path, {.target = data::PictureTarget::none}).annotations();
  fail(
      "{} says nothing about pictures: a set is a folder, or a .csv, .tsv, .jsonl, .json (COCO), data.yaml "
      "or "
      ".kiln (packed)",
      path);
}

}  // namespace

data::Annotations open_data(const std::string& path, const data::AnnotationOptions& options) {
  if (!is_there(path)) fail("{} is not there", path);
  const data::Annotations set = is_folder(path) ? read_folder(path, options) : read_file(path, options);
  return options.classes.empty() || options.classes == set.classes ? set : with_classes(set, options.classes);
}

void check_pictures(const data::Annotations& set, const std::string& who, int64_t may_miss) {
  constexpr int64_t kNamed = 5;
  std::vector<std::string> missing;
  int64_t count = 0;
  for (const data::AnnotatedImage& image : set.images) {
    if (image.labels.size() != 1) {
      if (image.labels.empty() && !image.boxes.empty())
        fail(
            "{}: {} has boxes and no label of the picture as a whole; kiln learns to name pictures, not to "
            "find "
            "things in them: give each picture a label, or cut the boxes out",
            who, image.path);
      fail("{}: {} has {} labels, and each picture needs one", who, image.path, image.labels.size());
    }
    if (set.packed.empty() && !is_there(set.path_of(image)) && ++count <= kNamed)
      missing.push_back(image.path);
  }
  if (count > may_miss)
    fail("{}: {} of {} pictures are missing: {}{}", who, count, set.images.size(), fmt::join(missing, ", "),
         count > kNamed ? ", ..." : "");
}

data::Annotations with_classes(const data::Annotations& set, const std::vector<std::string>& classes) {
  std::vector<int64_t> places;
  for (const std::string& name : set.classes) {
    const auto found = std::ranges::find(classes, name);
    places.push_back(found == classes.end() ? -1 : found - classes.begin());
  }
  data::Annotations same = set;
  same.classes = classes;
  const auto move = [&](int64_t& label, const data::AnnotatedImage& image) {
    const std::string& name = set.classes[size_t(label)];
    label = places[size_t(label)];
    if (label >= 0) return;
    const std::string close = closest_word(name, classes);
    fail("{} is of the class '{}', which is not among {}{}", image.path, name, fmt::join(classes, ", "),
         close.empty() ? "" : fmt::format("; is '{}' meant?", close));
  };
  for (data::AnnotatedImage& image : same.images) {
    for (int64_t& label : image.labels) move(label, image);
    for (data::ObjectBox& box : image.boxes) move(box.label, image);
  }
  return same;
}

std::vector<std::string> splits_of(const data::Annotations& set) {
  std::set<std::string> names;
  for (const data::AnnotatedImage& image : set.images) names.insert(image.split);
  return {names.begin(), names.end()};
}

data::Annotations split_of(const data::Annotations& set, const std::string& split) {
  const std::vector<std::string> names = splits_of(set);
  const auto has = [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  if (!split.empty()) {
    if (!has(split)) fail("the set has no split '{}', it has {}", split, fmt::join(names, ", "));
    return set.of_split(split);
  }
  for (const char* name : {"val", "test"})
    if (has(name)) return set.of_split(name);
  return set;
}

data::Annotations with_validation(const data::Annotations& set, double validation, uint64_t seed) {
  data::Annotations all = set;
  const std::vector<std::string> names = splits_of(set);
  const bool has_validation = std::ranges::find(names, "val") != names.end();
  data::Annotations rest = set;
  std::erase_if(rest.images, [](const data::AnnotatedImage& image) { return image.split == "test"; });
  if (!has_validation)
    data::split_annotations(rest, {{"train", 1 - validation}, {"val", validation}}, {.seed = seed});
  std::map<std::string, std::string> split_of_path;
  for (const data::AnnotatedImage& image : rest.images)
    split_of_path[image.path] = image.split.empty() ? "train" : image.split;
  for (data::AnnotatedImage& image : all.images)
    if (const auto found = split_of_path.find(image.path); found != split_of_path.end())
      image.split = found->second;
  return all;
}

}  // namespace kiln::project
