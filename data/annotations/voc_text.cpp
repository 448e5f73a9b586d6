#include <kiln/data/annotations/voc_text.h>

#include <expat.h>

#include <kiln/tensor/base/xml.h>

namespace kiln::data {
namespace {

// One object, as text.
struct Object {
  int64_t line = 0;
  std::string name, difficult, sides[4];
};

// What stands in the elements that count, by their path: "annotation/object/name".
class Parser {
 public:
  Parser(const std::string& what) : what_(what), parser_(XML_ParserCreate("UTF-8")) {
    if (parser_ == nullptr) throw std::bad_alloc();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, begin, end);
    XML_SetCharacterDataHandler(parser_, characters);
    XML_SetStartDoctypeDeclHandler(parser_, doctype);
  }
  ~Parser() { XML_ParserFree(parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void parse(std::string_view text) {
    constexpr size_t kMost = 64 << 20;
    if (text.size() > kMost)
      fail("{}: {} bytes are too many for one picture's annotation", what_, text.size());
    const XML_Status status = XML_Parse(parser_, text.data(), int(text.size()), 1);
    if (!problem_.empty()) fail("{}: line {}: {}", what_, problem_line_, problem_);
    if (status != XML_STATUS_OK)
      fail("{}: line {}: is not valid XML: {}", what_, int64_t(XML_GetCurrentLineNumber(parser_)),
           XML_ErrorString(XML_GetErrorCode(parser_)));
    if (!is_annotation_) fail("{}: is no annotation: its XML is not an <annotation>", what_);
  }

  std::string filename, width, height;
  std::vector<Object> objects;

 private:
  static constexpr size_t kDepth = 32, kMostText = 4096;

  static Parser& of(void* data) { return *static_cast<Parser*>(data); }
  void stop(std::string problem) {
    if (!problem_.empty()) return;
    problem_ = std::move(problem);
    problem_line_ = int64_t(XML_GetCurrentLineNumber(parser_));
    XML_StopParser(parser_, XML_FALSE);
  }

  static void doctype(void* data, const char*, const char*, const char*, int) {
    of(data).stop("has a DOCTYPE, which is refused");
  }
  static void begin(void* data, const char* name, const char**) { of(data).open(name); }
  static void end(void* data, const char*) { of(data).close(); }
  static void characters(void* data, const char* text, int size) { of(data).add({text, size_t(size)}); }

  void open(std::string_view name) {
    constexpr size_t kLongest = 64;
    if (path_.size() == kDepth) return stop(fmt::format("elements are nested deeper than {}", kDepth));
    path_.emplace_back(name.substr(0, kLongest));
    text_.clear();
    if (path_.size() == 1) is_annotation_ = name == "annotation";
    if (path_.size() == 2 && name == "object")
      objects.push_back({.line = int64_t(XML_GetCurrentLineNumber(parser_))});
  }

  void add(std::string_view text) {
    if (text_.size() + text.size() > kMostText && wanted() != nullptr)
      return stop(fmt::format("an element has more than {} bytes", kMostText));
    if (wanted() != nullptr) text_ += text;
  }

  void close() {
    if (std::string* place = wanted()) *place = trimmed(text_);
    path_.pop_back();
    text_.clear();
  }

  // Where the text of the element that is open belongs.
  std::string* wanted() {
    const auto is = [&](size_t at, const char* name) { return path_[at] == name; };
    if (path_.size() == 2 && is(1, "filename")) return &filename;
    if (path_.size() == 3 && is(1, "size"))
      return is(2, "width") ? &width : is(2, "height") ? &height : nullptr;
    if (path_.size() < 3 || !is(1, "object") || objects.empty()) return nullptr;
    Object& object = objects.back();
    if (path_.size() == 3)
      return is(2, "name") ? &object.name : is(2, "difficult") ? &object.difficult : nullptr;
    if (path_.size() != 4 || !is(2, "bndbox")) return nullptr;
    constexpr const char* kSides[] = {"xmin", "ymin", "xmax", "ymax"};
    for (int side = 0; side < 4; ++side)
      if (is(3, kSides[side])) return &object.sides[side];
    return nullptr;
  }

  const std::string& what_;
  XML_Parser parser_;
  std::vector<std::string> path_;
  std::string text_, problem_;
  int64_t problem_line_ = 0;
  bool is_annotation_ = false;
};

// Throws with a reason.
ObjectBox box_of(const Object& object, const AnnotatedImage& image, ClassNames& names, bool fixed) {
  double sides[4];
  constexpr const char* kSides[] = {"xmin", "ymin", "xmax", "ymax"};
  for (int i = 0; i < 4; ++i)
    if (!parse_number(object.sides[i], sides[i]))
      fail("{} is no number: '{}'", kSides[i], object.sides[i].substr(0, 20));
  if (object.name.empty()) fail("has no name");
  ObjectBox box = {.left = sides[0] - 1,
                   .top = sides[1] - 1,
                   .width = sides[2] - sides[0] + 1,
                   .height = sides[3] - sides[1] + 1,
                   .label = names.find(object.name),
                   .difficult = object.difficult == "1"};
  if (const std::string problem = problem_of(box, image); !problem.empty()) fail("{}", problem);
  if (box.label < 0 && fixed) fail("'{}' is none of the {} classes", object.name, names.names().size());
  if (box.label < 0) box.label = names.add(object.name);
  return box;
}

}  // namespace

AnnotatedImage parse_voc(std::string_view text, const std::string& what, ClassNames& names, bool fixed,
                         const AnnotationOptions& options) {
  Parser parser(what);
  parser.parse(text);
  AnnotatedImage image = {.path = parser.filename};
  const bool has_size = !parser.width.empty() || !parser.height.empty();
  if (has_size && (!parse_count(parser.width, image.width) || !parse_count(parser.height, image.height) ||
                   image.width > INT32_MAX || image.height > INT32_MAX))
    fail("{}: the size {} x {} is no size in pixels", what, parser.width.substr(0, 20),
         parser.height.substr(0, 20));
  for (const Object& object : parser.objects) {
    try {
      image.boxes.push_back(box_of(object, image, names, fixed));
    } catch (const Error& error) {
      report(options, fmt::format("{}: line {}: {}", what, object.line, error.what()));
    }
  }
  return image;
}

std::string voc_text(const AnnotatedImage& image, const std::vector<std::string>& classes) {
  const size_t slash = image.path.rfind('/');
  std::string out = fmt::format(
      "<annotation>\n  <filename>{}</filename>\n  "
      "<size><width>{}</width><height>{}</height><depth>3</depth></size>\n",
      xml_escaped(slash == image.path.npos ? image.path : image.path.substr(slash + 1)), image.width,
      image.height);
  for (const ObjectBox& box : image.boxes)
    out += fmt::format(
        "  <object>\n    <name>{}</name>\n    <difficult>{}</difficult>\n    "
        "<bndbox><xmin>{}</xmin><ymin>{}</ymin>"
        "<xmax>{}</xmax><ymax>{}</ymax></bndbox>\n  </object>\n",
        xml_escaped(classes.at(size_t(box.label))), int(box.difficult), box.left + 1, box.top + 1,
        box.left + box.width, box.top + box.height);
  return out + "</annotation>\n";
}

}  // namespace kiln::data
