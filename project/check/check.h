#pragma once

#include <array>
#include <string>
#include <vector>

#include <kiln/data/annotations/annotations.h>

namespace kiln::project {

// What is wrong, or worth knowing, about some pictures of a set.
struct Finding {
  enum class Level : uint8_t { error, warning };
  Level level;
  std::string kind;                // "unreadable", "duplicates", "leak", ...: a word or two
  std::string text;                // a sentence
  std::vector<std::string> files;  // those concerned, as the set names them
};

struct ClassCount {
  std::string name;
  std::vector<int64_t> pictures;  // in each split, in the order of Check::splits
};

struct Check {
  int64_t pictures = 0, unreadable = 0;
  int64_t bytes = 0;
  std::vector<Finding> findings;    // errors first, then by kind
  std::vector<std::string> splits;  // their names; one "" where there are none
  std::vector<ClassCount> classes;
  std::array<double, 3> mean = {}, std = {};  // of all pixels, 0 .. 1, red, green and blue
  int64_t least_width = 0, most_width = 0, least_height = 0, most_height = 0;
  double seconds = 0;

  // 0 where there is none.
  int64_t count(Finding::Level level) const;
};

struct CheckOptions {
  int64_t least_size = 8;      // a shorter side of less is an odd size
  double most_aspect = 10;     // as is a longer side of more than so many times the shorter one
  double most_imbalance = 20;  // the largest class over the smallest
  bool similar = true;         // look for the same picture in another size or compression
  int threads = 0;             // that read pictures; 0: as many as the machine has
  Function<void(int64_t done, int64_t total)> progress = {};
  // What reading the set said (AnnotationOptions::problem), and picture files that the set does not name.
  std::vector<std::string> problems = {};
  std::vector<std::string> unnamed = {};
};

// Looks at every picture of a set.
//
// Errors: files that are missing, empty, cut off or no pictures; names that end like another format; the same
// bytes with different labels, or in two splits; a class that only validation has or that has no picture; an
// unknown class; boxes outside of their picture or without area. Warnings: the same bytes twice; the same
// picture in another size or compression (also across splits, which is an error there); odd sizes; pictures
// without a label; files that nobody names; classes that are much rarer than others; EXIF that says a picture
// is turned.
Check check_data(const data::Annotations& set, const CheckOptions& options = {});

// A page of text, JSON, and a page of HTML with small pictures of what was found, on its own.
std::string to_text(const Check& check);
std::string to_json(const Check& check);
std::string to_html(const Check& check, const data::Annotations& set);

}  // namespace kiln::project
