#pragma once

// Internal: the labels of a folder's pictures while people work on them.

#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include <kiln/annotate/labels/load.h>

namespace kiln::annotate {

// Who makes a change: a name for people, and the page that it is made in, whose changes can be undone.
struct Author {
  std::string who, client;
};

struct Outcome {
  enum class Kind : uint8_t { made, conflict, nothing } kind = Kind::made;
  Picture picture;  // as it is now
};

struct Tally {
  int64_t pictures = 0, done = 0, skipped = 0, bad = 0;
  int64_t left() const { return pictures - done - skipped - bad; }
};

// May be used by several threads. Every change is in the journal, on the disk, when its function returns. One
// that throws an Error, for the disk is full or so, is not made.
class Book {
 public:
  // Throws what load() throws. The labels file is there afterwards. Who makes one has the LabelsLock.
  explicit Book(const Place& place);

  std::vector<std::string> classes() const;
  Tally tally() const;
  int64_t number() const;  // of the last change
  std::vector<Picture> changed_after(int64_t number) const;
  std::optional<Picture> find(std::string_view id) const;
  // The first picture that nobody has looked at and `is_taken` does not refuse behind another one, beginning
  // again at the front; of those that it refuses where there is no other; nothing where all are looked at.
  std::optional<std::string> next_todo(std::string_view behind,
                                       const Function<bool(const std::string& id)>& is_taken) const;

  // What a header says, when it is first read. No change.
  void set_size(std::string_view id, int64_t width, int64_t height);

  // A change that was made on another revision than the present one is a conflict, unless it changes nothing.
  // Nothing for an id that there is not.
  std::optional<Outcome> change(std::string_view id, int64_t revision, const Work& work,
                                const Author& author);
  // The client's last change that was not undone, and the last that was. A conflict when somebody has changed
  // the picture since: then the change is forgotten.
  Outcome undo(const Author& author) { return step(author, true); }
  Outcome redo(const Author& author) { return step(author, false); }
  // False when there is a class of that name.
  bool add_class(const std::string& name, const Author& author);

  // Writes the labels file when it does not say all. Returns the seconds that it took.
  double save();
  // As text of the labels file.
  data::Annotations annotations() const;

 private:
  struct Step {
    size_t place;
    Work before, after;
  };
  struct Steps {
    std::deque<Step> done, undone;
  };
  Outcome step(const Author& author, bool is_undo);
  Picture write(size_t place, const Work& work, const Author& author);
  void shorten();

  Place place_;
  std::mutex saving_;                // one writes the labels file
  std::mutex writing_;               // one changes
  mutable std::shared_mutex state_;  // what follows; those who change take it for the moment when they do
  std::vector<Picture> pictures_;
  std::unordered_map<std::string, size_t> places_;
  data::ClassNames classes_;
  int64_t number_ = 0, saved_ = -1;
  std::unique_ptr<Journal> journal_;  // under `writing_`, as the steps
  std::unordered_map<std::string, Steps> steps_;
};

}  // namespace kiln::annotate
