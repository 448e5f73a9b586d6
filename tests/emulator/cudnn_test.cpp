#include <cudnn.h>

#include <initializer_list>
#include <span>

#include "cuda/device_buffer.h"

// The stand-in for cuDNN's functions that need a device: a plan that cuDNN finalised runs as it says, in its
// stream, on the pointers it was given; and what is refused.

namespace {

constexpr int64_t kSize = 6, kChannels = 4, kFilters = 5, kKernel = 3;
constexpr size_t kX = kSize * kSize * kChannels, kW = kFilters * kKernel * kKernel * kChannels,
                 kY = kSize * kSize * kFilters;

class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    REQUIRE(cudnnBackendCreateDescriptor(type, &raw) == CUDNN_STATUS_SUCCESS);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { cudnnBackendDestroyDescriptor(raw); }

  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::span<const T> values) {
    REQUIRE(cudnnBackendSetAttribute(raw, name, type, int64_t(values.size()), values.data()) ==
            CUDNN_STATUS_SUCCESS);
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T& value) {
    set(name, type, std::span(&value, 1));
  }
  void set(cudnnBackendAttributeName_t name, std::initializer_list<int64_t> values) {
    set(name, CUDNN_TYPE_INT64, std::span(values.begin(), values.size()));
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& other) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other.raw);
  }
  void finalize() { REQUIRE(cudnnBackendFinalize(raw) == CUDNN_STATUS_SUCCESS); }

  cudnnBackendDescriptor_t raw = nullptr;
};

struct Tensor : Descriptor {
  Tensor(int64_t name, int64_t n, int64_t c, int64_t h, int64_t w)
      : Descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR) {
    set(CUDNN_ATTR_TENSOR_UNIQUE_ID, {name});
    set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {16});
    set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    set(CUDNN_ATTR_TENSOR_DIMENSIONS, {n, c, h, w});
    set(CUDNN_ATTR_TENSOR_STRIDES, {h * w * c, 1, w * c, c});
    finalize();
  }
};

struct Handle {
  cudnnHandle_t raw = nullptr;
  Handle() { REQUIRE(cudnnCreate(&raw) == CUDNN_STATUS_SUCCESS); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { cudnnDestroy(raw); }
};

// A 3x3 convolution of one image, channels-last, by the engine that cuDNN names first.
struct Plan {
  Handle handle;
  Tensor x{1, 1, kChannels, kSize, kSize}, w{2, kFilters, kChannels, kKernel, kKernel},
      y{3, 1, kFilters, kSize, kSize};
  Descriptor convolution{CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR},
      operation{CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR},
      graph{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR}, heuristic{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR},
      configuration{CUDNN_BACKEND_ENGINECFG_DESCRIPTOR}, plan{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
  int64_t workspace_bytes = 0;

  Plan() {
    convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    convolution.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
    convolution.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2});
    for (const auto one : {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
                           CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_DILATIONS})
      convolution.set(one, {1, 1});
    convolution.finalize();
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1.0f);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 0.0f);
    operation.finalize();
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle.raw);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
    graph.finalize();
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, CUDNN_HEUR_MODE_A);
    heuristic.finalize();
    int64_t count = 0;
    REQUIRE(cudnnBackendGetAttribute(heuristic.raw, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                                     &configuration.raw) == CUDNN_STATUS_SUCCESS);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle.raw);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    plan.finalize();
    REQUIRE(cudnnBackendGetAttribute(plan.raw, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                                     &count, &workspace_bytes) == CUDNN_STATUS_SUCCESS);
  }

  cudnnStatus_t run(std::initializer_list<int64_t> names, std::initializer_list<const void*> pointers,
                    const void* workspace) const {
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, names);
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
             std::span(pointers.begin(), pointers.size()));
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    pack.finalize();
    return cudnnBackendExecute(handle.raw, plan.raw, pack.raw);
  }
};

