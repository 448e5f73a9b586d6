#include <kiln/kernels/matmul/cuda/gemm_lt.h>

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <unordered_map>
#include <utility>

#include <kiln/kernels/base/byte_key.h>
#include <kiln/kernels/base/lease.h>
#include <kiln/kernels/base/primitives.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/check.h>
#include <kiln/tensor/cuda/context.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/cuda/selected_device.h>
#include <kiln/tensor/settings.h>

namespace kiln::kernels {
namespace {

using Matrix = GemmGeometry::Matrix;

// What cuBLASLt may use beside its operands; NVIDIA's advice for Hopper, and enough for the others.
constexpr uint64_t kWorkspace = uint64_t(32) << 20;

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail("matmul: {}: {}", what, cublasLtGetStatusString(status));
}

// A matrix as cuBLASLt describes it: columns one after the other, `leading` elements apart.
struct Operand {
  int64_t rows, columns, leading, batch_stride, transposed;
};

// False when neither dimension is dense, or the other one overlaps it.
bool describe(int64_t rows, int64_t columns, const Matrix& s, Operand& operand) {
  if ((s.row == 1 || rows == 1) && (columns == 1 || s.column >= rows)) {
    operand = {rows, columns, columns == 1 ? rows : s.column, s.batch, false};
    return true;
  }
  if ((s.column == 1 || columns == 1) && (rows == 1 || s.row >= columns)) {
    operand = {columns, rows, rows == 1 ? columns : s.row, s.batch, true};
    return true;
  }
  return false;
}

// d = a b, in cuBLASLt's terms; for a row-major result both sides are transposed. Plain bytes: the key of the
// cache.
struct Product {
  Operand a, b, d;
  int64_t m, n, k, batch, has_bias;
  int32_t dtype, compute;
  int32_t align_a, align_b, align_d;  // of the pointers
  int32_t device;
};

int32_t alignment(const void* p) {
  constexpr uintptr_t kMost = 256;
  return int32_t(std::min(kMost, uintptr_t(1) << std::countr_zero(reinterpret_cast<uintptr_t>(p) | kMost)));
}

cudaDataType type_of(DType dtype) {
  switch (dtype) {
    case float64:
      return CUDA_R_64F;
    case float16:
      return CUDA_R_16F;
    case bfloat16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

cublasComputeType_t compute_of(DType dtype) {
  if (dtype == float64) return CUBLAS_COMPUTE_64F;
  if (dtype != float32) return CUBLAS_COMPUTE_32F;
  switch (float32_matmul_precision()) {
    case Float32Precision::high:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Float32Precision::medium:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    default:
      return CUBLAS_COMPUTE_32F;
  }
}

template <class Handle, cublasStatus_t (*destroy)(Handle)>
struct Destroy {
  using pointer = Handle;
  void operator()(Handle handle) const { destroy(handle); }
};
template <class Handle, cublasStatus_t (*destroy)(Handle)>
using Owned = std::unique_ptr<Handle, Destroy<Handle, destroy>>;
using MatrixLayout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Description = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

template <class T>
void set(const Description& description, cublasLtMatmulDescAttributes_t which, T value) {
  check(cublasLtMatmulDescSetAttribute(description.get(), which, &value, sizeof value), "description");
}
template <class T>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t which, T value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference.get(), which, &value, sizeof value), "preference");
}

