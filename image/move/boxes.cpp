#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <kiln/image/elements.h>
#include <kiln/image/move/movement.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

struct Edges {
  double left, top, right, bottom;

  double area() const { return (right - left) * (bottom - top); }
};

Edges around(const Edges& box, const Projection& forward) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  Edges moved{kFar, kFar, -kFar, -kFar};
  for (const double x : {box.left, box.right})
    for (const double y : {box.top, box.bottom}) {
      const Point corner = forward({x, y});
      moved.left = std::min(moved.left, corner.x);
      moved.top = std::min(moved.top, corner.y);
      moved.right = std::max(moved.right, corner.x);
      moved.bottom = std::max(moved.bottom, corner.y);
    }
  return moved;
}

template <class T>
MovedBoxes move_all(const Tensor& boxes, const Movement& movement, const BoxOptions& options) {
  const double width = double(movement.size.w), height = double(movement.size.h);
  std::vector<T> values;
  MovedBoxes moved;
  for (int64_t i = 0; i < boxes.shape()[0]; ++i) {
    const T* box = boxes.data<T>() + 4 * i;
    const Edges whole =
        around({double(box[0]), double(box[1]), double(box[2]), double(box[3])}, movement.forward);
    const Edges inside{std::clamp(whole.left, 0.0, width), std::clamp(whole.top, 0.0, height),
                       std::clamp(whole.right, 0.0, width), std::clamp(whole.bottom, 0.0, height)};
    // The negations drop what is not a number.
    if (!(inside.right - inside.left >= options.min_size) ||
        !(inside.bottom - inside.top >= options.min_size) ||
        !(inside.area() >= options.min_visible * whole.area()) || !std::isfinite(whole.area()))
      continue;
    moved.kept.push_back(i);
    for (const double edge : {inside.left, inside.top, inside.right, inside.bottom})
      values.push_back(T(edge));
  }
  moved.boxes = empty({int64_t(moved.kept.size()), 4}, {.dtype = boxes.dtype(), .device = cpu});
  std::copy(values.begin(), values.end(), moved.boxes.template data<T>());
  return moved;
}

}  // namespace

MovedBoxes move_boxes(const Tensor& boxes, const Movement& movement, const BoxOptions& options) {
  if (!boxes.defined() || boxes.dim() != 2 || boxes.size(1) != 4 || !boxes.device().is_cpu() ||
      (boxes.dtype() != float32 && boxes.dtype() != float64))
    fail("boxes: need [n,4] of float32 or float64 on the CPU (left, top, right, bottom), got {}",
         boxes.defined() ? fmt::format("{} {}", boxes.dtype(), boxes.shape()) : "an undefined tensor");
  const Tensor x = contiguous_copy(boxes);
  if (x.dtype() == float32) return move_all<float>(x, movement, options);
  return move_all<double>(x, movement, options);
}

Tensor rows_of(const Tensor& x, const std::vector<int64_t>& rows) {
  if (!x.defined() || x.dim() < 1 || !x.device().is_cpu())
    fail("rows: need a tensor [n,...] on the CPU, got {}",
         x.defined() ? to_string(x.shape()) : "an undefined one");
  const Tensor from = contiguous_copy(x);
  Shape shape = from.shape();
  const int64_t bytes = shape[0] == 0 ? 0 : from.nbytes() / shape[0];
  for (const int64_t row : rows)
    if (row < 0 || row >= shape[0]) fail("rows: there is no row {} in {}", row, x.shape());
  shape[0] = int64_t(rows.size());
  Tensor result = empty(shape, {.dtype = x.dtype(), .device = cpu});
  char* to = static_cast<char*>(result.raw_data());
  for (const int64_t row : rows) {
    std::memcpy(to, static_cast<const char*>(from.raw_data()) + row * bytes, size_t(bytes));
    to += bytes;
  }
  return result;
}

}  // namespace kiln::image
