#include <kiln/tensor/cuda/found_error.h>

#include <atomic>
#include <mutex>
#include <string>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/error.h>
#include <kiln/tensor/found.h>

namespace kiln::cuda {
namespace {

std::atomic<FoundError*> place = nullptr;

}  // namespace

FoundError* found_error() {
  static const bool made = [] {
    void* memory = nullptr;
    CUDA_CHECK(cudaHostAlloc(&memory, sizeof(FoundError), cudaHostAllocPortable | cudaHostAllocMapped));
    place = new (memory) FoundError{};
    return true;
  }();
  static_cast<void>(made);
  return place;
}

void throw_found_error() {
  static std::mutex mutex;
  FoundError* error = place;
  if (error == nullptr || *static_cast<volatile int32_t*>(&error->found) == 0) return;
  const std::lock_guard lock(mutex);
  const std::string message = filled(error->message, error->value, error->at, error->last);
  *error = {};
  detail::throw_error(message);
}

}  // namespace kiln::cuda
