#include <kiln/data/annotations/manifest.h>

#include <algorithm>

#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/data/annotations/table.h>
#include <kiln/data/sets/file.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>

namespace kiln::data {
namespace {

constexpr size_t kDepth = 10;

char kind_of(const std::string& path) {
  for (const auto& known : {std::pair(".csv", ','), std::pair(".tsv", '\t'), std::pair(".jsonl", '{')})
    if (path.ends_with(known.first)) return known.second;
  fail("{}: a manifest is a .csv, .tsv or .jsonl", path);
}

class Reader {
 public:
  Reader(const std::string& what, const AnnotationOptions& options)
      : what_(what),
        options_(options),
        entries_(ClassNames(options.classes, "classes"), !options.classes.empty()) {}

  void table(std::string_view text, char separator) {
    TableReader reader(text, separator, what_);
    std::vector<std::string> columns, fields;
    if (!reader.next(columns)) fail("{}: is empty; its first line must name the columns", what_);
    if (std::find(columns.begin(), columns.end(), "path") == columns.end())
      fail("{}: line 1 names no column 'path', only {}", what_, listed(columns));
    for (size_t i = 0; i < columns.size(); ++i)
      if (std::find(columns.begin(), columns.begin() + std::ptrdiff_t(i), columns[i]) !=
          columns.begin() + std::ptrdiff_t(i))
        fail("{}: line 1 names the column '{}' twice", what_, columns[i]);
    while (reader.next(fields)) {
      if (fields.size() != columns.size())
        fail("{}: line {}: {} fields, line 1 names {} columns", what_, reader.line(), fields.size(),
             columns.size());
      add(reader.line(), [&](AnnotatedImage& image) {
        for (size_t i = 0; i < fields.size(); ++i) entries_.set_text(image, columns[i], fields[i]);
      });
    }
  }

  void lines(std::string_view text) {
    int64_t line = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view row = trimmed(text.substr(begin, end - begin));
      begin = end + 1;
      ++line;
      if (row.empty()) continue;
      const Value value = io::parse_json(row, fmt::format("{}: line {}", what_, line), kDepth);
      if (!value.is_dict()) fail("{}: line {}: is no JSON object", what_, line);
      if (line == 1 && value.find("classes") != nullptr && value.find("path") == nullptr)
        first_line(value);
      else
        add(line, [&](AnnotatedImage& image) {
          for (const auto& entry : value.entries()) entries_.set(image, entry.key.text(), entry.value);
        });
    }
  }

  Annotations take() {
    result_.folder = folder_of(what_);
    result_.classes = entries_.names().names();
    if (!entries_.is_fixed()) sort_classes(result_);
    return std::move(result_);
  }

 private:
  static std::string listed(const std::vector<std::string>& names) {
    constexpr size_t kShown = 12;
    std::string out;
    for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
      out += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i].substr(0, 40));
    return names.size() > kShown ? fmt::format("{} and {} more", out, names.size() - kShown) : out;
  }

  void first_line(const Value& value) {
    classes(value.at("classes"));
    const Value* packed = value.find("packed");
    if (packed == nullptr) return;
    if (!packed->is_string()) fail("{}: line 1: 'packed' is no text", what_);
    const std::string& file = packed->as_string();
    if (const std::string problem = path_problem(file, options_); !problem.empty())
      fail("{}: line 1: {}", what_, problem);
    result_.packed = file.starts_with('/') ? file : join_path(folder_of(what_), file);
  }

  void classes(const Value& names) {
    if (entries_.is_fixed()) return;
    std::vector<std::string> all;
    if (!names.is_list()) fail("{}: line 1: 'classes' is no list", what_);
    for (const Value& name : names.items()) {
      if (!name.is_string()) fail("{}: line 1: 'classes' has what is no text", what_);
      all.push_back(name.as_string());
    }
    entries_ = ManifestEntries(ClassNames(std::move(all), what_ + ": line 1"), true);
  }

  template <class Fill>
  void add(int64_t line, Fill fill) {
    AnnotatedImage image;
    std::string problem;
    try {
      fill(image);
      problem = path_problem(image.path, options_);
    } catch (const Error& error) {
      problem = error.what();
    }
    if (problem.empty()) {
      const auto [place, is_new] = lines_.try_emplace(image.path, line);
      if (!is_new) problem = fmt::format("'{}' stands in line {} already", image.path, place->second);
    }
    if (!problem.empty()) return report(options_, fmt::format("{}: line {}: {}", what_, line, problem));
    std::erase_if(image.boxes, [&](const ObjectBox& box) {
      const std::string bad = problem_of(box, image);
      if (!bad.empty()) report(options_, fmt::format("{}: line {}: {}", what_, line, bad));
      return !bad.empty();
    });
    result_.images.push_back(std::move(image));
  }

  const std::string& what_;
  const AnnotationOptions& options_;
  ManifestEntries entries_;
  std::unordered_map<std::string, int64_t> lines_;
  Annotations result_;
};

}  // namespace

Annotations parse_manifest(std::string_view text, char kind, const std::string& what,
                           const AnnotationOptions& options) {
  Reader reader(what, options);
  if (kind == '{')
    reader.lines(text);
  else
    reader.table(text, kind);
  return reader.take();
}

Annotations read_manifest(const std::string& path, const AnnotationOptions& options) {
  const char kind = kind_of(path);
  const TextFile file(path);
  return parse_manifest(file.text(), kind, path, options);
}

void write_manifest(const std::string& path, const Annotations& annotations) {
  const char kind = kind_of(path);
  Annotations moved = annotations;
  moved.folder = folder_of(path);
  const std::string base = absolute_path(moved.folder) + "/";
  const auto from_here = [&](const std::string& file) {
    const std::string whole = absolute_path(file);
    return whole.starts_with(base) ? whole.substr(base.size()) : whole;
  };
  if (!annotations.packed.empty()) {
    if (kind != '{')
      fail("{}: a table does not tell that the pictures lie in {}; write a .jsonl", path, annotations.packed);
    moved.packed = from_here(annotations.packed);
  } else if (moved.folder != annotations.folder) {
    for (AnnotatedImage& image : moved.images) image.path = from_here(annotations.path_of(image));
  }
  io::write_text(path, manifest_text(moved, kind));
}

}  // namespace kiln::data
