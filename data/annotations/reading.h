#pragma once

// Internal: what the readers and writers of annotations share.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <kiln/data/annotations/annotations.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/storage.h>

namespace kiln::data {

// A file's text, mapped. Throws an Error that names the file when it cannot be read or is no UTF-8.
class TextFile {
 public:
  explicit TextFile(const std::string& path);
  std::string_view text() const { return text_; }

 private:
  Ref<Storage> storage_;
  std::string_view text_;
};

// Names of a folder's entries, sorted by their bytes, without hidden ones (".x").
std::vector<std::string> names_in(const std::string& folder);
bool is_folder(const std::string& path);
// "a/b" of "a/b/c.txt", "." of "c.txt"; "c" of "a/c.txt".
std::string folder_of(const std::string& path);
std::string stem_of(const std::string& path);
// From the root, without "." and ".."; links stay.
std::string absolute_path(const std::string& path);
// By the ending, whatever its case: .jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp, as torchvision, and .gif
// .tga .psd .pbm.
bool is_picture_name(std::string_view name);

// Tells options.problem, or throws: "FILE: line 7: ...".
void report(const AnnotationOptions& options, const std::string& problem);
// "" or why the path of a picture is refused.
std::string path_problem(std::string_view path, const AnnotationOptions& options);

// Numbers the names of classes.
class ClassNames {
 public:
  // Throws "WHAT: ..." for a name that comes twice or is empty.
  ClassNames(std::vector<std::string> names, const std::string& what);
  ClassNames() = default;
  // -1: there is none of that name.
  int64_t find(const std::string& name) const;
  int64_t add(const std::string& name);  // its number, new or not
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, int64_t> numbers_;
};

// Names sorted as people do: by number when all are numbers, else by their bytes. Labels follow.
void sort_classes(Annotations& annotations);

// A finite number that is all of the text.
bool parse_number(std::string_view text, double& value);
bool parse_count(std::string_view text, int64_t& value);
std::string_view trimmed(std::string_view text);

}  // namespace kiln::data
