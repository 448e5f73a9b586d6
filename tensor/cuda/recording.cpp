#include <kiln/tensor/cuda/recording.h>

#include <algorithm>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/copy.h>
#include <kiln/tensor/device/capture.h>

namespace kiln {
namespace cuda {
namespace {

thread_local Recording* recording_of_thread = nullptr;

}  // namespace

Recording::Recording(Device device, CUstream_st* outside)
    : device_(device),
      outside_(outside),
      found_(make_found_error()),
      reports_(std::make_unique<FoundErrorScope>(found_)) {
  recording_of_thread = this;
}
Recording::~Recording() { end(); }

Recording* Recording::current() { return recording_of_thread; }

void Recording::end() {
  if (recording_of_thread == this) recording_of_thread = nullptr;
  reports_ = nullptr;
}

Ref<Storage> Recording::allocate(int64_t bytes) const {
  struct Outside {
    CudaContext& ctx;
    CUstream_st* captured;
    ~Outside() { ctx.stream = captured; }
  };
  CudaContext& ctx = CudaContext::of(device_);
  const Outside scope{ctx, std::exchange(ctx.stream, outside_)};
  return Storage::allocate(bytes, device_);
}

PhiloxStart Recording::draw(Generator& generator, int64_t count) {
  constexpr int64_t kBlock = 4;  // a generator hands out whole blocks
  auto draws = std::ranges::find(draws_, &generator, [](const auto& d) { return d->generator; });
  if (draws == draws_.end()) {
    draws_.push_back(std::make_unique<Draws>());
    draws = draws_.end() - 1;
    (*draws)->generator = &generator;
    (*draws)->base = allocate(sizeof(PhiloxState));
  }
  Draws& d = **draws;
  const PhiloxState after{0, uint64_t(d.count / kBlock)};
  d.count += (count + kBlock - 1) / kBlock * kBlock;
  return {after, static_cast<const PhiloxState*>(d.base->data)};
}

void Recording::prepare_replay() const {
  watch_found_error(found_);
  for (const Function<void()>& call : calls_) call();
  for (const auto& d : draws_) {
    const PhiloxState state = d->generator->advance(d->count);
    copy_bytes(d->base->data, device_, &state, cpu, sizeof state);
  }
}

bool thread_captures() { return recording_of_thread != nullptr; }

PhiloxStart draw_in_capture(Generator& generator, int64_t count) {
  return recording_of_thread->draw(generator, count);
}

Ref<Storage> allocate_for_replays(int64_t bytes) { return recording_of_thread->allocate(bytes); }

void before_replay(Function<void()> f) {
  if (recording_of_thread == nullptr) fail("before_replay: this thread captures no graph");
  recording_of_thread->before_replay(std::move(f));
}

}  // namespace cuda
}  // namespace kiln
