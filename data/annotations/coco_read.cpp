#include <nlohmann/json.hpp>

#include <kiln/data/annotations/coco_text.h>
#include <kiln/data/annotations/reading.h>

namespace kiln::data {
namespace {

using Json = nlohmann::json;

// Thrown with a reason; becomes a problem of one entry.
const Json& part_of(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end()) fail("has no '{}'", key);
  return *found;
}

int64_t id_of(const Json& entry, const char* key) {
  const Json& id = part_of(entry, key);
  if (!id.is_number_integer()) fail("'{}' is no integer", key);
  return id.get<int64_t>();
}

std::string text_of(const Json& entry, const char* key) {
  const Json& text = part_of(entry, key);
  if (!text.is_string()) fail("'{}' is no text", key);
  return text.get<std::string>();
}

int64_t size_of(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end()) return 0;
  if (!found->is_number_integer() || found->get<int64_t>() < 0 || found->get<int64_t>() > INT32_MAX)
    fail("'{}' is no size in pixels", key);
  return found->get<int64_t>();
}

std::vector<double> numbers_of(const Json& list, const char* what) {
  std::vector<double> numbers;
  if (!list.is_array()) fail("'{}' is no list", what);
  numbers.reserve(list.size());
  for (const Json& number : list) {
    if (!number.is_number()) fail("'{}' has what is no number", what);
    numbers.push_back(number.get<double>());
  }
  return numbers;
}

void set_segmentation(ObjectBox& box, const Json& segmentation) {
  if (segmentation.is_array()) {
    for (const Json& polygon : segmentation) {
      box.polygons.push_back(numbers_of(polygon, "segmentation"));
      if (box.polygons.back().size() % 2 != 0)
        fail("a polygon has {} numbers, not pairs", box.polygons.back().size());
    }
    return;
  }
  if (!segmentation.is_object()) fail("'segmentation' is neither polygons nor a mask");
  const std::vector<double> size = numbers_of(part_of(segmentation, "size"), "size");
  if (size.size() != 2 || !(size[0] >= 0 && size[0] <= INT32_MAX && size[1] >= 0 && size[1] <= INT32_MAX))
    fail("a mask's 'size' is not [height, width]");
  box.mask = {int64_t(size[0]), int64_t(size[1]), {}};
  const Json& counts = part_of(segmentation, "counts");
  if (counts.is_string()) {
    box.mask.runs = rle_from_text(counts.get<std::string>());
    return;
  }
  for (const double run : numbers_of(counts, "counts")) {
    if (!(run >= 0 && run <= UINT32_MAX)) fail("a mask has a run of {} pixels", run);
    box.mask.runs.push_back(uint32_t(run));
  }
}

struct Annotation {
  int64_t image, category;
  size_t number;
  ObjectBox box;
};

// Takes each entry of the lists when the parser has read it, which then forgets it: a file takes memory for
// what is kept of it.
class Reader {
 public:
  Reader(const std::string& what, const CocoOptions& options) : what_(what), options_(options) {}

  Annotations read(std::string_view text) {
    static constexpr int kDepth = 8;  // deeper than any entry
    const auto take = [this](int depth, Json::parse_event_t event, Json& parsed) {
      if (depth > kDepth) fail("{}: is nested deeper than {} levels", what_, kDepth);
      if (depth == 1 && event == Json::parse_event_t::key) list_ = parsed.get<std::string>();
      if (depth != 2 || event != Json::parse_event_t::object_end) return true;
      return !add(parsed);
    };
    Json whole;
    try {
      whole = Json::parse(text.begin(), text.end(), take);
    } catch (const Json::exception& error) {
      std::string_view reason = error.what();
      if (const size_t end = reason.find("] "); end != reason.npos) reason.remove_prefix(end + 2);
      constexpr size_t kShown = 160;
      fail("{}: is not valid JSON: {}", what_, reason.substr(0, kShown));
    }
    if (!whole.is_object()) fail("{}: is no COCO file: its JSON is no object", what_);
    for (const char* list : {"images", "categories", "annotations"})
      if (!whole.contains(list) || !whole[list].is_array())
        fail("{}: is no COCO file: it has no list '{}'", what_, list);
    return join();
  }

