#include <kiln/data/loader.h>

#include <kiln/data/loading/loader_core.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value.h>

namespace kiln::data {
namespace {

// Random streams tell as many apart (data/random_stream.cpp).
constexpr int64_t kMostEpochs = int64_t(1) << 56;

int64_t checked(int64_t epoch) {
  if (epoch < 0 || epoch >= kMostEpochs)
    fail("data loader: epoch must be at least 0 and below {}, got {}", kMostEpochs, epoch);
  return epoch;
}

}  // namespace

detail::Iteration& BatchIterator::iteration() const { return static_cast<detail::Iteration&>(*iteration_); }
detail::LoaderCore& DataLoader::core() const { return static_cast<detail::LoaderCore&>(*core_); }

Batch& BatchIterator::operator*() const { return iteration().current; }

BatchIterator& BatchIterator::operator++() {
  iteration().core->advance(iteration());
  return *this;
}

bool BatchIterator::operator==(End) const { return iteration().ended; }
LoaderState BatchIterator::state() const { return iteration().core->state_of(iteration()); }

BatchIterator Epoch::begin() const {
  return BatchIterator(static_cast<detail::LoaderCore&>(*core_).begin(pass_, epoch_));
}

DataLoader::DataLoader(AnyDataset dataset, const LoaderOptions& options)
    : core_(new detail::LoaderCore(std::move(dataset), {}, options)) {}
DataLoader::DataLoader(AnyIterableDataset dataset, const LoaderOptions& options)
    : core_(new detail::LoaderCore({}, std::move(dataset), options)) {}

int64_t DataLoader::size() const { return core().source.size(); }
int64_t DataLoader::samples() const { return core().source.samples(); }

const Dataset& DataLoader::dataset() const {
  if (!core().source.dataset)
    fail("data loader: it reads an IterableDataset, there is no dataset with indices");
  return *core().source.dataset;
}

Epoch DataLoader::epoch(int64_t epoch) const { return Epoch(core_, detail::Pass::epoch, checked(epoch)); }

Epoch DataLoader::evaluation(int64_t epoch) const {
  return Epoch(core_, detail::Pass::apart, checked(epoch));
}

BatchIterator DataLoader::begin() const { return Epoch(core_, detail::Pass::walk, -1).begin(); }

LoaderState DataLoader::state() const { return core().state(); }

void DataLoader::set_state(const LoaderState& state) {
  const LoaderState mine = core().state();
  if (state.samples != mine.samples || state.batch_size != mine.batch_size || state.seed != mine.seed)
    fail("data loader: the state is of {} samples, batch size {} and seed {}, this loader has {}, {} and {}",
         state.samples, state.batch_size, state.seed, mine.samples, mine.batch_size, mine.seed);
  const bool counted = mine.samples >= 0;
  if (state.epoch < 0 || state.epoch >= kMostEpochs || state.batch < 0 || (counted && state.batch > size()))
    fail("data loader: the state stands at epoch {}, batch {}; an epoch has {} batches", state.epoch,
         state.batch, counted ? fmt::to_string(size()) : "an unknown number of");
  core().set_state(state);
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
