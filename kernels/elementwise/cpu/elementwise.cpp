#include <kiln/kernels/elementwise/cpu/elementwise.h>

#include <cstring>

#include <kiln/kernels/base/cpu/walk.h>
#include <kiln/kernels/elementwise/copy.h>
#include <kiln/kernels/elementwise/cpu/convert.h>
#include <kiln/tensor/base/bytes_of.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::kernels {
namespace {

constexpr int kInputs = 3;
constexpr int64_t kBlock = 512;  // four blocks of doubles stay in the first-level cache
constexpr int64_t kVector = 16;

const Layout& zero_dim() {
  static const Layout layout;
  return layout;
}

// One operand's way into (or the result's way out of) a dense block.
struct Stream {
  ConvertRun convert = nullptr;  // null: the memory itself is dense and of the compute type
  int64_t stride = 0, block_stride = 0;
};

struct Plan {
  const Elementwise* f;
  int inputs = 0;
  bool direct = true;
  Stream in[kInputs], out;
};

struct Blocks {
  alignas(64) char bytes[kInputs + 1][kBlock * int64_t(sizeof(double))];
};

// Repeats the last of n elements up to the next whole vector; returns the new count.
int64_t pad(char* block, int64_t n, int64_t size) {
  const int64_t padded = (n + kVector - 1) / kVector * kVector;
  for (int64_t i = n; i < padded; ++i) std::memcpy(block + i * size, block + (n - 1) * size, size_t(size));
  return padded;
}

void run_blocks(const Plan& plan, char* const* p, int64_t begin, int64_t n) {
  Blocks blocks;
  const bool whole = plan.f->whole_vectors;
  const void* in[kInputs];
  for (int64_t i = begin; i < n; i += kBlock) {
    const int64_t m = std::min(kBlock, n - i);
    const bool buffered = whole && m % kVector != 0;
    int64_t count = m;
    for (int k = 0; k < plan.inputs; ++k) {
      const Stream& stream = plan.in[k];
      char* block = blocks.bytes[k];
      in[k] = block;
      if (stream.convert == nullptr && !buffered) {
        in[k] = p[k + 1] + i * stream.stride;
        continue;
      }
      if (stream.convert == nullptr)
        std::memcpy(block, p[k + 1] + i * stream.stride, size_t(m * stream.stride));
      else if (stream.stride != 0 || i == begin)  // a repeated value stays in its block
        stream.convert(p[k + 1] + i * stream.stride, stream.stride, block, stream.block_stride, m);
      if (buffered) count = pad(block, m, stream.block_stride);
    }
    char* y = p[0] + i * plan.out.stride;
    char* block = blocks.bytes[kInputs];
    if (plan.out.convert == nullptr && !buffered) {
      plan.f->run(in, y, count, plan.f->parameters);
      continue;
    }
    plan.f->run(in, block, count, plan.f->parameters);
    if (plan.out.convert == nullptr)
      std::memcpy(y, block, size_t(m * plan.out.block_stride));
    else
      plan.out.convert(block, plan.out.block_stride, y, plan.out.stride, m);
  }
}

void run_part(const Plan& plan, char* const* p, int64_t n) {
  if (!plan.direct) return run_blocks(plan, p, 0, n);
  const int64_t whole = plan.f->whole_vectors ? n / kVector * kVector : n;
  if (whole != 0) {
    const void* in[kInputs];
    for (int k = 0; k < plan.inputs; ++k) in[k] = p[k + 1];
    plan.f->run(in, p[0], whole, plan.f->parameters);
  }
  if (whole != n) run_blocks(plan, p, whole, n);
}

Stream stream_of(DType from, DType to, int64_t stride, DType memory, DType block, const char* op) {
  const bool dense = memory == block && stride == size_of(block);
  return {dense ? nullptr : convert_run(from, to, op), stride, size_of(block)};
}

// A number in the compute type, written where `bytes` says.
TensorView number_view(const Scalar& value, DType compute, const char* op, char* bytes) {
  visit_element(compute, op, [&]<class T>() {
    const bool whole = std::is_integral_v<T> && value.dtype() != float32;
    *reinterpret_cast<T*>(bytes) = whole ? cast<T>(value.integer()) : cast<T>(value.real());
  });
  TensorView view{Tensor()};
  view.data = bytes;
  view.dtype = compute;
  view.layout = &zero_dim();
  return view;
}

// Few elements, dense in one order and of the compute type: done here, without a walk. False otherwise.
bool run_small(const Elementwise& f, const TensorView& y, std::initializer_list<Operand> operands) {
  if (y.dtype != f.result || !y.layout->is_contiguous()) return false;
  const int64_t n = y.numel();
  if (n > kGrain) return false;
  Plan plan{&f};
  char* p[kInputs + 1] = {static_cast<char*>(y.data)};
  for (const Operand& operand : operands) {
    const TensorView& x = operand.view;
    if (operand.is_scalar() || x.dtype != f.compute || x.layout->shape != y.layout->shape ||
        x.layout->strides != y.layout->strides)
      return false;
    plan.in[plan.inputs++] = {nullptr, size_of(f.compute), size_of(f.compute)};
    p[plan.inputs] = static_cast<char*>(x.data);
  }
  plan.out = {nullptr, size_of(f.result), size_of(f.result)};
  if (n != 0) run_part(plan, p, n);
  return true;
}

// Whether operand k jumps through memory along the run while it is dense along another dimension.
bool is_transposed(const Walk& walk, int k, int64_t size) {
  constexpr int64_t kWorthACopy = 4096;
  if (walk.run_strides[k] <= size || walk.run * walk.runs < kWorthACopy) return false;
  for (int d = 0; d < walk.rank; ++d)
    if (walk.strides[k][d] == size) return true;
  return false;
}

// The operand in y's order of dimensions, copied by tiles.
Tensor reordered(CpuContext& ctx, const TensorView& x, const TensorView& y) {
  const Layout layout =
      y.layout->is_dense() ? Layout{y.shape(), y.layout->strides, 0} : Layout::contiguous(y.shape());
  Tensor result = from_storage(Storage::allocate(bytes_of(y.shape(), x.dtype), cpu), x.dtype, layout);
  copy(ctx, x, result);
  return result;
}

}  // namespace

