#include <kiln/annotate/labels/picture.h>

#include <algorithm>

#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/tensor/fmt.h>

namespace kiln::annotate {
namespace {

constexpr const char* kMarks[] = {"todo", "done", "skipped", "bad"};

}  // namespace

const char* name_of(Mark mark) { return kMarks[size_t(mark)]; }

std::optional<Mark> mark_of(std::string_view name) {
  const auto* found = std::ranges::find(kMarks, name);
  if (found == std::end(kMarks)) return {};
  return Mark(found - std::begin(kMarks));
}

std::string id_of(std::string_view path) {
  constexpr size_t kDigits = 16;
  io::Sha256 hash;
  hash.add(path.data(), path.size());
  return hash.finish().substr(0, kDigits);
}

std::string work_json(const Work& work, const std::vector<std::string>& classes) {
  const data::AnnotatedImage image = {.labels = work.labels, .boxes = work.boxes};
  return fmt::format(R"("mark":"{}","labels":{},"boxes":{})", name_of(work.mark),
                     data::labels_json(image, classes), data::boxes_json(image, classes));
}

}  // namespace kiln::annotate