std::vector<float> count_up(size_t n) {
  std::vector<float> v;
  for (size_t i = 0; i < n; ++i) v.push_back(float(i % 13) - 6);
  return v;
}

float expected(const std::vector<float>& x, const std::vector<float>& w, int64_t p, int64_t q, int64_t k) {
  float sum = 0;
  for (int64_t r = 0; r < kKernel; ++r)
    for (int64_t s = 0; s < kKernel; ++s)
      for (int64_t c = 0; c < kChannels; ++c) {
        const int64_t row = p + r - 1, column = q + s - 1;
        if (row < 0 || column < 0 || row >= kSize || column >= kSize) continue;
        sum += x[size_t((row * kSize + column) * kChannels + c)] *
               w[size_t(((k * kKernel + r) * kKernel + s) * kChannels + c)];
      }
  return sum;
}

}  // namespace

TEST_CASE("cuDNN stand-in: a plan runs, in its stream") {
  const Plan plan;
  const std::vector<float> x = count_up(kX), w = count_up(kW);
  DeviceBuffer<float> a(x), b(w), y(kY), workspace(size_t(plan.workspace_bytes) / sizeof(float) + 1);
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  REQUIRE(cudnnSetStream(plan.handle.raw, stream) == CUDNN_STATUS_SUCCESS);
  REQUIRE(plan.run({1, 2, 3}, {a.data, b.data, y.data}, workspace.data) == CUDNN_STATUS_SUCCESS);
  CHECK(cudaStreamQuery(stream) == cudaErrorNotReady);  // nothing has waited for it
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  const std::vector<float> got = y.values();
  for (int64_t p = 0; p < kSize; ++p)
    for (int64_t q = 0; q < kSize; ++q)
      for (int64_t k = 0; k < kFilters; ++k)
        CHECK(got[size_t((p * kSize + q) * kFilters + k)] == expected(x, w, p, q, k));
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("cuDNN stand-in: what it refuses") {
  const Plan plan;
  DeviceBuffer<float> a(count_up(kX + 4)), b(count_up(kW)), y(kY), less(kY - 1),
      workspace(size_t(plan.workspace_bytes) / sizeof(float) + 1);
  std::vector<float> host(kX);
  void* const space = workspace.data;
  CHECK(plan.run({1, 2, 3}, {a.data, b.data, y.data}, space) == CUDNN_STATUS_SUCCESS);
  CHECK(plan.run({3, 1, 2}, {y.data, a.data, b.data}, space) == CUDNN_STATUS_SUCCESS);
  CHECK(plan.run({1, 2, 3}, {host.data(), b.data, y.data}, space) == CUDNN_STATUS_BAD_PARAM);
  CHECK(plan.run({1, 2, 3}, {a.data + 1, b.data, y.data}, space) == CUDNN_STATUS_BAD_PARAM);  // not aligned
  CHECK(plan.run({1, 2, 3}, {a.data, b.data, less.data}, space) == CUDNN_STATUS_BAD_PARAM);
  CHECK(plan.run({1, 2, 4}, {a.data, b.data, y.data}, space) == CUDNN_STATUS_BAD_PARAM);
  CHECK(plan.run({1, 2}, {a.data, b.data}, space) == CUDNN_STATUS_BAD_PARAM);
  if (plan.workspace_bytes > 0)
    CHECK(plan.run({1, 2, 3}, {a.data, b.data, y.data}, nullptr) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("cuDNN stand-in: handles") {
  cudnnHandle_t handle = nullptr;
  REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnDestroy(handle) == CUDNN_STATUS_SUCCESS);
  CHECK(cudnnDestroy(handle) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudnnSetStream(handle, nullptr) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudnnCreate(nullptr) == CUDNN_STATUS_BAD_PARAM);
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR), plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  CHECK(cudnnBackendSetAttribute(graph.raw, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1,
                                 &handle) == CUDNN_STATUS_BAD_PARAM);
  CHECK(cudnnBackendExecute(handle, plan.raw, graph.raw) == CUDNN_STATUS_BAD_PARAM);
}
