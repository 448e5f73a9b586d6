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
Rows size_rows();
Rows block_rows();
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

// A call with sizes at the ends of what may be said.
template <class Make>
std::vector<std::function<void(const Tensors&)>> sized(const Make& make) {
  return {[make](const Tensors&) { make(kMost); }, [make](const Tensors&) { make(kLeast); },
          [make](const Tensors&) { make(int64_t(1) << 45); }, [make](const Tensors&) { make(0); }};
}

// What is made with a size or a count: `make` works with `good` and lives through the ends, where arithmetic
// may not overflow before somebody looks at the number (UBSan ends the child that does).
template <class Make>
Subject sizes(const char* name, int64_t good, const Make& make) {
  const auto call = [make, good](const Tensors&) {
    make(good);
    return Tensors{};
  };
  return with_ends(without_gradient({name, {}, call}), sized(make));
}

}  // namespace kiln::walk
