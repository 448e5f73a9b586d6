#include <cuda_runtime.h>

#include "api.h"

// Streams and events of the CUDA runtime.

using namespace kiln::emulated;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return api([&](Runtime& runtime) {
    if (!stream || (flags & ~unsigned{cudaStreamNonBlocking})) return cudaErrorInvalidValue;
    *stream = runtime.create_stream(!(flags & cudaStreamNonBlocking));
    return cudaSuccess;
  });
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return api([&](Runtime& runtime) { return runtime.destroy(stream); });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return api([&](Runtime& runtime) {
    ++runtime.counters.synchronizations;
    return runtime.synchronize(stream);
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return api([&](Runtime& runtime) {
    const Stream* known = runtime.find(stream);
    if (!known) return cudaErrorInvalidResourceHandle;
    if (known->capture) return runtime.refuse_during_capture();
    return runtime.is_done(known->last) ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return api([&](Runtime& runtime) { return runtime.wait(stream, event); });
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return api([&](Runtime& runtime) {
    const Stream* known = runtime.find(stream);
    if (!known) return cudaErrorInvalidResourceHandle;
    *device = known->device;
    return cudaSuccess;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t f, void* data) {
  return api([&](Runtime& runtime) {
    return runtime.submit(stream, [=] {
      f(data);
      return no_failure();
    });
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return api([&](Runtime& runtime) {
    if (!event) return cudaErrorInvalidValue;
    *event = runtime.create_event(!(flags & cudaEventDisableTiming));
    return cudaSuccess;
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return api([&](Runtime& runtime) {
    return runtime.destroy(event) ? cudaSuccess : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return api([&](Runtime& runtime) { return runtime.record(event, stream); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return api([&](Runtime& runtime) {
    ++runtime.counters.synchronizations;
    return runtime.synchronize(event);
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return api([&](Runtime& runtime) {
    const Event* known = runtime.find(event);
    if (!known) return cudaErrorInvalidResourceHandle;
    return runtime.is_done(known->operation) ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  return api([&](Runtime& runtime) {
    const Event *a = runtime.find(from), *b = runtime.find(to);
    if (!a || !b || !a->timed || !b->timed || !a->operation || !b->operation)
      return cudaErrorInvalidResourceHandle;
    if (!runtime.is_done(a->operation) || !runtime.is_done(b->operation)) return cudaErrorNotReady;
    *ms = float(*b->milliseconds - *a->milliseconds);
    return cudaSuccess;
  });
}
}
