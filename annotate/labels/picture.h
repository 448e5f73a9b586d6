#pragma once

// Internal: a picture and what people have made of it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/data/annotations/annotations.h>
#include <kiln/tensor/value/value.h>

namespace kiln::annotate {

// Nobody has looked; somebody has, and all that there is to see is said; nobody can say; of no use.
enum class Mark : uint8_t { todo, done, skipped, bad };
const char* name_of(Mark mark);
std::optional<Mark> mark_of(std::string_view name);

// What a change replaces as a whole.
struct Work {
  Mark mark = Mark::todo;
  std::vector<int64_t> labels = {};
  std::vector<data::ObjectBox> boxes = {};  // in pixels of the picture as it is shown, upright
  bool operator==(const Work&) const = default;
};

struct Picture {
  std::string id;              // 16 hexadecimal digits of its path's SHA-256: the same whatever else is there
  data::AnnotatedImage image;  // its path is from the folder; labels and boxes are those of the work
  Mark mark = Mark::todo;
  int64_t revision = 0;    // the number of its last change
  std::string who, when;   // of that
  bool is_listed = false;  // a file of annotations names it

  Work work() const { return {mark, image.labels, image.boxes}; }
  void put(const Work& work) {
    mark = work.mark;
    image.labels = work.labels;
    image.boxes = work.boxes;
  }
};

std::string id_of(std::string_view path);

// "mark":"done","labels":["cat"],"boxes":[...] as a manifest has them, without braces.
std::string work_json(const Work& work, const std::vector<std::string>& classes);

}  // namespace kiln::annotate
