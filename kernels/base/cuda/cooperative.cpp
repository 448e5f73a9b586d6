#include <kiln/kernels/base/cuda/cooperative.h>

#include <cuda_runtime_api.h>

#include <map>
#include <mutex>
#include <tuple>

#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/selected_device.h>

namespace kiln::kernels {
namespace {

unsigned ask(Device device, const void* kernel, unsigned threads) {
  const cuda::SelectedDevice selected(device);
  int cooperative = 0, blocks = 0;
  CUDA_CHECK(cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, device.index));
  if (cooperative == 0) return 0;
  CUDA_CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, int(threads), 0));
  return unsigned(blocks);
}

}  // namespace

unsigned blocks_of_processor(Device device, const void* kernel, unsigned threads) {
  static std::mutex mutex;
  static std::map<std::tuple<const void*, unsigned, int>, unsigned> known;
  const std::lock_guard lock(mutex);
  const auto [at, added] = known.try_emplace({kernel, threads, device.index}, 0);
  if (added) {
    try {
      at->second = ask(device, kernel, threads);
    } catch (...) {
      known.erase(at);
      throw;
    }
  }
  return at->second;
}

}  // namespace kiln::kernels
