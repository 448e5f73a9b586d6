#include <kiln/tensor/cuda/found_error.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/found_error_owner.h>
#include <kiln/tensor/cuda/relaxed_capture.h>
#include <kiln/tensor/cuda/selected_device.h>
#include <kiln/tensor/device/capture.h>
#include <kiln/tensor/device/found.h>

namespace kiln::cuda {
namespace {

// Places whose owners are gone may still be written by kernels that run. When there are so many, the devices
// are waited for, and what they found for nobody is dropped.
constexpr size_t kMostLeft = 64;

struct Places {
  std::mutex mutex;
  std::vector<FoundError*> idle, left;
};

// Never destroyed: kernels write to the places, and threads leave theirs, until the end.
Places& places() {
  static auto* all = new Places;
  return *all;
}

FoundError* allocate_place() {
  const RelaxedCapture relaxed;
  void* memory = nullptr;
  CUDA_CHECK(cudaHostAlloc(&memory, sizeof(FoundError), cudaHostAllocPortable | cudaHostAllocMapped));
  return new (memory) FoundError{};
}

void reuse_left(Places& all) {
  for (int i = 0; i < device_count(); ++i) {
    const SelectedDevice selected({DeviceType::cuda, i});
    CUDA_CHECK(cudaDeviceSynchronize());
  }
  for (FoundError* place : all.left) *place = {};
  all.idle.insert(all.idle.end(), all.left.begin(), all.left.end());
  all.left.clear();
}

void leave(FoundError* place) {
  Places& all = places();
  const std::lock_guard lock(all.mutex);
  all.left.push_back(place);
}

struct OfThread {
  std::shared_ptr<FoundError> own, in_use;
  std::vector<std::weak_ptr<FoundError>> watched;
};
thread_local OfThread of_thread;

bool has_found(const FoundError& place) { return static_cast<const volatile int32_t&>(place.found) != 0; }

}  // namespace

std::shared_ptr<FoundError> make_found_error() {
  Places& all = places();
  FoundError* place = nullptr;
  {
    const std::lock_guard lock(all.mutex);
    if (all.idle.empty() && all.left.size() >= kMostLeft && !thread_captures()) reuse_left(all);
    if (!all.idle.empty()) {
      place = all.idle.back();
      all.idle.pop_back();
    }
  }
  return {place == nullptr ? allocate_place() : place, leave};
}

FoundError* found_error() {
  OfThread& mine = of_thread;
  if (mine.in_use != nullptr) return mine.in_use.get();
  if (mine.own == nullptr) mine.own = make_found_error();
  return mine.own.get();
}

void throw_found_error(FoundError& place) {
  if (!has_found(place)) return;
  std::string message;
  {
    const std::lock_guard lock(places().mutex);
    if (!has_found(place)) return;  // another thread, that replayed the same graph, was faster
    message = filled(place.message, place.value, place.at, place.last);
    place = {};
  }
  detail::throw_error(message);
}

void throw_found_error() {
  OfThread& mine = of_thread;
  if (mine.own != nullptr) throw_found_error(*mine.own);
  for (const std::weak_ptr<FoundError>& watched : mine.watched)
    if (const auto place = watched.lock()) throw_found_error(*place);
}

void watch_found_error(const std::shared_ptr<FoundError>& place) {
  auto& watched = of_thread.watched;
  std::erase_if(watched, [](const auto& other) { return other.expired(); });
  if (std::ranges::none_of(watched, [&](const auto& other) { return other.lock() == place; }))
    watched.push_back(place);
}

FoundErrorScope::FoundErrorScope(std::shared_ptr<FoundError> place)
    : place_(std::move(place)), before_(std::exchange(of_thread.in_use, place_)) {}
FoundErrorScope::~FoundErrorScope() {
  if (of_thread.in_use == place_) of_thread.in_use = std::move(before_);
}

}  // namespace kiln::cuda
