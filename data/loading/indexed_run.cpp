// The batches of a dataset whose samples have indices: each is made from its number alone.

#include <algorithm>
#include <numeric>

#include <kiln/data/loading/run.h>
#include <kiln/data/loading/stream_run.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data::detail {
namespace {

void check_indices(const std::vector<int64_t>& indices, int64_t samples, const char* sampler, int64_t epoch) {
  for (size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || indices[i] >= samples)
      fail("data loader: the {} gave index {} at place {} of epoch {}, the dataset has {} samples", sampler,
           indices[i], i, epoch, samples);
}

class IndexedRun : public Run {
 public:
  IndexedRun(const Source& source, int64_t from_epoch, int64_t from_batch)
      : Run(source, from_epoch, from_batch),
        next_(from_batch),
        claimed_(from_batch),
        slots_(size_t(source.depth())) {}

  void prepare() override {
    const LoaderOptions& options = source_.options;
    const int64_t samples = source_.samples();
    total_ = source_.size();
    if (options.batch_sampler) {
      batches_ = options.batch_sampler->batches(options.seed, epoch);
      check_count("batch sampler", "batches", int64_t(batches_.size()), options.batch_sampler->size());
      for (size_t i = 0; i < batches_.size(); ++i) {
        if (batches_[i].empty())
          fail("data loader: the batch sampler gave an empty batch, number {} of epoch {}", i, epoch);
        check_indices(batches_[i], samples, "batch sampler", epoch);
      }
    } else if (options.sampler) {
      order_ = options.sampler->order(options.seed, epoch);
      check_count("sampler", "indices", int64_t(order_.size()), options.sampler->size());
      check_indices(order_, samples, "sampler", epoch);
    } else if (options.shuffle) {
      order_ = RandomSampler(samples).order(options.seed, epoch);
    }
  }

  int64_t outstanding() const override { return claimed_ - next_; }
  bool claimable(int64_t elsewhere) const override {
    return claimed_ < total_ && outstanding() + elsewhere < int64_t(slots_.size());
  }
  int64_t claim() override { return claimed_++; }

  void make(int64_t number, Slot& slot) override {
    try {
      slot.batch.epoch = epoch;
      slot.batch.index = number;
      build(number, slot.batch);
    } catch (...) {
      slot.error = std::current_exception();
    }
  }

  void put(int64_t number, Slot&& slot) override {
    Slot& to = slots_[size_t(number) % slots_.size()];
    to = std::move(slot);
    to.ready = true;
  }

  bool take(Slot& slot) override {
    Slot& from = slots_[size_t(next_) % slots_.size()];
    if (ended() || !from.ready) return false;
    slot = std::exchange(from, {});
    ++next_;
    return true;
  }

  bool all_claimed() const override { return claimed_ >= total_; }
  bool ended() const override { return next_ >= total_; }

 private:
  void check_count(const char* sampler, const char* what, int64_t count, int64_t said) const {
    if (count != said)
      fail("data loader: the {} gave {} {} for epoch {}, its size() says {}", sampler, count, what, epoch,
           said);
  }

  void build(int64_t number, Batch& batch) const {
    if (!batches_.empty()) return source_.builder.build(epoch, batches_[size_t(number)], batch);
    const int64_t size = source_.options.batch_size, begin = number * size;
    const int64_t all = source_.options.sampler ? int64_t(order_.size()) : source_.samples();
    const int64_t count = std::min(size, all - begin);
    if (!order_.empty())
      return source_.builder.build(epoch, std::span(order_).subspan(size_t(begin), size_t(count)), batch);
    std::vector<int64_t> plain(static_cast<size_t>(count));
    std::iota(plain.begin(), plain.end(), begin);
    source_.builder.build(epoch, plain, batch);
  }

  int64_t next_, claimed_, total_ = 0;  // the batch that is taken next, the first that nobody has begun
  std::vector<int64_t> order_;          // empty: as they come
  std::vector<std::vector<int64_t>> batches_;
  std::vector<Slot> slots_;  // batch n goes through slot n % depth
};

}  // namespace

std::shared_ptr<Run> make_run(const Source& source, int64_t epoch, int64_t first) {
  if (source.stream) return make_stream_run(source, epoch, first);
  return std::make_shared<IndexedRun>(source, epoch, first);
}

}  // namespace kiln::data::detail
