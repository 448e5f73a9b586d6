#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/data/annotations/table.h>
#include <kiln/io/bytes/json.h>

namespace kiln::data {
namespace {

struct Column {
  const char* name;
  bool (*is_used)(const AnnotatedImage&);
  std::string (*text)(const AnnotatedImage&, const std::vector<std::string>&);
};

std::string name_of(const AnnotatedImage& image, const std::vector<std::string>& classes) {
  return image.labels.empty() ? "" : classes.at(size_t(image.labels[0]));
}

constexpr Column kColumns[] = {
    {"path", [](const AnnotatedImage&) { return true; },
     [](const AnnotatedImage& i, const auto&) { return i.path; }},
    {"label", [](const AnnotatedImage& i) { return i.labels.size() == 1; }, name_of},
    {"labels", [](const AnnotatedImage& i) { return i.labels.size() > 1; }, labels_json},
    {"split", [](const AnnotatedImage& i) { return !i.split.empty(); },
     [](const AnnotatedImage& i, const auto&) { return i.split; }},
    {"group", [](const AnnotatedImage& i) { return !i.group.empty(); },
     [](const AnnotatedImage& i, const auto&) { return i.group; }},
    {"slice", [](const AnnotatedImage& i) { return !i.slice.empty(); },
     [](const AnnotatedImage& i, const auto&) { return i.slice; }},
    {"weight", [](const AnnotatedImage& i) { return i.weight != 1; },
     [](const AnnotatedImage& i, const auto&) { return number_json(i.weight); }},
    {"width", [](const AnnotatedImage& i) { return i.width != 0; },
     [](const AnnotatedImage& i, const auto&) { return std::to_string(i.width); }},
    {"height", [](const AnnotatedImage& i) { return i.height != 0; },
     [](const AnnotatedImage& i, const auto&) { return std::to_string(i.height); }},
    {"boxes", [](const AnnotatedImage& i) { return !i.boxes.empty(); }, boxes_json},
};

bool is_text(std::string_view column) {
  return column == "path" || column == "label" || column == "split" || column == "group" || column == "slice";
}

std::string table_text(const Annotations& annotations, char separator) {
  std::vector<const Column*> used;
  for (const Column& column : kColumns) {
    bool any = column.name == std::string_view("path");
    for (const AnnotatedImage& image : annotations.images) any = any || column.is_used(image);
    if (any) used.push_back(&column);
  }
  std::string out;
  for (const Column* column : used) out += (out.empty() ? "" : std::string(1, separator)) + column->name;
  out += '\n';
  for (const AnnotatedImage& image : annotations.images) {
    for (size_t i = 0; i < used.size(); ++i) {
      if (i > 0) out += separator;
      const bool shown = is_text(used[i]->name) ? i == 0 || used[i]->is_used(image) : used[i]->is_used(image);
      if (shown) out += table_field(used[i]->text(image, annotations.classes), separator);
    }
    out += '\n';
  }
  return out;
}

std::string lines_text(const Annotations& annotations) {
  std::string out = "{\"classes\":[";
  for (size_t i = 0; i < annotations.classes.size(); ++i)
    out += (i == 0 ? "" : ",") + io::json_string(annotations.classes[i]);
  out += annotations.packed.empty() ? "]}\n" : "],\"packed\":" + io::json_string(annotations.packed) + "}\n";
  for (const AnnotatedImage& image : annotations.images) {
    out += '{';
    bool first = true;
    for (const Column& column : kColumns) {
      if (!column.is_used(image)) continue;
      const std::string text = column.text(image, annotations.classes);
      out += fmt::format("{}\"{}\":{}", first ? "" : ",", column.name,
                         is_text(column.name) ? io::json_string(text) : text);
      first = false;
    }
    out += "}\n";
  }
  return out;
}

}  // namespace

std::string manifest_text(const Annotations& annotations, char kind) {
  return kind == '{' ? lines_text(annotations) : table_text(annotations, kind);
}

}  // namespace kiln::data
