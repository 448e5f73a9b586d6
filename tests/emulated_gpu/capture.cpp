#include <algorithm>

#include "runtime.h"

// Stream capture: work goes to a graph in place of a queue.

namespace kiln::emulated {

cudaError_t Runtime::begin_capture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  Stream* stream = find(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream == &default_stream()) return cudaErrorStreamCaptureUnsupported;
  if (stream->capture) return cudaErrorIllegalState;
  stream->capture = std::make_shared<Capture>();
  stream->capture->mode = mode;
  stream->capture->id = ++captures_;
  stream->capture_tail.clear();
  stream->capture_origin = true;
  return cudaSuccess;
}

cudaError_t Runtime::capture_node(Stream& stream, Work work) {
  if (stream.capture->invalid) return cudaErrorStreamCaptureInvalidated;
  auto& nodes = stream.capture->graph->nodes;
  nodes.push_back({std::move(work), stream.capture_tail});
  stream.capture_tail = {nodes.size() - 1};
  return cudaSuccess;
}

cudaError_t Runtime::end_capture(cudaStream_t handle, std::shared_ptr<Graph>* graph) {
  Stream* origin = find(handle);
  if (!origin) return cudaErrorInvalidResourceHandle;
  if (!origin->capture) return cudaErrorIllegalState;
  if (!origin->capture_origin) return cudaErrorStreamCaptureUnmatched;
  const std::shared_ptr<Capture> capture = origin->capture;
  // What the other streams did last must come before what the origin did last.
  std::vector<bool> reached(capture->graph->nodes.size());
  std::vector<size_t> pending = origin->capture_tail;
  while (!pending.empty()) {
    const size_t node = pending.back();
    pending.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    const auto& before = capture->graph->nodes[node].after;
    pending.insert(pending.end(), before.begin(), before.end());
  }
  const bool joined = std::all_of(reached.begin(), reached.end(), [](bool r) { return r; });
  for (auto& [other_handle, stream] : streams_) {
    if (stream.capture != capture) continue;
    stream.capture.reset();
    stream.capture_tail.clear();
    stream.capture_origin = false;
  }
  if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (!joined) return cudaErrorStreamCaptureUnjoined;
  *graph = capture->graph;
  return cudaSuccess;
}

thread_local cudaStreamCaptureMode Runtime::thread_capture_mode_ = cudaStreamCaptureModeGlobal;

cudaError_t Runtime::refuse_during_capture() {
  if (thread_capture_mode_ == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  bool refused = false;
  for (auto& [handle, stream] : streams_) {
    if (!stream.capture || stream.capture->mode == cudaStreamCaptureModeRelaxed) continue;
    stream.capture->invalid = true;
    refused = true;
  }
  return refused ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

// All nodes in one of the orders that their edges allow.
Work Runtime::replay(std::shared_ptr<const Graph> graph) {
  return [this, graph] {
    const auto& nodes = graph->nodes;
    std::vector<size_t> missing(nodes.size());
    std::vector<std::vector<size_t>> followers(nodes.size());
    std::vector<size_t> ready;
    for (size_t i = 0; i < nodes.size(); ++i) {
      missing[i] = nodes[i].after.size();
      for (const size_t before : nodes[i].after) followers[before].push_back(i);
      if (nodes[i].after.empty()) ready.push_back(i);
    }
    while (!ready.empty()) {
      std::swap(ready[random() % ready.size()], ready.back());
      const size_t node = ready.back();
      ready.pop_back();
      Failure failure = nodes[node].run();
      if (failure.error != cudaSuccess) return failure;
      for (const size_t next : followers[node])
        if (--missing[next] == 0) ready.push_back(next);
    }
    return no_failure();
  };
}

}  // namespace kiln::emulated
