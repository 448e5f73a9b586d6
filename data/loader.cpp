#include <kiln/data/loader.h>

#include <kiln/data/epoch_run.h>
#include <kiln/tensor/fail.h>
#include <kiln/tensor/value/value.h>

namespace kiln::data {
namespace detail {
namespace {

LoaderOptions checked(const LoaderOptions& options) {
  if (options.batch_size < 1) fail("data loader: batch_size must be at least 1, got {}", options.batch_size);
  constexpr int kMost = 1024;  // far beyond any use; more would end as a failed allocation
  if (options.workers < 0 || options.workers > kMost)
    fail("data loader: workers must be 0 .. {}, got {}", kMost, options.workers);
  if (options.prefetch < 1 || options.prefetch > kMost)
    fail("data loader: prefetch must be 1 .. {}, got {}", kMost, options.prefetch);
  return options;
}

}  // namespace

LoaderCore::LoaderCore(AnyDataset from, const LoaderOptions& with)
    : dataset(std::move(from)),
      options(checked(with)),
      builder(dataset, options.transform, options.seed, options.memory_format),
      state{0, 0, options.seed, options.batch_size, dataset->size()} {}

int64_t LoaderCore::size() const {
  const int64_t full = dataset->size() / options.batch_size, rest = dataset->size() % options.batch_size;
  return full + (rest != 0 && !options.drop_last);
}

}  // namespace detail

detail::EpochRun& BatchIterator::run() const { return static_cast<detail::EpochRun&>(*run_); }
detail::LoaderCore& DataLoader::core() const { return static_cast<detail::LoaderCore&>(*core_); }

Batch& BatchIterator::operator*() const { return run().current; }

BatchIterator& BatchIterator::operator++() {
  run().advance();
  return *this;
}

bool BatchIterator::operator==(End) const { return run().ended; }

BatchIterator Epoch::begin() const {
  const Ref<detail::LoaderCore> core(static_cast<detail::LoaderCore*>(core_.get()));
  const bool resume = std::exchange(core->resume, false) && core->state.epoch == epoch_;
  auto* run = new detail::EpochRun(core, epoch_, resume ? core->state.batch : 0);
  BatchIterator iterator{Ref<Held>(run)};
  run->advance();
  return iterator;
}

DataLoader::DataLoader(AnyDataset dataset, const LoaderOptions& options)
    : core_(new detail::LoaderCore(std::move(dataset), options)) {}

int64_t DataLoader::size() const { return core().size(); }
int64_t DataLoader::samples() const { return core().dataset->size(); }
const Dataset& DataLoader::dataset() const { return *core().dataset; }

Epoch DataLoader::epoch(int64_t epoch) const {
  if (epoch < 0) fail("data loader: epoch must be at least 0, got {}", epoch);
  return Epoch(core_, epoch);
}

BatchIterator DataLoader::begin() const { return epoch(core().state.epoch).begin(); }

LoaderState DataLoader::state() const { return core().state; }

void DataLoader::set_state(const LoaderState& state) {
  const LoaderState& mine = core().state;
  if (state.samples != mine.samples || state.batch_size != mine.batch_size || state.seed != mine.seed)
    fail("data loader: the state is of {} samples, batch size {} and seed {}, this loader has {}, {} and {}",
         state.samples, state.batch_size, state.seed, mine.samples, mine.batch_size, mine.seed);
  if (state.epoch < 0 || state.batch < 0 || state.batch > size())
    fail("data loader: the state stands at epoch {}, batch {}; an epoch has {} batches", state.epoch,
         state.batch, size());
  core().state = state;
  core().resume = true;
}

Value DataLoader::state_dict() const {
  const LoaderState now = state();
  return {{"epoch", now.epoch},
          {"batch", now.batch},
          {"seed", int64_t(now.seed)},  // the bits: a Value's ints are signed
          {"batch_size", now.batch_size},
          {"samples", now.samples}};
}

void DataLoader::load_state_dict(const Value& state) {
  set_state({.epoch = state.at("epoch").as_int(),
             .batch = state.at("batch").as_int(),
             .seed = uint64_t(state.at("seed").as_int()),
             .batch_size = state.at("batch_size").as_int(),
             .samples = state.at("samples").as_int()});
}

}  // namespace kiln::data
