#include <kiln/kernels/elementwise/cuda/elementwise.h>

#include <algorithm>

#include <kiln/kernels/elementwise/copy.h>
#include <kiln/tensor/base/bytes_of.h>
#include <kiln/tensor/cuda/context.h>

namespace kiln::kernels {
namespace {

// Offsets of whole 16-byte packs stay below 2^31 then.
constexpr int64_t kMaxOffset = (int64_t(1) << 31) - 64;

// A part is cut at a multiple of this, so that both halves stay aligned.
constexpr int64_t kCut = 64;

int64_t extent(const ElementwisePart& part, int operand) {
  int64_t bytes = 0;
  for (int d = 0; d < part.rank; ++d) bytes += (part.sizes[d] - 1) * part.strides[operand][d];
  return bytes;
}

bool fits(const ElementwisePart& part) {
  if (part.count() > kMaxOffset) return false;
  for (int k = 0; k < part.operands; ++k)
    if (extent(part, k) > kMaxOffset) return false;
  return true;
}

// The dimension that reaches furthest.
int longest(const ElementwisePart& part) {
  int best = 0;
  int64_t reach = -1;
  for (int k = 0; k < part.operands; ++k)
    for (int d = 0; d < part.rank; ++d)
      if ((part.sizes[d] - 1) * part.strides[k][d] > reach && part.sizes[d] > 1) {
        reach = (part.sizes[d] - 1) * part.strides[k][d];
        best = d;
      }
  return best;
}

void split(const ElementwisePart& part, std::vector<ElementwisePart>& parts) {
  if (fits(part)) {
    parts.push_back(part);
    return;
  }
  const int d = longest(part);
  const int64_t half = part.sizes[d] / 2, cut = half >= kCut ? half / kCut * kCut : half;
  ElementwisePart first = part, second = part;
  first.sizes[d] = cut;
  second.sizes[d] -= cut;
  for (int k = 0; k < part.operands; ++k) second.data[k] += cut * part.strides[k][d];
  split(first, parts);
  split(second, parts);
}

}  // namespace

ElementwisePart::ElementwisePart(const Walk& walk) : operands(walk.operands), rank(1 + walk.rank) {
  sizes[0] = walk.run;
  for (int d = 1; d < rank; ++d) sizes[d] = walk.sizes[walk.rank - d];
  for (int k = 0; k < operands; ++k) {
    data[k] = walk.data[k];
    strides[k][0] = walk.run_strides[k];
    for (int d = 1; d < rank; ++d) strides[k][d] = walk.strides[k][walk.rank - d];
  }
}

void ElementwisePart::forget(int operand) {
  data[operand] = nullptr;
  for (int d = 0; d < rank; ++d) strides[operand][d] = 0;
}

int64_t ElementwisePart::count() const {
  int64_t product = 1;
  for (int d = 0; d < rank; ++d) product *= sizes[d];
  return product;
}

bool ElementwisePart::packs(int width, const int64_t* element) const {
  if (sizes[0] < width || (rank > 1 && sizes[0] % width != 0)) return false;
  for (int k = 0; k < operands; ++k) {
    if (k > 0 && repeats(k)) continue;
    const int64_t pack = width * element[k];
    if (strides[k][0] != element[k] || reinterpret_cast<uintptr_t>(data[k]) % uintptr_t(pack) != 0)
      return false;
    for (int d = 1; d < rank; ++d)
      if (strides[k][d] % pack != 0) return false;
  }
  return true;
}

ElementwiseMap ElementwisePart::map(int width) const {
  ElementwiseMap map{};
  map.units = uint32_t(count() / width);
  map.tail = uint32_t(count() % width);
  map.rank = rank;
  for (int d = 0; d < rank; ++d) {
    map.sizes[d] = Divisor(uint32_t(std::max<int64_t>(1, d == 0 ? sizes[0] / width : sizes[d])));
    for (int k = 0; k < operands; ++k) map.strides[k][d] = uint32_t(strides[k][d] * (d == 0 ? width : 1));
  }
  return map;
}

std::vector<ElementwisePart> split(const Walk& walk) {
  std::vector<ElementwisePart> parts;
  if (walk.runs != 0) split(ElementwisePart(walk), parts);
  return parts;
}

Tensor empty_on(const CudaContext& ctx, const Shape& shape, DType dtype) {
  return from_storage(Storage::allocate(bytes_of(shape, dtype), ctx.device), dtype,
                      Layout::contiguous(shape));
}

Operand converted(CudaContext& ctx, const Operand& operand, DType type, Tensor& result) {
  if (operand.is_scalar() || operand.view.dtype == type) return operand;
  result = empty_on(ctx, operand.view.shape(), type);
  copy(ctx, operand.view, result);
  return {result};
}

}  // namespace kiln::kernels
