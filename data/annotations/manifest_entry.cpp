#include <kiln/data/annotations/manifest_entry.h>

#include <cmath>

#include <kiln/io/bytes/json.h>

namespace kiln::data {
namespace {

constexpr size_t kDepth = 8;  // of a manifest's JSON

double number_of(const Value& value, const char* what) {
  if (!value.is_int() && !value.is_float()) fail("'{}' is no number", what);
  return value.as_float();
}

int64_t size_of(const Value& value, const char* what) {
  if (!value.is_int() || value.as_int() < 0 || value.as_int() > INT32_MAX)
    fail("'{}' is no size in pixels", what);
  return value.as_int();
}

const std::string& text_of(const Value& value, const std::string& key) {
  if (!value.is_string()) fail("'{}' is no text", key);
  return value.as_string();
}

const std::vector<Value>& list_of(const Value& value, const std::string& key) {
  if (!value.is_list()) fail("'{}' is no list", key);
  return value.items();
}

Rle mask_of(const Value& value) {
  const Value* const size = value.is_dict() ? value.find("size") : nullptr;
  const Value* const counts = value.is_dict() ? value.find("counts") : nullptr;
  if (size == nullptr || counts == nullptr || !size->is_list() || size->size() != 2 || !counts->is_string())
    fail("'mask' is not {{\"size\": [height, width], \"counts\": \"text\"}}");
  return {size_of((*size)[0], "height"), size_of((*size)[1], "width"), rle_from_text(counts->as_string())};
}

}  // namespace

int64_t ManifestEntries::label_of(const std::string& name) {
  if (name.empty()) fail("a class has no name");
  if (const int64_t label = names_.find(name); label >= 0) return label;
  if (fixed_) fail("'{}' is none of the {} classes", name, names_.names().size());
  return names_.add(name);
}

ObjectBox ManifestEntries::box_of(const Value& value) {
  if (!value.is_dict()) fail("a box is no object");
  ObjectBox box;
  bool has_box = false, has_label = false;
  for (const auto& [key, part] : value.entries()) {
    const std::string& name = key.text();
    if (name == "box") {
      const std::vector<Value>& sides = list_of(part, name);
      if (sides.size() != 4) fail("a box is [left, top, width, height], not {} numbers", sides.size());
      box.left = number_of(sides[0], "left"), box.top = number_of(sides[1], "top");
      box.width = number_of(sides[2], "width"), box.height = number_of(sides[3], "height");
      has_box = true;
    } else if (name == "label") {
      box.label = label_of(text_of(part, name));
      has_label = true;
    } else if (name == "crowd" || name == "difficult") {
      if (!part.is_bool()) fail("'{}' is neither true nor false", name);
      (name == "crowd" ? box.crowd : box.difficult) = part.as_bool();
    } else if (name == "polygons") {
      for (const Value& polygon : list_of(part, name)) {
        box.polygons.emplace_back();
        for (const Value& x : list_of(polygon, name)) box.polygons.back().push_back(number_of(x, "polygons"));
        if (box.polygons.back().size() % 2 != 0)
          fail("a polygon has {} numbers, not pairs", box.polygons.back().size());
      }
    } else if (name == "mask") {
      box.mask = mask_of(part);
    }
  }
  if (!has_box || !has_label) fail("a box has no '{}'", has_box ? "label" : "box");
  return box;
}

void ManifestEntries::set(AnnotatedImage& image, const std::string& key, const Value& value) {
  if (key == "path")
    image.path = text_of(value, key);
  else if (key == "label")
    image.labels = {label_of(text_of(value, key))};
  else if (key == "labels")
    for (const Value& name : list_of(value, key)) image.labels.push_back(label_of(text_of(name, key)));
  else if (key == "split")
    image.split = text_of(value, key);
  else if (key == "group")
    image.group = text_of(value, key);
  else if (key == "slice")
    image.slice = text_of(value, key);
  else if (key == "weight") {
    image.weight = number_of(value, "weight");
    if (!(image.weight >= 0 && std::isfinite(image.weight))) fail("the weight {} is negative", image.weight);
  } else if (key == "width")
    image.width = size_of(value, "width");
  else if (key == "height")
    image.height = size_of(value, "height");
  else if (key == "boxes")
    for (const Value& box : list_of(value, key)) image.boxes.push_back(box_of(box));
}

void ManifestEntries::set_text(AnnotatedImage& image, const std::string& key, const std::string& text) {
  const bool is_text = key == "path" || key == "label" || key == "split" || key == "group" || key == "slice";
  if (is_text) return text.empty() && key == "label" ? void() : set(image, key, text);
  if (text.empty()) return;
  if (key == "labels" || key == "boxes") {
    set(image, key, io::parse_json(text, "'" + key + "'", kDepth));
  } else if (key == "weight" || key == "width" || key == "height") {
    double number = 0;
    int64_t count = 0;
    if (key == "weight" ? !parse_number(trimmed(text), number) : !parse_count(trimmed(text), count))
      fail("'{}' is no number: '{}'", key, text.substr(0, 40));
    set(image, key, key == "weight" ? Value(number) : Value(count));
  }
}

std::string number_json(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string labels_json(const AnnotatedImage& image, const std::vector<std::string>& classes) {
  std::string out = "[";
  for (const int64_t label : image.labels)
    out += (out.size() > 1 ? "," : "") + io::json_string(classes.at(size_t(label)));
  return out + "]";
}

std::string boxes_json(const AnnotatedImage& image, const std::vector<std::string>& classes) {
  std::string out = "[";
  for (const ObjectBox& box : image.boxes) {
    out += fmt::format("{}{{\"box\":[{},{},{},{}],\"label\":{}", out.size() > 1 ? "," : "",
                       number_json(box.left), number_json(box.top), number_json(box.width),
                       number_json(box.height), io::json_string(classes.at(size_t(box.label))));
    if (box.crowd) out += ",\"crowd\":true";
    if (box.difficult) out += ",\"difficult\":true";
    if (!box.polygons.empty()) {
      out += ",\"polygons\":[";
      for (size_t i = 0; i < box.polygons.size(); ++i) {
        out += i == 0 ? "[" : ",[";
        for (size_t k = 0; k < box.polygons[i].size(); ++k)
          out += (k == 0 ? "" : ",") + number_json(box.polygons[i][k]);
        out += ']';
      }
      out += ']';
    }
    if (!box.mask.runs.empty())
      out += fmt::format(",\"mask\":{{\"size\":[{},{}],\"counts\":{}}}", box.mask.height, box.mask.width,
                         io::json_string(rle_to_text(box.mask.runs)));
    out += '}';
  }
  return out + "]";
}

}  // namespace kiln::data
