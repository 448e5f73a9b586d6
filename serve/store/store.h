#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kiln/serve/store/decide.h>
#include <kiln/serve/store/version.h>
#include <kiln/tensor/base/function.h>

namespace kiln::serve {

// What came of a comparison.
struct Promotion {
  bool promoted = false;
  Decision decision;
  Event event;
};

// A folder of models, of which one is current.
//
//     serve::Store store("store");
//     const serve::Version version = store.add("run/best.kiln", {.metrics = {{"accuracy", 0.91}}});
//     store.publish(version.id, [](const serve::Version& candidate, const serve::Version& current) {
//       return serve::Outcomes{.candidate = {1, 1, 0, 1}, .current = {1, 0, 0, 1}};  // of the same samples
//     });
//     store.rollback();
//
// In the folder are history.jsonl, a line for each promotion, refusal, rollback and pin, and for each version
// versions/ID/model.kiln, the file, whose SHA-256 is ID, and versions/ID/about.json: metrics, data, parent,
// who and when.
//
// A version is there when about.json is, which is written last; nothing in its folder changes afterwards. The
// history is the only record of what is current: a line is added by replacing the file as a whole, so whoever
// reads it, and whatever a power failure leaves, sees the time before or after. Writers take turns by a lock
// on the folder (flock, so it should lie on a local disk); readers need none.
class Store {
 public:
  // The folder is made when something is added.
  explicit Store(std::string folder);

  // Copies the file into the store and makes it safe. A model that is there already stays as it is.
  Version add(const std::string& file, const About& about = {});

  // Asks how candidate and current version do on the same samples, and makes the candidate current when the
  // rule says that it is better, or when there is none yet. Both answers go into the history. When another
  // version has become current in the meantime it asks again.
  using Evaluate = Function<Outcomes(const Version& candidate, const Version& current)>;
  Promotion publish(std::string_view id, const Evaluate& evaluate, const Rule& rule = {});

  // Makes it current whatever it is like.
  Event promote(std::string_view id, const std::string& why);
  // Makes a version current that was so before, or any other; "": the one before the current one.
  Event rollback(std::string_view id = "", const std::string& why = "");
  // What is pinned is never removed.
  Event pin(std::string_view id);
  Event unpin(std::string_view id);

  // Removes versions, and what killed programs left. The current one, pinned ones, and the last `rollbacks`
  // that were current before it stay, as do those younger than `seconds`.
  struct Keep {
    int64_t rollbacks = 5;
    int64_t seconds = 24 * 60 * 60;
  };
  std::vector<std::string> collect(const Keep& keep);

  // Nothing in an empty store.
  std::optional<Version> current() const;
  // The oldest first.
  std::vector<Version> list() const;
  std::vector<Event> history() const;
  // By its id, or as many of the first digits as are needed, at least 4. Throws when there is none or
  // several.
  Version find(std::string_view id) const;
  // Reads all of the file; throws when it is not what its name says.
  void check(const Version& version) const;

  const std::string& folder() const { return folder_; }

 private:
  std::optional<Version> read(const std::string& id) const;
  int64_t most_added() const;
  Event append(const std::vector<Event>& history, Event event);
  Event make_current(Event::Kind kind, const Version& version, const std::string& why);
  std::optional<Promotion> publish_over(const Version& candidate, const std::string& baseline,
                                        const Decision& decision);

  std::string folder_;
};

}  // namespace kiln::serve
