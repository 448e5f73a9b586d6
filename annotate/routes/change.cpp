#include <kiln/annotate/routes/read.h>
#include <kiln/annotate/routes/state.h>
#include <kiln/io/bytes/json.h>
#include <kiln/serve/routes/http_error.h>
#include <kiln/serve/routes/ranges.h>

namespace kiln::annotate::routes {
namespace {

constexpr serve::Range kRevision = {"revision", 0, int64_t(1) << 53};

// Runs a change of the book. What the disk refuses is told without its path.
template <class F>
auto on_disk(F&& f) {
  try {
    return f();
  } catch (const Error&) {
    serve::refuse(507, "the change cannot be written to the server's disk and is not made");
  }
}

serve::Response answer(Annotator::State& state, const Outcome& outcome, const char* conflict) {
  const std::string picture = "\"picture\":" + whole(outcome.picture, state.book.classes());
  if (outcome.kind == Outcome::Kind::conflict)
    return {.status = 409, .body = fmt::format(R"({{"error":{},{}}})", io::json_string(conflict), picture)};
  state.news.happened();
  return {.body = "{" + picture + "}"};
}

}  // namespace

serve::Response change(Annotator::State& state, const std::string& id, const serve::Request& request) {
  const Value body = body_of(request);
  const std::optional<Picture> picture = state.book.find(id);
  if (!picture) serve::refuse(404, "there is no such picture");
  const Value* revision = body.find("revision");
  if (revision == nullptr) serve::refuse(400, "'revision' is missing: that of the picture that was changed");
  const Author author = author_in(body);
  const int64_t known = serve::in_range(kRevision, *revision);
  if (picture->image.width == 0) labels_of(state, id);
  const Work work = work_in(body, *state.book.find(id), state.book.classes());
  const auto outcome = on_disk([&] { return state.book.change(id, known, work, author); });
  return answer(state, *outcome, "somebody has changed the picture meanwhile");
}

serve::Response step(Annotator::State& state, const serve::Request& request, bool is_undo) {
  const Author author = author_in(body_of(request));
  const Outcome outcome =
      on_disk([&] { return is_undo ? state.book.undo(author) : state.book.redo(author); });
  if (outcome.kind == Outcome::Kind::nothing) return {.body = R"({"picture":null})"};
  return answer(state, outcome, "somebody has changed the picture since, which stays");
}

serve::Response add_class(Annotator::State& state, const serve::Request& request) {
  constexpr size_t kLongest = 100, kMost = 1000;
  const Value body = body_of(request);
  const std::string name = name_in(body, "name", kLongest);
  if (name.empty()) serve::refuse(422, "a class needs a name");
  if (state.book.classes().size() >= kMost) serve::refuse(422, "there are {} classes, the most", kMost);
  const bool is_new = on_disk([&] { return state.book.add_class(name, author_in(body)); });
  if (is_new) state.news.happened();
  return class_list(state);
}

serve::Response next(Annotator::State& state, const serve::Request& request) {
  constexpr size_t kId = 16;
  const Value body = body_of(request);
  const Author author = author_in(body);
  const std::string behind = text_in(body, "behind", kId);
  const auto is_taken = [&](const std::string& id) { return state.turns.is_taken(id, author.client); };
  const std::optional<std::string> id = state.book.next_todo(behind, is_taken);
  if (!id) return {.body = R"({"id":null,"ahead":null})"};
  const bool changes = state.turns.is_at(author.client, author.who, *id);
  const std::optional<std::string> ahead = state.book.next_todo(*id, is_taken);
  state.turns.promise(author.client, ahead.value_or(""));
  if (changes) state.news.happened();
  return {.body = io::json_text({{"id", *id}, {"ahead", ahead ? Value(*ahead) : Value()}})};
}

}  // namespace kiln::annotate::routes
