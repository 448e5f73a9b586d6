#include "fuzz/texts.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include <kiln/data/annotations/coco_text.h>
#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/data/annotations/voc_text.h>
#include <kiln/data/annotations/yolo_text.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::fuzz {
namespace {

const std::string kFile = "some/file";

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

std::string problem_of(const data::AnnotatedImage& image, size_t classes) {
  for (const int64_t label : image.labels)
    if (label < 0 || label >= int64_t(classes)) return fmt::format("label {} of {} classes", label, classes);
  for (const data::ObjectBox& box : image.boxes) {
    if (box.label < 0 || box.label >= int64_t(classes))
      return fmt::format("a box of class {} of {}", box.label, classes);
    if (std::string problem = data::problem_of(box, image); !problem.empty()) return problem;
  }
  const std::filesystem::path path = std::filesystem::path(image.path).lexically_normal();
  return path.is_absolute() || *path.begin() == ".." ? "the path " + image.path : "";
}

std::string problem_of(const data::Annotations& annotations) {
  for (const data::AnnotatedImage& image : annotations.images)
    if (std::string problem = problem_of(image, annotations.classes.size()); !problem.empty()) return problem;
  return "";
}

// Reads twice: an Error at the first problem, and with problems left out. What `read` returns is a problem.
template <class Read>
std::string problem_of(Read read) {
  constexpr size_t kLongest = 2000;
  std::string problem;
  const double begin = processor_seconds();
  for (const bool lenient : {false, true}) {
    data::AnnotationOptions options;
    if (lenient)
      options.problem = [&problem](const std::string& told) {
        if (told.find(kFile) == std::string::npos) problem = "a problem that does not name the file: " + told;
      };
    try {
      if (const std::string found = read(options); !found.empty()) problem = found;
    } catch (const Error& error) {
      const std::string text = error.what();
      if (text.find(kFile) == std::string::npos) problem = "an Error that does not name the file: " + text;
      if (text.size() > kLongest) problem = fmt::format("an Error of {} bytes", text.size());
    } catch (const std::exception& error) {
      problem = fmt::format("an exception other than Error: {}", error.what());
    }
    if (!problem.empty()) return problem;
  }
  const double seconds = processor_seconds() - begin;
  return seconds > 2 ? fmt::format("it took {:.1f} s", seconds) : "";
}

std::string problem_of_manifest(std::string_view text, char kind) {
  return problem_of([&](const data::AnnotationOptions& options) -> std::string {
    if (!is_utf8(text)) return "";
    const data::Annotations read = data::parse_manifest(text, kind, kFile, options);
    if (std::string problem = problem_of(read); !problem.empty()) return problem;
    const std::string written = data::manifest_text(read, '{');
    if (!(data::parse_manifest(written, '{', kFile, {}) == read)) return "it does not come back: " + written;
    return "";
  });
}

}  // namespace

std::string problem_of_csv(std::string_view text) { return problem_of_manifest(text, ','); }
std::string problem_of_jsonl(std::string_view text) { return problem_of_manifest(text, '{'); }

std::string problem_of_coco(std::string_view text) {
  return problem_of([&](const data::AnnotationOptions& options) -> std::string {
    data::Annotations read = data::parse_coco(text, kFile, {.reading = options});
    if (std::string problem = problem_of(read); !problem.empty()) return problem;
    for (data::AnnotatedImage& image : read.images) {
      image.width = std::max<int64_t>(image.width, 1'000'000);
      image.height = std::max<int64_t>(image.height, 1'000'000);
      for (data::ObjectBox& box : image.boxes) {
        if (box.left < 0 || box.top < 0 || box.left + box.width > 1e6 || box.top + box.height > 1e6)
          return "";
        if (!box.mask.runs.empty()) box.polygons.clear();
        if (box.mask.runs.empty()) box.mask = {};
      }
    }
    const data::Annotations again = data::parse_coco(data::coco_text(read), kFile, {});
    return again == read ? "" : "it does not come back: " + data::coco_text(read).substr(0, 500);
  });
}

std::string problem_of_yolo(std::string_view text) {
  return problem_of([&](const data::AnnotationOptions& options) -> std::string {
    const data::AnnotatedImage image = {.path = "x.png", .width = 640, .height = 480};
    data::AnnotatedImage labelled = image;
    labelled.boxes = data::parse_yolo_labels(text, image, 3, kFile, options);
    if (std::string problem = problem_of(labelled, 3); !problem.empty()) return problem;
    data::parse_yolo_file(text, kFile);
    return "";
  });
}

std::string problem_of_voc(std::string_view text) {
  return problem_of([&](const data::AnnotationOptions& options) -> std::string {
    data::ClassNames names;
    data::AnnotatedImage read = data::parse_voc(text, kFile, names, false, options);
    if (read.path.starts_with('/') || read.path.find("..") != std::string::npos) read.path = "";
    return problem_of(read, names.names().size());
  });
}

namespace {

// What such files are made of.
constexpr std::string_view kWords[] = {"path",
                                       "label",
                                       "labels",
                                       "boxes",
                                       "box",
                                       "{\"box\":[1,2,3,4],\"label\":\"a\"}",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       "\"",
                                       "\"\"",
                                       ",",
                                       "\r\n",
                                       "\n",
                                       "\t",
                                       "NaN",
                                       "1e308",
                                       "-1",
                                       "0.5",
                                       "99999999999999999999",
                                       "../",
                                       "/",
                                       "images",
                                       "annotations",
                                       "categories",
                                       "\"id\":1",
                                       "\"image_id\":1",
                                       "\"category_id\":1",
                                       "\"bbox\":[0,0,1,1]",
                                       "\"segmentation\":[[1,1,2,2,3,3]]",
                                       "{\"size\":[2,2],\"counts\":\"04\"}",
                                       "<object>",
                                       "</object>",
                                       "<bndbox>",
                                       "<xmin>1</xmin>",
                                       "<!DOCTYPE x [<!ENTITY a 'b'>]>",
                                       "&a;",
                                       "<annotation>",
                                       "</annotation>",
                                       "<![CDATA[",
                                       "]]>",
                                       "names:",
                                       "- a",
                                       " 0: a",
                                       "train: x",
                                       "0 0.5 0.5 0.1 0.1\n",
                                       "#"};

}  // namespace

std::string mutate_text(std::string_view text, Mutation& mutation) {
  Random& random = mutation.random;
  std::string out(text);
  for (int changes = 1 + int(random.below(4)); changes > 0; --changes) {
    const size_t at = random.below(out.size() + 1),
                 size = random.below(std::min<size_t>(out.size() - at, 64) + 1);
    switch (random.below(5)) {
      case 0:
        out.insert(at, random.of(kWords));
        break;
      case 1:
        out.replace(at, size, random.of(kWords));
        break;
      case 2:
        out.erase(at, size);
        break;
      case 3:
        out.insert(random.below(out.size() + 1), out.substr(at, size));
        break;
      default: {
        const std::string_view other = mutation.other();
        const size_t from = random.below(other.size() + 1);
        out.insert(at, other.substr(from, random.below(128)));
      }
    }
  }
  mutation.did("text");
  return out;
}

}  // namespace kiln::fuzz