 private:
  bool add(const Json& entry) {
    if (list_ != "images" && list_ != "categories" && list_ != "annotations") return false;
    size_t& number = list_ == "images" ? images_ : list_ == "categories" ? categories_ : annotations_;
    try {
      if (list_ == "images")
        add_image(entry);
      else if (list_ == "categories")
        add_category(entry);
      else
        add_annotation(entry);
    } catch (const Error& error) {
      const char* kind = list_ == "images" ? "image" : list_ == "categories" ? "category" : "annotation";
      report(options_.reading, fmt::format("{}: {} {}: {}", what_, kind, number, error.what()));
    }
    ++number;
    return true;
  }

  void add_image(const Json& entry) {
    AnnotatedImage image;
    const int64_t id = id_of(entry, "id");
    image.path = text_of(entry, "file_name");
    image.width = size_of(entry, "width");
    image.height = size_of(entry, "height");
    if (const std::string problem = path_problem(image.path, options_.reading); !problem.empty())
      fail("{}", problem);
    if (image_of_.contains(id)) fail("the id {} comes twice", id);
    if (!paths_.emplace(image.path, id).second) fail("the file_name '{}' comes twice", image.path);
    image_of_.emplace(id, result_.images.size());
    result_.images.push_back(std::move(image));
  }

  void add_category(const Json& entry) {
    const int64_t id = id_of(entry, "id");
    const std::string name = text_of(entry, "name");
    if (name.empty()) fail("the name is empty");
    if (classes_.find(name) >= 0) fail("the name '{}' comes twice", name);
    if (!label_of_.emplace(id, int64_t(classes_.names().size())).second) fail("the id {} comes twice", id);
    classes_.add(name);
  }

  void add_annotation(const Json& entry) {
    Annotation made = {id_of(entry, "image_id"), id_of(entry, "category_id"), annotations_, {}};
    if (const auto id = entry.find("id"); id != entry.end()) {
      if (!id->is_number_integer()) fail("'id' is no integer");
      if (!ids_.emplace(id->get<int64_t>(), 0).second) fail("the id {} comes twice", id->get<int64_t>());
    }
    const std::vector<double> box = numbers_of(part_of(entry, "bbox"), "bbox");
    if (box.size() != 4) fail("'bbox' has {} numbers, not 4", box.size());
    made.box.left = box[0], made.box.top = box[1], made.box.width = box[2], made.box.height = box[3];
    if (const auto crowd = entry.find("iscrowd"); crowd != entry.end())
      made.box.crowd =
          crowd->is_boolean() ? crowd->get<bool>() : crowd->is_number() && crowd->get<double>() != 0;
    if (const auto found = entry.find("segmentation"); found != entry.end() && !found->is_null())
      set_segmentation(made.box, *found);
    made_.push_back(std::move(made));
  }

  Annotations join() {
    result_.folder = options_.folder.empty() ? folder_of(what_) : options_.folder;
    result_.classes = classes_.names();
    for (Annotation& made : made_) {
      const auto image = image_of_.find(made.image);
      const auto label = label_of_.find(made.category);
      std::string problem;
      if (image == image_of_.end())
        problem = fmt::format("its image_id {} is of no image", made.image);
      else if (label == label_of_.end())
        problem = fmt::format("its category_id {} is of no category", made.category);
      else
        problem = problem_of(made.box, result_.images[image->second]);
      if (!problem.empty()) {
        report(options_.reading, fmt::format("{}: annotation {}: {}", what_, made.number, problem));
        continue;
      }
      made.box.label = label->second;
      result_.images[image->second].boxes.push_back(std::move(made.box));
    }
    return std::move(result_);
  }

  const std::string& what_;
  const CocoOptions& options_;
  std::string list_;
  size_t images_ = 0, categories_ = 0, annotations_ = 0;
  std::unordered_map<int64_t, size_t> image_of_;
  std::unordered_map<int64_t, int64_t> label_of_, ids_;
  std::unordered_map<std::string, int64_t> paths_;
  ClassNames classes_;
  std::vector<Annotation> made_;
  Annotations result_;
};

}  // namespace

Annotations parse_coco(std::string_view text, const std::string& what, const CocoOptions& options) {
  return Reader(what, options).read(text);
}

Annotations read_coco(const std::string& path, const CocoOptions& options) {
  const TextFile file(path);
  return parse_coco(file.text(), path, options);
}

}  // namespace kiln::data
