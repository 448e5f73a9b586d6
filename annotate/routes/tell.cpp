#include <filesystem>

#include <kiln/annotate/routes/state.h>
#include <kiln/data/annotations/manifest_entry.h>
#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/http_error.h>

namespace kiln::annotate::routes {
namespace {

Value value_of(const Tally& tally) {
  return {{"pictures", tally.pictures},
          {"done", tally.done},
          {"skipped", tally.skipped},
          {"bad", tally.bad},
          {"left", tally.left()}};
}

Value value_of(const std::vector<std::string>& names) {
  Value list = Value::list();
  for (const std::string& name : names) list.push_back(name);
  return list;
}

// With what is the same for a picture in a list and one that is shown.
std::string head_of(const Picture& picture) {
  return fmt::format(R"("id":"{}","name":{},"revision":{},"who":{},"when":{})", picture.id,
                     io::json_string(picture.image.path), picture.revision, io::json_string(picture.who),
                     io::json_string(picture.when));
}

std::string folder_name(const Annotator::State& state) {
  const std::filesystem::path path(data::absolute_path(state.options.folder));
  return path.filename().string();
}

std::string listed(const std::vector<Picture>& pictures, const std::vector<std::string>& classes) {
  std::string out = "[";
  for (const Picture& picture : pictures) out += (out.size() > 1 ? ",\n" : "") + summary(picture, classes);
  return out + "]";
}

}  // namespace

std::string summary(const Picture& picture, const std::vector<std::string>& classes) {
  return fmt::format(R"({{{},"mark":"{}","labels":{},"boxes":{}}})", head_of(picture), name_of(picture.mark),
                     data::labels_json(picture.image, classes), picture.image.boxes.size());
}

std::string whole(const Picture& picture, const std::vector<std::string>& classes) {
  return fmt::format(R"({{{},"width":{},"height":{},{}}})", head_of(picture), picture.image.width,
                     picture.image.height, work_json(picture.work(), classes));
}

serve::Response about(const Annotator::State& state) {
  const int64_t count = state.news.count(), number = state.book.number();
  return {.body = io::json_text({{"name", folder_name(state)},
                                 {"run", state.run},
                                 {"count", count},
                                 {"number", number},
                                 {"draws_boxes", state.options.draws_boxes},
                                 {"classes", value_of(state.book.classes())},
                                 {"tally", value_of(state.book.tally())}})};
}

serve::Response pictures(const Annotator::State& state) {
  constexpr int64_t kAll = -1;
  const std::vector<Picture> all = state.book.changed_after(kAll);
  return {.body = listed(all, state.book.classes())};
}

serve::Response labels_file(const Annotator::State& state) {
  return {.type = "application/x-ndjson",
          .body = data::manifest_text(state.book.annotations(), '{'),
          .fields = {{"Content-Disposition", "attachment; filename=\"labels.jsonl\""}}};
}

serve::Response labels_of(Annotator::State& state, const std::string& id) {
  std::optional<Picture> picture = state.book.find(id);
  if (!picture) serve::refuse(404, "there is no such picture");
  std::string problem;
  try {
    const image::Size size = state.gallery.size(picture->image.path);
    state.book.set_size(id, size.width, size.height);
    picture = state.book.find(id);
  } catch (const Unreadable& error) {
    problem = error.what();
  }
  std::string text = whole(*picture, state.book.classes());
  if (!problem.empty()) text.insert(text.size() - 1, ",\"problem\":" + io::json_string(problem));
  return {.body = text};
}

serve::Response class_list(const Annotator::State& state) {
  return {.body = io::json_text({{"classes", value_of(state.book.classes())}})};
}

std::string news_text(Annotator::State& state, int64_t since, const std::string& client) {
  // In this order: what happens meanwhile is told now or counted for the next time, or both.
  const int64_t count = state.news.count(), number = state.book.number();
  const std::vector<Picture> changed = state.book.changed_after(since);
  const std::vector<std::string> classes = state.book.classes();
  Value here = Value::list();
  for (const Turns::Place& place : state.turns.others(client))
    here.push_back({{"who", place.who}, {"picture", place.picture}});
  const Value rest = {{"run", state.run},
                      {"count", count},
                      {"number", number},
                      {"trouble", bool(state.is_trouble)},
                      {"classes", value_of(classes)},
                      {"tally", value_of(state.book.tally())},
                      {"here", std::move(here)}};
  std::string text = io::json_text(rest);
  text.insert(text.size() - 1, ",\"pictures\":" + listed(changed, classes));
  return text;
}

}  // namespace kiln::annotate::routes
