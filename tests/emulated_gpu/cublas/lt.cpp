#include <cublasLt.h>

#include <cstring>
#include <mutex>
#include <set>

#include "../api.h"
#include "../memory.h"
#include "../sanitizer_hooks.h"
#include "lt_objects.h"

// cuBLASLt's functions that Kiln's gemm needs, strict: every argument is checked as the manual says, the
// product runs in its stream.

namespace kiln::emulated {
namespace {

// Descriptors are made, asked and destroyed by any thread.
struct Objects {
  std::mutex mutex;
  std::set<const void*> alive;
};

Objects& objects() {
  static Objects all;
  return all;
}

template <class T, class Handle>
cublasStatus_t create(Handle* handle, T value) {
  if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
  auto* object = new T(value);
  const std::lock_guard lock(objects().mutex);
  objects().alive.insert(object);
  *handle = reinterpret_cast<Handle>(object);
  return CUBLAS_STATUS_SUCCESS;
}

template <class T, class Handle>
T* find(Handle handle) {
  const std::lock_guard lock(objects().mutex);
  return objects().alive.contains(handle)
             ? reinterpret_cast<T*>(const_cast<void*>(static_cast<const void*>(handle)))
             : nullptr;
}

template <class T, class Handle>
cublasStatus_t destroy(Handle handle) {
  T* object = find<T>(handle);
  if (!object) return CUBLAS_STATUS_INVALID_VALUE;
  {
    const std::lock_guard lock(objects().mutex);
    objects().alive.erase(object);
  }
  delete object;
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t assign(T& to, const void* from, size_t bytes) {
  if (!from || bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&to, from, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

struct LtHandle {
  int device;
};

bool is_aligned(const void* p, uint32_t to) { return reinterpret_cast<uintptr_t>(p) % to == 0; }

double scalar(const void* p, cudaDataType_t type) {
  return type == CUDA_R_64F ? *static_cast<const double*>(p) : double(*static_cast<const float*>(p));
}

// All memory of a product, against the allocations it lies in and the alignment that the algorithm was chosen
// for.
cublasStatus_t check_memory(const LtMatmul& matmul, const LtLayout& a, const LtLayout& b, const LtLayout& c,
                            const LtLayout& d, const LtOperands& x, const LtPreference* chosen) {
  if (!device_allocation(x.a, a.extent()) || !device_allocation(x.b, b.extent()) ||
      !device_allocation(x.d, d.extent()))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (x.beta != 0 && !device_allocation(x.c, c.extent())) return CUBLAS_STATUS_INVALID_VALUE;
  if (matmul.has(CUBLASLT_EPILOGUE_BIAS) && !device_allocation(matmul.bias, d.rows * lt_size_of(d.type)))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (x.c == x.d && (c.leading != d.leading || c.order != d.order || c.batch_stride != d.batch_stride))
    return CUBLAS_STATUS_INVALID_VALUE;  // in place means the same layout
  const LtPreference asked = chosen ? *chosen : LtPreference{0, 16, 16, 16, 16};
  const bool aligned = is_aligned(x.a, asked.align_a) && is_aligned(x.b, asked.align_b) &&
                       is_aligned(x.c, asked.align_c) && is_aligned(x.d, asked.align_d);
  return aligned ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

}  // namespace
}  // namespace kiln::emulated

using namespace kiln::emulated;

extern "C" {

size_t cublasLtGetVersion() { return CUBLAS_VERSION; }

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality requested is not supported";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    default:
      return "the library failed";
  }
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (options().devices == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  return create(handle, LtHandle{Runtime::get().device()});
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy<LtHandle>(handle); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return create(desc, LtMatmul{compute, scale});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return destroy<LtMatmul>(desc); }

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t which,
                                              const void* value, size_t bytes) {
  auto* matmul = find<LtMatmul>(desc);
  if (!matmul) return CUBLAS_STATUS_INVALID_VALUE;
  switch (which) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return assign(matmul->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return assign(matmul->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return assign(matmul->epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return assign(matmul->bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return assign(matmul->bias_type, value, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t leading) {
  return create(layout, LtLayout{type, rows, columns, leading});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy<LtLayout>(layout);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t which, const void* value,
                                                size_t bytes) {
  auto* x = find<LtLayout>(layout);
  if (!x) return CUBLAS_STATUS_INVALID_VALUE;
  switch (which) {
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return assign(x->order, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return assign(x->batch, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return assign(x->batch_stride, value, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create(preference, LtPreference{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy<LtPreference>(preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which,
                                                    const void* value, size_t bytes) {
  auto* x = find<LtPreference>(preference);
  if (!x) return CUBLAS_STATUS_INVALID_VALUE;
  switch (which) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return assign(x->workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return assign(x->align_a, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return assign(x->align_b, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return assign(x->align_c, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return assign(x->align_d, value, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
  const auto* matmul = find<LtMatmul>(desc);
  const auto *la = find<LtLayout>(a), *lb = find<LtLayout>(b), *lc = find<LtLayout>(c),
             *ld = find<LtLayout>(d);
  const auto* asked = find<LtPreference>(preference);
  if (!find<LtHandle>(handle) || !matmul || !la || !lb || !lc || !ld || !asked || wanted < 1 || !results ||
      !found)
    return CUBLAS_STATUS_INVALID_VALUE;
  *found = 0;
  if (const cublasStatus_t status = lt_check(*matmul, *la, *lb, *lc, *ld)) return status;
  *found = 1;
  results[0] = {};
  std::memcpy(&results[0].algo, asked, sizeof *asked);
  results[0].workspaceSize = asked->workspace;  // all it may: so that one that is too small is noticed
  results[0].state = CUBLAS_STATUS_SUCCESS;
  results[0].wavesCount = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, size_t workspace_bytes,
                              cudaStream_t stream) {
  const auto* matmul = find<LtMatmul>(desc);
  const auto *la = find<LtLayout>(a_layout), *lb = find<LtLayout>(b_layout), *lc = find<LtLayout>(c_layout),
             *ld = find<LtLayout>(d_layout);
  if (!find<LtHandle>(handle) || !matmul || !la || !lb || !lc || !ld || !alpha || !beta ||
      is_device_address(alpha))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (const cublasStatus_t status = lt_check(*matmul, *la, *lb, *lc, *ld)) return status;
  const LtOperands x{a, b, c, d, scalar(alpha, matmul->scale), scalar(beta, matmul->scale)};
  LtPreference chosen;
  if (algorithm) std::memcpy(static_cast<void*>(&chosen), algorithm, sizeof chosen);
  if (const cublasStatus_t status =
          check_memory(*matmul, *la, *lb, *lc, *ld, x, algorithm ? &chosen : nullptr))
    return status;
  if (algorithm && workspace_bytes < chosen.workspace) return CUBLAS_STATUS_INVALID_VALUE;
  if (workspace_bytes && (!device_allocation(workspace, workspace_bytes) || !is_aligned(workspace, 256)))
    return CUBLAS_STATUS_INVALID_VALUE;
  const cudaError_t error = api([&](Runtime& runtime) {
    const Stream* known = runtime.find(stream);
    if (known && !known->capture) ++runtime.counters.launches;
    return runtime.submit(stream, [matmul = *matmul, la = *la, lb = *lb, lc = *lc, ld = *ld, x] {
      if (!device_allocation(x.a, la.extent()) || !device_allocation(x.b, lb.extent()) ||
          !device_allocation(x.d, ld.extent()))
        return Failure{cudaErrorIllegalAddress, "cublasLtMatmul ran after its memory was freed"};
      const DeviceAccess open;
      ++Runtime::get().counters.kernels;
      lt_compute(matmul, la, lb, lc, ld, x);
      if (sanitizer.device_write) sanitizer.device_write(x.d, ld.extent());
      return no_failure();
    });
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
}
