#pragma once

// Internal.

#include <memory>
#include <vector>

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/cuda/found_error_owner.h>
#include <kiln/tensor/random.h>
#include <kiln/tensor/storage.h>

struct CUstream_st;

namespace kiln::cuda {

// What the host does before each replay of a graph. While a thread captures, it is the thread's.
class Recording {
 public:
  // `outside`: the thread's stream before the capture.
  Recording(Device device, CUstream_st* outside);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  // Of this thread; nullptr when it does not capture.
  static Recording* current();

  void end();
  void before_replay(Function<void()> f) { calls_.push_back(std::move(f)); }
  // Where the numbers of a captured op start. The generator moves on at each replay, not now.
  PhiloxStart draw(Generator& generator, int64_t count);
  Ref<Storage> allocate(int64_t bytes) const;
  // What the graph's kernels find is told to the thread that replays it.
  void prepare_replay() const;

 private:
  struct Draws {
    Generator* generator;
    Ref<Storage> base;  // the generator's state before the replay, on the device
    int64_t count = 0;  // of 32-bit numbers, in whole blocks
  };

  Device device_;
  CUstream_st* outside_;
  std::vector<Function<void()>> calls_;
  std::vector<std::unique_ptr<Draws>> draws_;
  std::shared_ptr<FoundError> found_;
  std::unique_ptr<FoundErrorScope> reports_;  // until the end
};

}  // namespace kiln::cuda
