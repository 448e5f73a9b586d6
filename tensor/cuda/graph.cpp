#include <kiln/tensor/cuda/graph.h>

#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/allocator.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/recording.h>
#include <kiln/tensor/cuda/selected_device.h>

namespace kiln::cuda {

Graph::Capture::Capture(Graph& graph, Device device)
    : graph_(graph),
      device_(device),
      outside_(Stream::current(device).handle()),
      stream_(device),
      guard_(stream_),
      memory_(begin_graph_memory(device, stream_.handle(), outside_)) {
  // A replay, on whatever stream, may use memory that was cached for the outside stream.
  cudaError_t error = cudaStreamSynchronize(outside_);
  // Other threads may go on as they like; what this one may not do while it captures is an error.
  if (error == cudaSuccess)
    error = cudaStreamBeginCapture(stream_.handle(), cudaStreamCaptureModeThreadLocal);
  if (error != cudaSuccess) {
    end_graph_memory(device);
    CUDA_CHECK(error);
  }
  recording_ = make_box<Recording>(device, outside_);
  open_ = true;
}

Graph::Capture::~Capture() {
  if (!open_) return;
  recording_ = nullptr;
  cudaGraph_t recorded = nullptr;
  cudaStreamEndCapture(stream_.handle(),
                       &recorded);  // fails where the step broke the capture: it is told by then
  cudaGetLastError();
  if (recorded != nullptr) CUDA_CHECK_NOTHROW(cudaGraphDestroy(recorded));
  end_graph_memory(device_);
  free_graph_memory(device_, memory_, outside_);
}

void Graph::Capture::finish() {
  cudaGraph_t recorded = nullptr;
  open_ = false;
  recording_->end();
  const cudaError_t error = cudaStreamEndCapture(stream_.handle(), &recorded);
  end_graph_memory(device_);
  if (error != cudaSuccess) {
    cudaGetLastError();
    free_graph_memory(device_, memory_, outside_);
    fail(
        "graph: the step cannot be captured: {} ({}); a captured step must not wait for the device, read "
        "values on the "
        "host or copy from host memory that is not pinned",
        cudaGetErrorString(error), cudaGetErrorName(error));
  }
  const SelectedDevice selected(device_);
  graph_.reset();
  graph_.device_ = device_;
  graph_.memory_ = memory_;
  graph_.recording_ = std::move(recording_);
  size_t nodes = 0;
  CUDA_CHECK(cudaGraphGetNodes(recorded, nullptr, &nodes));
  graph_.size_ = int64_t(nodes);
  const cudaError_t instantiated = cudaGraphInstantiate(&graph_.executable_, recorded, 0);
  CUDA_CHECK(cudaGraphDestroy(recorded));
  CUDA_CHECK(instantiated);
}

void Graph::replay() {
  if (executable_ == nullptr) fail("graph: replay without a capture; call capture first");
  CudaContext& ctx = CudaContext::of(device_);
  recording_->prepare_replay();
  note_launch("a replayed graph");
  check_launch(cudaGraphLaunch(executable_, ctx.stream), "graph", ctx.stream);
  last_stream_ = ctx.stream;
}

void Graph::reset() {
  if (executable_ != nullptr) {
    if (last_stream_ != nullptr) CUDA_CHECK_NOTHROW(cudaStreamSynchronize(last_stream_));
    CUDA_CHECK_NOTHROW(cudaGraphExecDestroy(std::exchange(executable_, nullptr)));
  }
  recording_ = nullptr;
  if (memory_ != 0) free_graph_memory(device_, std::exchange(memory_, 0), last_stream_);
  last_stream_ = nullptr;
}

Graph::Graph() = default;
Graph::~Graph() { reset(); }

}  // namespace kiln::cuda
