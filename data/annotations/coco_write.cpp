#include <cmath>

#include <kiln/data/annotations/coco_text.h>
#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/data/annotations/reading.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/json.h>

namespace kiln::data {
namespace {

// Of polygons by the shoelace formula.
double area_of(const ObjectBox& box) {
  double area = 0;
  for (size_t run = 1; run < box.mask.runs.size(); run += 2) area += box.mask.runs[run];
  for (const std::vector<double>& polygon : box.polygons) {
    double twice = 0;
    for (size_t i = 0; i < polygon.size(); i += 2) {
      const size_t next = (i + 2) % polygon.size();
      twice += polygon[i] * polygon[next + 1] - polygon[next] * polygon[i + 1];
    }
    area += std::abs(twice) / 2;
  }
  return box.mask.runs.empty() && box.polygons.empty() ? box.width * box.height : area;
}

std::string segmentation_json(const ObjectBox& box) {
  if (!box.mask.runs.empty())
    return fmt::format("{{\"size\":[{},{}],\"counts\":{}}}", box.mask.height, box.mask.width,
                       io::json_string(rle_to_text(box.mask.runs)));
  std::string out = "[";
  for (const std::vector<double>& polygon : box.polygons) {
    out += out.size() > 1 ? ",[" : "[";
    for (size_t i = 0; i < polygon.size(); ++i) out += (i == 0 ? "" : ",") + number_json(polygon[i]);
    out += ']';
  }
  return out + "]";
}

}  // namespace

std::string coco_text(const Annotations& annotations) {
  std::string images, boxes, categories;
  int64_t id = 0;
  for (size_t i = 0; i < annotations.images.size(); ++i) {
    const AnnotatedImage& image = annotations.images[i];
    if (image.width <= 0 || image.height <= 0)
      fail("write_coco: the size of '{}' is not known; read_sizes(annotations) looks it up", image.path);
    images += fmt::format("{}{{\"id\":{},\"file_name\":{},\"width\":{},\"height\":{}}}", i == 0 ? "" : ",\n",
                          i + 1, io::json_string(image.path), image.width, image.height);
    for (const ObjectBox& box : image.boxes) {
      ++id;
      boxes += fmt::format(
          "{}{{\"id\":{},\"image_id\":{},\"category_id\":{},\"bbox\":[{},{},{},{}],\"area\":{},\"iscrowd\":{}"
          ","
          "\"segmentation\":{}}}",
          id == 1 ? "" : ",\n", id, i + 1, box.label + 1, number_json(box.left), number_json(box.top),
          number_json(box.width), number_json(box.height), number_json(area_of(box)), int(box.crowd),
          segmentation_json(box));
    }
  }
  for (size_t i = 0; i < annotations.classes.size(); ++i)
    categories += fmt::format("{}{{\"id\":{},\"name\":{},\"supercategory\":\"\"}}", i == 0 ? "" : ",\n",
                              i + 1, io::json_string(annotations.classes[i]));
  return "{\"images\":[" + images + "],\n\"annotations\":[" + boxes + "],\n\"categories\":[" + categories +
         "]}\n";
}

void write_coco(const std::string& path, const Annotations& annotations) {
  io::write_text(path, coco_text(annotations));
}

}  // namespace kiln::data
