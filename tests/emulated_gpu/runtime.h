#pragma once

// The state behind the CUDA runtime's functions: streams whose work is put off, events, captures, errors. One
// lock for everything; work runs on the thread that waits for it.

#include <cuda_runtime.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "counters.h"
#include "grid/block.h"

namespace kiln::emulated {

// Runs on the device. The failure's error is cudaSuccess where nothing is wrong.
using Work = std::function<Failure()>;

inline Failure no_failure() { return {cudaSuccess, ""}; }

struct Operation {
  uint64_t id;
  std::vector<uint64_t> after;
  Work run;
};

// A captured graph: nodes with what must run before them.
struct Graph {
  struct Node {
    Work run;
    std::vector<size_t> after;
  };
  std::vector<Node> nodes;
};

// A capture in progress. Streams join it by waiting for an event that was recorded in it.
struct Capture {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  unsigned long long id = 0;
  bool invalid = false;
};

struct Stream {
  std::deque<Operation> queue;
  uint64_t last = 0;     // operation
  bool blocking = true;  // waits for the default stream, and it for this one
  int device = 0;
  std::shared_ptr<Capture> capture;
  std::vector<size_t> capture_tail;  // nodes that the next one comes after
  bool capture_origin = false;
};

struct Event {
  int device = 0;  // it records in streams of this one
  uint64_t operation = 0;
  bool timed = true;
  std::shared_ptr<double> milliseconds = std::make_shared<double>(0);
  std::weak_ptr<Capture> capture;
  std::vector<size_t> capture_nodes;
};

class Runtime {
 public:
  static Runtime& get();

  // Streams and work. Unknown handles give cudaErrorInvalidResourceHandle.
  cudaStream_t create_stream(bool blocking);
  Stream* find(cudaStream_t stream);
  cudaError_t submit(cudaStream_t stream, Work work);
  cudaError_t synchronize(cudaStream_t stream);
  cudaError_t synchronize_device();
  cudaError_t destroy(cudaStream_t stream);
  bool is_done(uint64_t operation) const { return done_[operation]; }

  cudaEvent_t create_event(bool timed);
  Event* find(cudaEvent_t event);
  bool destroy(cudaEvent_t event);
  cudaError_t record(cudaEvent_t event, cudaStream_t stream);
  cudaError_t wait(cudaStream_t stream, cudaEvent_t event);
  cudaError_t synchronize(cudaEvent_t event);

  cudaError_t begin_capture(cudaStream_t stream, cudaStreamCaptureMode mode);
  cudaError_t end_capture(cudaStream_t stream, std::shared_ptr<Graph>* graph);
  // For calls that a capture does not allow: invalidates the captures, and says so.
  cudaError_t refuse_during_capture();
  cudaStreamCaptureMode exchange_capture_mode(cudaStreamCaptureMode mode) {
    return std::exchange(thread_capture_mode_, mode);
  }
  Work replay(std::shared_ptr<const Graph> graph);

  // Errors. A failure of a kernel stays until the device is reset.
  cudaError_t remember(cudaError_t error);
  cudaError_t sticky() const { return failure_.error; }
  const std::string& failure_message() const { return failure_.message; }
  cudaError_t take_last_error();
  cudaError_t last_error() const { return last_error_; }
  void reset_device();

  std::recursive_mutex mutex;
  std::mt19937_64 random;
  Counters counters;
  int device() const { return current_device_; }
  void set_device(int index) { current_device_ = index; }

 private:
  Runtime();
  Stream& default_stream();
  cudaError_t capture_node(Stream& stream, Work work);
  bool run_head(Stream& stream);
  void drive(const std::function<bool()>& reached);
  void fail(Failure failure);

  std::map<cudaStream_t, Stream> streams_;
  std::map<cudaEvent_t, Event> events_;
  std::vector<bool> done_{true};
  uint64_t next_handle_;
  unsigned long long captures_ = 0;
  Failure failure_ = no_failure();
  static thread_local cudaError_t last_error_;
  static thread_local int current_device_;
  static thread_local cudaStreamCaptureMode thread_capture_mode_;
};

}  // namespace kiln::emulated
