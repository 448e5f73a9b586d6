#include <kiln/kernels/elementwise/compare.h>

#include <kiln/kernels/base/cuda/memory_type.h>
#include <kiln/kernels/elementwise/cuda/elementwise.cuh>

namespace kiln::kernels {
namespace {

template <CompareOp op>
struct Compare {
  template <class C>
  __device__ bool operator()(C a, C b) const {
    if constexpr (op == CompareOp::eq) return a == b;
    if constexpr (op == CompareOp::ne) return a != b;
    if constexpr (op == CompareOp::lt) return a < b;
    if constexpr (op == CompareOp::le) return a <= b;
    if constexpr (op == CompareOp::gt) return a > b;
    if constexpr (op == CompareOp::ge) return a >= b;
    if constexpr (op == CompareOp::logical_and) return a && b;
    if constexpr (op == CompareOp::logical_or) return a || b;
  }
};

template <class T>
void run(CudaContext& ctx, CompareOp op, const Operand& a, const Operand& b, const TensorView& y) {
  switch (op) {
    case CompareOp::eq:
      return elementwise<bool, T, T>(ctx, "eq", Compare<CompareOp::eq>{}, y, {a, b});
    case CompareOp::ne:
      return elementwise<bool, T, T>(ctx, "ne", Compare<CompareOp::ne>{}, y, {a, b});
    case CompareOp::lt:
      return elementwise<bool, T, T>(ctx, "lt", Compare<CompareOp::lt>{}, y, {a, b});
    case CompareOp::le:
      return elementwise<bool, T, T>(ctx, "le", Compare<CompareOp::le>{}, y, {a, b});
    case CompareOp::gt:
      return elementwise<bool, T, T>(ctx, "gt", Compare<CompareOp::gt>{}, y, {a, b});
    case CompareOp::ge:
      return elementwise<bool, T, T>(ctx, "ge", Compare<CompareOp::ge>{}, y, {a, b});
    default:
      break;
  }
  if constexpr (std::is_same_v<T, bool>) {
    if (op == CompareOp::logical_and)
      return elementwise<bool, T, T>(ctx, "logical_and", Compare<CompareOp::logical_and>{}, y, {a, b});
    return elementwise<bool, T, T>(ctx, "logical_or", Compare<CompareOp::logical_or>{}, y, {a, b});
  }
}

struct Where {
  template <class C>
  __device__ C operator()(bool condition, C a, C b) const {
    return condition ? a : b;
  }
};

template <class C>
struct Clamp {
  C low, high;
  __device__ C operator()(C x) const {
    const C raised = x < low ? low : x;
    return raised > high ? high : raised;
  }
};

}  // namespace

void compare(CudaContext& ctx, CompareOp op, DType compute, const Operand& a, const Operand& b,
             TensorView y) {
  const bool logical = op == CompareOp::logical_and || op == CompareOp::logical_or;
  visit_device_element(logical ? bool8 : memory_type(compute, a, b), "compare",
                       [&]<class T>() { run<T>(ctx, op, a, b, y); });
}

void where(CudaContext& ctx, TensorView condition, const Operand& a, const Operand& b, TensorView y) {
  visit_device_element(y.dtype, "where", [&]<class T>() {
    elementwise<T, bool, T, T>(ctx, "where", Where{}, y, {condition, a, b});
  });
}

void clamp(CudaContext& ctx, DType compute, TensorView x, const Scalar& low, const Scalar& high,
           TensorView y) {
  visit_device_number(compute, "clamp", [&]<class T>() {
    using C = device_accumulate_t<T>;
    elementwise<T, T>(ctx, "clamp", Clamp<C>{element_of<C>(low), element_of<C>(high)}, y, {x});
  });
}

}  // namespace kiln::kernels