MatrixLayout layout_of(const Operand& x, int64_t batch, cudaDataType type) {
  cublasLtMatrixLayout_t handle = nullptr;
  check(cublasLtMatrixLayoutCreate(&handle, type, uint64_t(x.rows), uint64_t(x.columns), x.leading),
        "layout");
  MatrixLayout layout(handle);
  const int32_t count = int32_t(batch);
  check(cublasLtMatrixLayoutSetAttribute(handle, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
        "batch");
  check(cublasLtMatrixLayoutSetAttribute(handle, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &x.batch_stride,
                                         sizeof x.batch_stride),
        "batch stride");
  return layout;
}

// A product that is ready to run but for its pointers.
struct Plan {
  Description description;
  MatrixLayout a, b, d;
  cublasLtMatmulAlgo_t algorithm;
  size_t workspace = 0;
  bool exists = false;  // cuBLASLt has an algorithm for it

  Plan(cublasLtHandle_t handle, const Product& p) {
    const cudaDataType type = type_of(DType(p.dtype)),
                       scale = p.dtype == int32_t(float64) ? CUDA_R_64F : CUDA_R_32F;
    cublasLtMatmulDesc_t desc = nullptr;
    check(cublasLtMatmulDescCreate(&desc, cublasComputeType_t(p.compute), scale), "description");
    description.reset(desc);
    set(description, CUBLASLT_MATMUL_DESC_TRANSA, int32_t(p.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
    set(description, CUBLASLT_MATMUL_DESC_TRANSB, int32_t(p.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
    if (p.has_bias) set(description, CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t(CUBLASLT_EPILOGUE_BIAS));
    a = layout_of(p.a, p.batch, type);
    b = layout_of(p.b, p.batch, type);
    d = layout_of(p.d, p.batch, type);
    cublasLtMatmulPreference_t wishes = nullptr;
    check(cublasLtMatmulPreferenceCreate(&wishes), "preference");
    const Preference preference(wishes);
    set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, uint32_t(p.align_a));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, uint32_t(p.align_b));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, uint32_t(p.align_d));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, uint32_t(p.align_d));
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle, desc, a.get(), b.get(), d.get(),
                                                                 d.get(), wishes, 1, &best, &found);
    exists = status == CUBLAS_STATUS_SUCCESS && found > 0;
    note_primitive();
    algorithm = best.algo;
    workspace = best.workspaceSize;
  }
};

// A handle with its plans, which hold a pointer while they run: for one thread at a time.
struct Multiplier {
  static constexpr size_t kMostPlans = 1024;  // products; then it starts afresh
  cublasLtHandle_t handle = nullptr;
  std::unordered_map<Product, Plan, HashBytes, EqualBytes> plans;

  Multiplier() = default;
  Multiplier(const Multiplier&) = delete;
  Multiplier& operator=(const Multiplier&) = delete;
  ~Multiplier() {
    plans.clear();
    if (handle != nullptr) cublasLtDestroy(handle);
  }
  Plan& plan(const CudaContext& ctx, const Product& product) {
    if (handle == nullptr) {
      const kiln::cuda::SelectedDevice selected(ctx.device);
      check(cublasLtCreate(&handle), "cublasLtCreate");
    }
    if (plans.size() >= kMostPlans) plans.clear();
    return plans.try_emplace(product, handle, product).first->second;
  }
};

// Never destroyed: the driver may be gone by then.
Leases<Multiplier>& multipliers(Device device) {
  static auto* all = new std::array<Leases<Multiplier>, kiln::cuda::kMaxDevices>;
  return (*all)[size_t(device.index)];
}

}  // namespace

bool gemm_lt(CudaContext& ctx, const GemmGeometry& g, const TensorView& a, const TensorView& b,
             const TensorView& bias, const TensorView& c, double beta) {
  if (!is_floating(c.dtype) || g.k == 0 || std::max({g.m, g.n, g.k, g.batch}) > INT32_MAX) return false;
  Product p{};
  const Matrix left{g.b.column, g.b.row, g.b.batch}, right{g.a.column, g.a.row, g.a.batch},
      result{g.c.column, g.c.row, g.c.batch};
  if (!describe(g.n, g.k, left, p.a) || !describe(g.k, g.m, right, p.b) || !describe(g.n, g.m, result, p.d))
    return false;
  if (p.d.transposed) return false;
  p.m = g.n;
  p.n = g.m;
  p.k = g.k;
  p.batch = g.batch;
  p.dtype = int32_t(c.dtype);
  p.device = ctx.device.index;
  p.has_bias = bias.defined();
  p.compute = int32_t(compute_of(c.dtype));
  p.align_a = alignment(b.data);
  p.align_b = alignment(a.data);
  p.align_d = alignment(c.data);
  const auto multiplier = multipliers(ctx.device).take();
  Plan& plan = multiplier->plan(ctx, p);
  if (!plan.exists) return false;
  if (p.has_bias)
    set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias.data));
  const Ref<Storage> workspace = Storage::allocate(int64_t(plan.workspace), ctx.device);
  const float one = 1, keep = float(beta);
  const double wide_one = 1;
  const bool wide = c.dtype == float64;
  kiln::cuda::note_launch("matmul");
  check(cublasLtMatmul(multiplier->handle, plan.description.get(),
                       wide ? static_cast<const void*>(&wide_one) : &one, b.data, plan.a.get(), a.data,
                       plan.b.get(), wide ? static_cast<const void*>(&beta) : &keep, c.data, plan.d.get(),
                       c.data, plan.d.get(), &plan.algorithm, workspace->data, plan.workspace, ctx.stream),
        "cublasLtMatmul");
  return true;
}

}  // namespace kiln::kernels
