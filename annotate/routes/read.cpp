#include <kiln/annotate/routes/read.h>

#include <algorithm>

#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/http_error.h>

namespace kiln::annotate::routes {
namespace {

constexpr size_t kWho = 40, kClient = 40, kMostLabels = 100, kMostBoxes = 10'000;

bool is_control(char c) { return uint8_t(c) < 0x20 || c == 0x7f; }

// What the reader of manifests says of it, without a file's name.
data::AnnotatedImage read_parts(const Value& body, const std::vector<std::string>& classes) {
  data::AnnotatedImage image;
  try {
    data::ManifestEntries entries(data::ClassNames(classes, "classes"), true);
    for (const char* key : {"labels", "boxes"})
      if (const Value* part = body.find(key)) entries.set(image, key, *part);
  } catch (const Error& error) {
    throw serve::HttpError(422, error.what());
  }
  return image;
}

}  // namespace

Value body_of(const serve::Request& request) {
  constexpr size_t kDepth = 8;
  Value body;
  try {
    body = io::parse_json(request.body, "the body", kDepth);
  } catch (const Error& error) {
    throw serve::HttpError(400, error.what());
  }
  if (!body.is_dict()) serve::refuse(400, "the body is no JSON object");
  return body;
}

std::string text_in(const Value& body, const char* key, size_t longest) {
  const Value* value = body.find(key);
  if (value == nullptr) return "";
  if (!value->is_string()) serve::refuse(400, "'{}' is {}; give a string", key, name_of(value->kind()));
  const std::string& text = value->as_string();
  if (text.size() > longest)
    serve::refuse(400, "'{}' has {} bytes; give {} at most", key, text.size(), longest);
  if (std::ranges::any_of(text, is_control)) serve::refuse(400, "'{}' has control characters", key);
  return text;
}

std::string name_in(const Value& body, const char* key, size_t longest) {
  return std::string(data::trimmed(text_in(body, key, longest)));
}

Author author_in(const Value& body) { return {name_in(body, "who", kWho), text_in(body, "client", kClient)}; }

Work work_in(const Value& body, const Picture& picture, const std::vector<std::string>& classes) {
  const std::string name = text_in(body, "mark", 10);
  const std::optional<Mark> mark = mark_of(name);
  if (!mark) serve::refuse(422, "'mark' is '{}'; give todo, done, skipped or bad", name);
  data::AnnotatedImage parts = read_parts(body, classes);
  if (parts.labels.size() > kMostLabels || parts.boxes.size() > kMostBoxes)
    serve::refuse(422, "a picture has {} labels and {} boxes at most", kMostLabels, kMostBoxes);
  for (size_t i = 0; i < parts.labels.size(); ++i)
    if (std::ranges::count(parts.labels, parts.labels[i]) > 1)
      serve::refuse(422, "the label '{}' comes twice", classes[size_t(parts.labels[i])]);
  for (const data::ObjectBox& box : parts.boxes)
    if (const std::string problem = data::problem_of(box, picture.image); !problem.empty())
      throw serve::HttpError(422, problem);
  if (*mark == Mark::todo && !(parts.labels.empty() && parts.boxes.empty()))
    serve::refuse(422, "a picture with labels or boxes is not 'todo'");
  return {*mark, std::move(parts.labels), std::move(parts.boxes)};
}

}  // namespace kiln::annotate::routes
