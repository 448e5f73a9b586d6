#pragma once

// Internal: one picture of a manifest, as JSON.

#include <optional>
#include <string>
#include <string_view>

#include <kiln/data/annotations/reading.h>
#include <kiln/tensor/value/value.h>

namespace kiln::data {

// Puts a picture's keys into it. Classes are found in `names`, or added unless they are `fixed`. Throws an
// Error without the file's name that says what is wrong.
class ManifestEntries {
 public:
  ManifestEntries(ClassNames names, bool fixed) : names_(std::move(names)), fixed_(fixed) {}

  void set(AnnotatedImage& image, const std::string& key, const Value& value);
  // Of a table: text as what the key holds.
  void set_text(AnnotatedImage& image, const std::string& key, const std::string& text);
  const ClassNames& names() const { return names_; }
  bool is_fixed() const { return fixed_; }

 private:
  int64_t label_of(const std::string& name);
  ObjectBox box_of(const Value& value);

  ClassNames names_;
  bool fixed_;
};

// The JSON of the boxes; {} where there are none.
std::string boxes_json(const AnnotatedImage& image, const std::vector<std::string>& classes);
std::string labels_json(const AnnotatedImage& image, const std::vector<std::string>& classes);
std::string number_json(double value);

// Text of a manifest of that kind, which `what` names in errors; ',' and '\t' are tables, '{' is .jsonl.
Annotations parse_manifest(std::string_view text, char kind, const std::string& what,
                           const AnnotationOptions& options);
std::string manifest_text(const Annotations& annotations, char kind);

}  // namespace kiln::data
