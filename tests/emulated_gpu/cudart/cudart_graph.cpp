#include <cuda_runtime.h>

#include <map>

#include "api.h"

// Stream capture and graphs of the CUDA runtime.

namespace kiln::emulated {
namespace {

// Handles of one kind and what they stand for.
template <class Handle, class T>
class Table {
 public:
  Handle add(T value) {
    auto handle = reinterpret_cast<Handle>(next_ += 16);
    values_.emplace(handle, std::move(value));
    return handle;
  }
  T* find(Handle handle) {
    auto it = values_.find(handle);
    return it == values_.end() ? nullptr : &it->second;
  }
  bool remove(Handle handle) { return values_.erase(handle) > 0; }

 private:
  std::map<Handle, T> values_;
  uintptr_t next_ = 0x2000;
};

using SharedGraph = std::shared_ptr<const Graph>;

Table<cudaGraph_t, SharedGraph>& graphs() {
  static Table<cudaGraph_t, SharedGraph> table;
  return table;
}
Table<cudaGraphExec_t, SharedGraph>& executables() {
  static Table<cudaGraphExec_t, SharedGraph> table;
  return table;
}

}  // namespace
}  // namespace kiln::emulated

using namespace kiln::emulated;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return api([&](Runtime& runtime) { return runtime.begin_capture(stream, mode); });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return api([&](Runtime& runtime) {
    if (!graph) return cudaErrorInvalidValue;
    *graph = nullptr;
    std::shared_ptr<Graph> captured;
    const cudaError_t error = runtime.end_capture(stream, &captured);
    if (error == cudaSuccess) *graph = graphs().add(std::move(captured));
    return error;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cudaStreamGetCaptureInfo(stream, status, nullptr, nullptr, nullptr, nullptr, nullptr);
}

// The graph that is being captured and its nodes have no handles here.
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                     size_t* node_count) {
  return api([&](Runtime& runtime) {
    const Stream* known = runtime.find(stream);
    if (!known) return cudaErrorInvalidResourceHandle;
    if (graph || nodes || edges || node_count) return cudaErrorNotSupported;
    *status = !known->capture           ? cudaStreamCaptureStatusNone
              : known->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                        : cudaStreamCaptureStatusActive;
    if (id && known->capture) *id = known->capture->id;
    return cudaSuccess;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return api([&](Runtime& runtime) {
    *mode = runtime.exchange_capture_mode(*mode);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return api([&](Runtime&) {
    const SharedGraph* known = graphs().find(graph);
    if (!executable || !known) return cudaErrorInvalidValue;
    *executable = executables().add(*known);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return api([&](Runtime&) {
    const SharedGraph* known = graphs().find(graph);
    if (!known || !count) return cudaErrorInvalidValue;
    if (nodes) return cudaErrorNotSupported;
    *count = (*known)->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t) {
  return api([&](Runtime&) { return executables().find(executable) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return api([&](Runtime& runtime) {
    const SharedGraph* known = executables().find(executable);
    if (!known) return cudaErrorInvalidValue;
    const Stream* target = runtime.find(stream);
    if (target && target->capture) return runtime.refuse_during_capture();  // graphs within graphs
    ++runtime.counters.launches;
    return runtime.submit(stream, runtime.replay(*known));
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return api([&](Runtime&) { return graphs().remove(graph) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return api(
      [&](Runtime&) { return executables().remove(executable) ? cudaSuccess : cudaErrorInvalidValue; });
}
}
