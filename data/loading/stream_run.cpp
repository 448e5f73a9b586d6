#include <kiln/data/loading/stream_run.h>

#include <algorithm>
#include <deque>

#include <kiln/tensor/base/fail.h>

namespace kiln::data::detail {
namespace {

// A job is a shard that reads its next batch; a shard has one job at a time. Batches are taken from the
// shards in turn, without those that have ended.
class StreamRun : public Run {
 public:
  StreamRun(const Source& source, int64_t from_epoch, int64_t from_batch)
      : Run(source, from_epoch, from_batch),
        shards_(size_t(source.shards())),
        most_(std::max<int64_t>(1, source.depth() / source.shards())),
        next_(from_batch) {}

  // Batches before the first are read and thrown away: a stream knows no other way to its middle.
  void prepare() override {
    const FactoriesOnCpu scope;
    for (int64_t skipped = 0; skipped < first && !ended();) {
      Part& part = shards_[turn_];
      if (!part.ended) {
        std::vector<Sample> samples;
        std::vector<int64_t> numbers;
        if (read(int64_t(turn_), samples, numbers)) ++skipped;
      }
      turn_ = (turn_ + 1) % shards_.size();
    }
  }

  int64_t outstanding() const override {
    int64_t count = 0;
    for (const Part& part : shards_) count += int64_t(part.made.size()) + part.busy;
    return count;
  }
  bool claimable(int64_t elsewhere) const override {
    return find() >= 0 && (elsewhere == 0 || outstanding() + elsewhere < source_.depth());
  }
  int64_t claim() override {
    const int64_t shard = find();
    shards_[size_t(shard)].busy = true;
    return shard;
  }

  void make(int64_t shard, Slot& slot) override {
    try {
      const FactoriesOnCpu scope;
      std::vector<Sample> samples;
      std::vector<int64_t> numbers;
      slot.batch.samples = 0;
      if (!read(shard, samples, numbers)) return;
      source_.builder.build(epoch, numbers, samples, slot.batch);
      slot.batch.epoch = epoch;
    } catch (...) {
      slot.error = std::current_exception();
    }
  }

  void put(int64_t shard, Slot&& slot) override {
    Part& part = shards_[size_t(shard)];
    part.busy = false;
    if (slot.error) part.ended = true;
    if (slot.error || slot.batch.samples > 0) part.made.push_back(std::move(slot));
  }

  bool take(Slot& slot) override {
    for (size_t tried = 0; tried < shards_.size(); ++tried) {
      Part& part = shards_[turn_];
      const bool there = !part.made.empty();
      if (!there && !part.has_ended()) return false;
      turn_ = (turn_ + 1) % shards_.size();
      if (!there) continue;
      slot = std::move(part.made.front());
      part.made.pop_front();
      slot.batch.index = next_++;
      return true;
    }
    return false;
  }

  bool all_claimed() const override {
    return std::ranges::all_of(shards_, [](const Part& part) { return part.has_ended(); });
  }
  bool ended() const override {
    return all_claimed() && std::ranges::all_of(shards_, [](const Part& part) { return part.made.empty(); });
  }

 private:
  struct Part {
    Function<bool(Sample&)> next;
    int64_t number = 0;  // of samples read
    bool open = false, ended = false;
    bool busy = false;  // a job has it: the members above belong to that
    std::deque<Slot> made;

    bool has_ended() const { return !busy && ended; }
  };

  // The shard that is most behind, from the one whose turn it is; -1 when none may begin.
  int64_t find() const {
    int64_t best = -1;
    for (size_t i = 0; i < shards_.size(); ++i) {
      const size_t shard = (turn_ + i) % shards_.size();
      const Part& part = shards_[shard];
      if (part.busy || part.ended || int64_t(part.made.size()) >= most_) continue;
      if (best < 0 || part.made.size() < shards_[size_t(best)].made.size()) best = int64_t(shard);
    }
    return best;
  }

  // The samples of the shard's next batch; false when it has none any more.
  bool read(int64_t shard, std::vector<Sample>& samples, std::vector<int64_t>& numbers) {
    Part& part = shards_[size_t(shard)];
    const int64_t count = int64_t(shards_.size()), size = source_.options.batch_size;
    if (!std::exchange(part.open, true)) part.next = source_.stream->iterate({shard, count}, epoch);
    while (!part.ended && int64_t(samples.size()) < size) {
      const int64_t number = part.number * count + shard;
      Sample sample;
      try {
        part.ended = !part.next(sample);
      } catch (const std::exception& what) {
        fail("data loader: sample {} (shard {} of {}): {}", number, shard, count, what.what());
      }
      if (part.ended) break;
      ++part.number;
      samples.push_back(std::move(sample));
      numbers.push_back(number);
    }
    return int64_t(samples.size()) == size || (!samples.empty() && !source_.options.drop_last);
  }

  std::vector<Part> shards_;
  const int64_t most_;  // batches that a shard may be ahead
  size_t turn_ = 0;
  int64_t next_;
};

}  // namespace

std::shared_ptr<Run> make_stream_run(const Source& source, int64_t epoch, int64_t first) {
  return std::make_shared<StreamRun>(source, epoch, first);
}

}  // namespace kiln::data::detail
