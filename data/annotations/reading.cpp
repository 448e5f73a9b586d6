#include <kiln/data/annotations/reading.h>

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include <kiln/data/sets/file.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/file_system.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::data {

TextFile::TextFile(const std::string& path) {
  const io::InputFile file(path);
  storage_ = file.map(false);
  if (storage_) text_ = {static_cast<const char*>(storage_->data), size_t(file.size())};
  if (!is_utf8(text_)) fail("{}: is no text in UTF-8", path);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  if (io::file_system().list(folder, names) != 0)
    fail("{}: cannot list the folder: {}", folder, std::strerror(errno));
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  std::sort(names.begin(), names.end());
  return names;
}

bool is_folder(const std::string& path) {
  struct stat status;
  return io::file_system().stat(path, status) == 0 && S_ISDIR(status.st_mode);
}

std::string folder_of(const std::string& path) { return io::folder_of(path); }

std::string absolute_path(const std::string& path) {
  std::string whole = std::filesystem::absolute(path).lexically_normal().string();
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  return whole;
}

std::string stem_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == path.npos ? path : path.substr(slash + 1);
  const size_t dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? name : name.substr(0, dot);
}

bool is_picture_name(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == name.npos) return false;
  std::string ending(name.substr(dot));
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  constexpr const char* kEndings[] = {".jpg",  ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif",
                                      ".tiff", ".webp", ".gif", ".tga", ".psd", ".pbm"};
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

void report(const AnnotationOptions& options, const std::string& problem) {
  if (!options.problem) fail("{}", problem);
  options.problem(problem);
}

std::string path_problem(std::string_view path, const AnnotationOptions& options) {
  if (path.empty()) return "the path of the picture is empty";
  if (path.find('\0') != path.npos) return "the path of the picture has a zero byte";
  if (options.allow_outside) return "";
  if (path.front() == '/') return fmt::format("the path '{}' is absolute; allow_outside takes it", path);
  int64_t depth = 0;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..")
      --depth;
    else if (!part.empty() && part != ".")
      ++depth;
    if (depth < 0) return fmt::format("the path '{}' leaves the folder; allow_outside takes it", path);
    begin = end + 1;
  }
  return "";
}

ClassNames::ClassNames(std::vector<std::string> names, const std::string& what) {
  for (std::string& name : names) {
    if (name.empty()) fail("{}: class {} has no name", what, names_.size());
    if (find(name) >= 0) fail("{}: the class '{}' comes twice", what, name);
    add(name);
  }
}

int64_t ClassNames::find(const std::string& name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? -1 : found->second;
}

int64_t ClassNames::add(const std::string& name) {
  const auto [place, is_new] = numbers_.try_emplace(name, int64_t(names_.size()));
  if (is_new) names_.push_back(name);
  return place->second;
}

void sort_classes(Annotations& annotations) {
  const std::vector<std::string> names = annotations.classes;
  std::vector<int64_t> numbers(names.size(), 0);
  bool all_numbers = true;
  for (size_t i = 0; i < names.size(); ++i) all_numbers = all_numbers && parse_count(names[i], numbers[i]);
  std::vector<size_t> order(names.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return all_numbers && numbers[a] != numbers[b] ? numbers[a] < numbers[b] : names[a] < names[b];
  });
  std::vector<int64_t> label(names.size());
  for (size_t i = 0; i < order.size(); ++i) {
    annotations.classes[i] = names[order[i]];
    label[order[i]] = int64_t(i);
  }
  for (AnnotatedImage& image : annotations.images) {
    for (int64_t& old : image.labels) old = label[size_t(old)];
    for (ObjectBox& box : image.boxes) box.label = label[size_t(box.label)];
  }
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

bool parse_count(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace kiln::data
