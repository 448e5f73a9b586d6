#pragma once

#include <support/questions.h>

// The functions that are asked, a row each. What is missing is found by walk_test.cpp, from the headers.

namespace kiln::walk {

using test::Subject;
using Rows = std::vector<Subject>;

Rows elementwise_rows();
Rows in_place_rows();
Rows view_rows();
Rows index_rows();
Rows reduce_rows();
Rows network_rows();
Rows loss_rows();
Rows layer_rows();
Rows tensor_rows();

// float32 numbers between low and high, the same each time.
inline Tensor values(const Shape& shape, double low = -2, double high = 2) {
  Generator generator(uint64_t(3 + numel(shape)));
  return (rand(shape, {.dtype = float64}, &generator) * (high - low) + low).to(float32);
}
inline Tensor positions(const std::vector<int64_t>& list, const Shape& shape) {
  return from_values(list, shape);
}

inline constexpr int64_t kMost = INT64_MAX, kLeast = INT64_MIN;

// Rows of one operand, in the range where the function is smooth.
template <class F>
Subject one(const char* name, F f, const Shape& shape = {3, 4}, double low = -2, double high = 2) {
  return {name, {values(shape, low, high)}, [f](const Tensors& in) { return Tensors{f(in[0])}; }};
}
template <class F>
Subject two(const char* name, F f, const Tensor& a, const Tensor& b) {
  return {name, {a, b}, [f](const Tensors& in) { return Tensors{f(in[0], in[1])}; }};
}
inline Subject with_ends(Subject row, std::vector<std::function<void(const Tensors&)>> ends) {
  row.ends = std::move(ends);
  return row;
}
inline Subject without_gradient(Subject row, std::string why = "has no gradient") {
  row.has_gradient = false;
  row.why = std::move(why);
  return row;
}

}  // namespace kiln::walk