void elementwise(CpuContext& ctx, const char* op, const Elementwise& f, TensorView y,
                 std::initializer_list<Operand> operands) {
  if (run_small(f, y, operands)) return;
  alignas(8) char numbers[kInputs][8];
  TensorView views[kInputs] = {Tensor(), Tensor(), Tensor()};
  Plan plan{&f};
  for (const Operand& operand : operands) {
    const int k = plan.inputs++;
    views[k] = operand.is_scalar() ? number_view(operand.scalar, f.compute, op, numbers[k]) : operand.view;
  }
  const Walk given(y, {views, size_t(plan.inputs)});
  if (given.runs == 0) return;
  Tensor copies[kInputs];
  bool any = false;
  for (int k = 0; k < plan.inputs; ++k) {
    if (views[k].shape() != y.shape() || !is_transposed(given, k + 1, size_of(views[k].dtype))) continue;
    copies[k] = reordered(ctx, views[k], y);
    views[k] = copies[k];
    any = true;
  }
  const Walk walk = any ? Walk(y, {views, size_t(plan.inputs)}) : given;
  for (int k = 0; k < plan.inputs; ++k) {
    plan.in[k] = stream_of(views[k].dtype, f.compute, walk.run_strides[k + 1], views[k].dtype, f.compute, op);
    plan.direct &= plan.in[k].convert == nullptr;
  }
  plan.out = stream_of(f.result, y.dtype, walk.run_strides[0], y.dtype, f.result, op);
  plan.direct &= plan.out.convert == nullptr;
  for_each_run(ctx, walk, [&](char* const* p, int64_t n) { run_part(plan, p, n); });
}

}  // namespace kiln::kernels
