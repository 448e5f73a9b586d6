#pragma once

#include <cstdint>

#include <kiln/tensor/base/box.h>
#include <kiln/tensor/cuda/stream.h>

// CUDA's own names, so that this header needs none of CUDA's.
struct CUgraphExec_st;

namespace kiln::cuda {

class Recording;

// Work recorded once and then launched as a whole, at the cost of one launch:
//
//     cuda::Graph graph;
//     graph.capture([&] { step(); });   // records; nothing runs
//     for (const data::Batch& batch : loader.epoch(1)) {
//       x.copy_(batch[0]);
//       graph.replay();
//     }
//
// A replay works on the same memory: feed it by writing into the tensors that the step read, and read the
// tensors that it wrote. What is allocated in a capture is the graph's until it is destroyed, so its tensors
// stay valid from replay to replay. The step must have run before (libraries and caches are set up then), and
// must not wait for the device, read a value on the host (item(), printing) or copy from ordinary host
// memory; a capture that does is ended and throws what happened, and the thread can go on. Numbers on the
// host are recorded as they are now, but for these, which each replay has anew: an optimiser's step, learning
// rate and momentum (Adam: first beta), and the numbers of a Generator, which moves on as if the step had
// run. Optimisers and generators that the step uses must live as long as the graph.
class Graph {
 public:
  Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  // Waits for the last replay.
  ~Graph();

  // A second capture replaces the first.
  template <class F>
  void capture(F&& step, Device device = current_device()) {
    Capture capture(*this, device);
    step();
    capture.finish();
  }
  // On the thread's current stream of the device; returns at once. Throws when nothing was captured.
  void replay();

  bool is_captured() const { return executable_ != nullptr; }
  // Kernels, copies and fills recorded.
  int64_t size() const { return size_; }

 private:
  class Capture {
   public:
    Capture(Graph& graph, Device device);
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture();  // gives the capture up unless it was finished
    void finish();

   private:
    Graph& graph_;
    Device device_;
    CUstream_st* outside_;  // the thread's stream before
    Stream stream_;
    StreamGuard guard_;
    uint64_t memory_;
    Box<Recording> recording_;
    bool open_ = false;
  };

  void reset();

  CUgraphExec_st* executable_ = nullptr;
  CUstream_st* last_stream_ = nullptr;
  Device device_ = DeviceType::cuda;
  uint64_t memory_ = 0;
  int64_t size_ = 0;
  Box<Recording> recording_;
};

}  // namespace kiln::cuda
