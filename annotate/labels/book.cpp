#include <kiln/annotate/labels/book.h>

#include <algorithm>
#include <chrono>

#include <kiln/data/annotations/manifest.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/serve/store/history.h>

namespace kiln::annotate {
namespace {

constexpr size_t kMostSteps = 1000, kMostClients = 1000;

}  // namespace

Book::Book(const Place& place) : place_(place) {
  const std::string labels = labels_path(place);  // and its journal's, which begins with that name
  io::remove_abandoned(io::folder_of(labels), "." + labels.substr(labels.rfind('/') + 1) + ".");
  Loaded loaded = load(place);
  pictures_ = std::move(loaded.pictures);
  for (size_t i = 0; i < pictures_.size(); ++i) places_[pictures_[i].id] = i;
  classes_ = loaded.classes;
  number_ = loaded.number;
  if (loaded.is_saved) saved_ = number_;
  journal_ = std::make_unique<Journal>(journal_path(place), loaded.journal_bytes);
  save();
  if (journal_->bytes() > place.long_journal) shorten();
}

// To the last change of each picture, when the labels file has all of them.
void Book::shorten() {
  std::vector<const Picture*> changed;
  for (const Picture& picture : pictures_)
    if (picture.revision > 0) changed.push_back(&picture);
  std::ranges::sort(changed, {}, &Picture::revision);
  std::string text;
  for (const Picture* picture : changed) {
    const Change last = {picture->revision, picture->when, picture->who, picture->image.path,
                         picture->work()};
    text += line_of(last, classes_.names());
  }
  text += line_of({.saved = number_}, {});
  journal_.reset();
  io::write_text(journal_path(place_), text);
  journal_ = std::make_unique<Journal>(journal_path(place_), int64_t(text.size()));
}

std::vector<std::string> Book::classes() const {
  const std::shared_lock lock(state_);
  return classes_.names();
}

int64_t Book::number() const {
  const std::shared_lock lock(state_);
  return number_;
}

Tally Book::tally() const {
  const std::shared_lock lock(state_);
  Tally tally = {.pictures = int64_t(pictures_.size())};
  for (const Picture& picture : pictures_) {
    tally.done += picture.mark == Mark::done;
    tally.skipped += picture.mark == Mark::skipped;
    tally.bad += picture.mark == Mark::bad;
  }
  return tally;
}

std::vector<Picture> Book::changed_after(int64_t number) const {
  const std::shared_lock lock(state_);
  std::vector<Picture> changed;
  for (const Picture& picture : pictures_)
    if (picture.revision > number) changed.push_back(picture);
  return changed;
}

std::optional<Picture> Book::find(std::string_view id) const {
  const std::shared_lock lock(state_);
  const auto found = places_.find(std::string(id));
  if (found == places_.end()) return {};
  return pictures_[found->second];
}

std::optional<std::string> Book::next_todo(std::string_view behind,
                                           const Function<bool(const std::string& id)>& is_taken) const {
  const std::shared_lock lock(state_);
  const auto found = places_.find(std::string(behind));
  const size_t begin = found == places_.end() ? 0 : found->second + 1;
  std::optional<std::string> taken;
  for (size_t step = 0; step < pictures_.size(); ++step) {
    const Picture& picture = pictures_[(begin + step) % pictures_.size()];
    if (picture.mark != Mark::todo || picture.id == behind) continue;
    if (!is_taken(picture.id)) return picture.id;
    if (!taken) taken = picture.id;
  }
  return taken;
}

void Book::set_size(std::string_view id, int64_t width, int64_t height) {
  const std::unique_lock lock(state_);
  const auto found = places_.find(std::string(id));
  if (found == places_.end()) return;
  pictures_[found->second].image.width = width;
  pictures_[found->second].image.height = height;
}

// Under `writing_`.
Picture Book::write(size_t place, const Work& work, const Author& author) {
  Change change = {.number = number_ + 1, .when = serve::time_text(), .who = author.who};
  change.path = pictures_[place].image.path;
  change.work = work;
  journal_->append(line_of(change, classes_.names()));
  const std::unique_lock lock(state_);
  Picture& picture = pictures_[place];
  picture.put(work);
  picture.revision = number_ = change.number;
  picture.who = change.who;
  picture.when = change.when;
  return picture;
}

std::optional<Outcome> Book::change(std::string_view id, int64_t revision, const Work& work,
                                    const Author& author) {
  const std::scoped_lock writing(writing_);
  const auto found = places_.find(std::string(id));
  if (found == places_.end()) return {};
  const Picture now = *find(id);
  if (now.work() == work) return Outcome{Outcome::Kind::made, now};
  if (now.revision != revision) return Outcome{Outcome::Kind::conflict, now};
  const Picture changed = write(found->second, work, author);
  if (steps_.size() > kMostClients) steps_.clear();
  Steps& steps = steps_[author.client];
  steps.undone.clear();
  steps.done.push_back({found->second, now.work(), work});
  if (steps.done.size() > kMostSteps) steps.done.pop_front();
  return Outcome{Outcome::Kind::made, changed};
}

Outcome Book::step(const Author& author, bool is_undo) {
  const std::scoped_lock writing(writing_);
  Steps& steps = steps_[author.client];
  std::deque<Step>& from = is_undo ? steps.done : steps.undone;
  if (from.empty()) return {Outcome::Kind::nothing, {}};
  const Step step = from.back();
  const Picture now = *find(pictures_[step.place].id);
  const Work& expected = is_undo ? step.after : step.before;
  if (now.work() != expected) {
    from.pop_back();
    return {Outcome::Kind::conflict, now};
  }
  const Picture changed = write(step.place, is_undo ? step.before : step.after, author);
  from.pop_back();
  (is_undo ? steps.undone : steps.done).push_back(step);
  return {Outcome::Kind::made, changed};
}

bool Book::add_class(const std::string& name, const Author& author) {
  const std::scoped_lock writing(writing_);
  if (classes_.find(name) >= 0) return false;
  Change change = {.number = number_ + 1, .when = serve::time_text(), .who = author.who};
  change.added = name;
  journal_->append(line_of(change, classes_.names()));
  const std::unique_lock lock(state_);
  classes_.add(name);
  number_ = change.number;
  return true;
}

data::Annotations Book::annotations() const {
  const std::shared_lock lock(state_);
  return annotations_of(place_, pictures_, classes_.names());
}

double Book::save() {
  const auto begin = std::chrono::steady_clock::now();
  const std::scoped_lock saving(saving_);
  int64_t number = 0;
  data::Annotations set;
  {
    const std::shared_lock lock(state_);
    if (saved_ == number_) return 0;
    number = number_;
    set = annotations_of(place_, pictures_, classes_.names());
  }
  data::write_manifest(labels_path(place_), set);
  const std::scoped_lock writing(writing_);
  journal_->append(line_of({.saved = number}, {}));
  const std::unique_lock lock(state_);
  saved_ = number;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace kiln::annotate
