#pragma once

#include <optional>

#include <kiln/train/checkpoint.h>

namespace kiln::train {

enum class Better { higher, lower };

// A folder of checkpoints: the last few of a run, and the best by a metric.
//
//     train::Checkpoints checkpoints("run", {.keep_last = 3, .best = {"accuracy", train::Better::higher}});
//     checkpoints.add("model", net).add("optimizer", optimizer).add("epoch", epoch);
//     checkpoints.resume();
//     for (; epoch < 90; ++epoch) {
//       train_an_epoch();
//       checkpoints.save(epoch, {{"accuracy", accuracy}, {"loss", loss.item<double>()}});
//     }
//     checkpoints.load_best();
//
// The files are state files, "checkpoint-00000012.kiln" for step 12, and hold step and metrics beside the
// entries ("_saved"); there is no other record, so nothing can disagree with them. Each appears whole or not
// at all. A file that was damaged later is passed over and reported by skipped(), and what killed programs
// left behind is removed. One program at a time may save to a folder.
class Checkpoints {
 public:
  struct Best {
    std::string metric;  // "": none is kept for being best
    Better better = Better::higher;
  };
  struct Options {
    int keep_last = 3;  // at least 1
    Best best;
  };
  struct Saved {
    std::string path;
    int64_t step = 0;
    Value metrics;  // a dict
  };

  // The folder is made by the first save.
  explicit Checkpoints(std::string folder, Options options);
  explicit Checkpoints(std::string folder) : Checkpoints(std::move(folder), Options()) {}

  // What a run needs to go on, as in Checkpoint.
  template <class... Args>
  Checkpoints& add(const std::string& name, Args&&... args) {
    state_.add(name, std::forward<Args>(args)...);
    return *this;
  }

  // Writes the entries, then removes what is neither among the last nor best; the one just written always
  // stays. `metrics` is a dict of numbers. A step that is there already is replaced.
  Saved save(int64_t step, const Value& metrics = Value::dict());

  // The whole file of the highest step, and that with the best metric (of two equal ones the later; NaN never
  // is). Every byte is compared with its checksum; a damaged file is skipped for the next. Nothing when none
  // is left.
  std::optional<Saved> latest() const;
  std::optional<Saved> best() const;

  // Brings the entries back; false, and nothing is changed, when there is no such file.
  bool resume() { return load(latest()); }
  bool load_best() { return load(best()); }
  void load(const Saved& saved);

  // Why files were passed over by the last call of the above, one sentence each.
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  struct File {
    std::string path;
    int64_t step;
  };
  std::vector<File> files() const;
  std::vector<Saved> listed() const;
  std::optional<Saved> read(const File& file) const;
  std::optional<Saved> first_whole(const std::vector<Saved>& candidates) const;
  std::optional<double> score(const Saved& saved) const;
  std::vector<Saved> by_score(std::vector<Saved> all) const;
  bool load(const std::optional<Saved>& saved);
  void prune(const Saved& newest);

  std::string folder_;
  Options options_;
  Checkpoint state_;
  mutable std::vector<std::string> skipped_;
  mutable std::vector<std::string> unread_;  // the paths of those that the system would not let us read
};

}  // namespace kiln::train
