#include <kiln/profile/device_times.h>

#include <cmath>
#include <map>
#include <memory>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/stream.h>
#include <kiln/tensor/device/capture.h>

namespace kiln::profile {
namespace {

// Events that wait for their time, at most: then it is read.
constexpr size_t kMostWaiting = 16384;

class CudaTimes final : public DeviceTimes {
 public:
  int64_t mark(Device device) override {
    if (is_capturing()) return -1;
    const Base& base = base_of(device);
    std::unique_ptr<cuda::Event> event = take(device);
    event->record(cuda::Stream::current(device));
    if (waiting_.size() >= kMostWaiting) read();
    waiting_.push_back({&base, device, std::move(event)});
    return marks_++;
  }

  const std::vector<int64_t>& read() override {
    for (Waiting& mark : waiting_) {
      CUDA_CHECK(cudaEventSynchronize(mark.event->handle()));  // what a kernel found belongs to others
      times_.push_back(mark.base->time +
                       int64_t(std::llround(1e6 * mark.event->milliseconds_since(mark.base->event))));
      idle_[mark.device.index].push_back(std::move(mark.event));
    }
    waiting_.clear();
    return times_;
  }

  void clear() override {
    read();
    times_.clear();
    marks_ = 0;
  }

 private:
  // A moment on both clocks.
  struct Base {
    cuda::Event event{true};
    int64_t time = 0;
  };
  struct Waiting {
    const Base* base;
    Device device;
    std::unique_ptr<cuda::Event> event;
  };

  const Base& base_of(Device device) {
    Base& base = bases_[device.index];
    if (!base.event.is_recorded()) {
      base.event.record(cuda::Stream::current(device));
      CUDA_CHECK(cudaEventSynchronize(base.event.handle()));
      base.time = now();
    }
    return base;
  }

  std::unique_ptr<cuda::Event> take(Device device) {
    std::vector<std::unique_ptr<cuda::Event>>& idle = idle_[device.index];
    if (idle.empty()) return std::make_unique<cuda::Event>(true);
    std::unique_ptr<cuda::Event> event = std::move(idle.back());
    idle.pop_back();
    return event;
  }

  std::map<int, Base> bases_;  // its elements stay where they are
  std::map<int, std::vector<std::unique_ptr<cuda::Event>>> idle_;
  std::vector<Waiting> waiting_;
  std::vector<int64_t> times_;
  int64_t marks_ = 0;
};

}  // namespace

Box<DeviceTimes> make_device_times() { return make_box<CudaTimes>(); }

}  // namespace kiln::profile
