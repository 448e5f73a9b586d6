#pragma once

#include <functional>
#include <string>
#include <vector>

#include <kiln/autograd/gradcheck.h>
#include <kiln/kiln.h>

// One declaration, every check of an op:
//
//     struct Row { std::vector<Shape> shapes; int dim; };
//     test::check_op<Row>({
//         .name = "softmax",
//         .op = [](const Tensors& in, const Row& row) { return softmax(in[0], row.dim); },
//         .reference = naive_softmax,  // float64 in, float64 out, written with plain loops
//         .rows = {{{{4, 10}}, 1}, {{{7}}, 0}, {{{3, 0}}, 1}, {{{}}, 0}},
//         .errors = {{{{{4, 10}}, 2}, "softmax: dim 2 is out of range"}},
//     });
//
// Each row gives: the reference in float64; every floating dtype against float64; on CUDA (test::device())
// each dtype against the CPU; inputs that are transposed, sliced with a step, channels-last and expanded; no
// history without grad mode; gradcheck and gradgradcheck; the errors. The first row is asked the ugly
// questions (questions.h), too.

namespace kiln::test {

template <class Row>
struct ErrorRow {
  Row row;
  std::string message;  // what the error must contain
};

template <class Row>
struct OpCheck {
  const char* name;
  std::function<Tensor(const Tensors& inputs, const Row& row)> op;
  std::function<Tensor(const Tensors& inputs, const Row& row)> reference = nullptr;
  std::vector<Row> rows;
  std::vector<ErrorRow<Row>> errors = {};
  double low = -2, high = 2;  // where inputs are drawn from
  bool first_derivative = true, second_derivative = true;
  std::vector<DType> dtypes = {float32, float16, bfloat16};
  double tolerance = 1;  // multiplies the bounds for dtypes; say why where it is not 1
};

// What one row gives, with the options bound.
struct BoundCheck {
  std::string name;
  std::function<Tensor(const Tensors&)> op, reference;
  std::vector<Shape> shapes;
  double low, high;
  bool first_derivative, second_derivative;
  std::vector<DType> dtypes;
  double tolerance;
};
void run_check(const BoundCheck& check);
void ask_questions(const BoundCheck& check);
// Also where f's kernels find the error: the device is waited for.
void expect_error(const std::string& message, const std::function<void()>& f);

// Random float64 values in [low, high), seeded by the shape and `seed`.
Tensor random_input(const Shape& shape, double low, double high, uint64_t seed);

// Same shape, and |a - b| <= atol + rtol |b|, NaN equal to NaN; reports the worst element.
void expect_close(const Tensor& a, const Tensor& b, double rtol, double atol, const std::string& what);

template <class Row>
void check_op(const OpCheck<Row>& check) {
  const auto bind = [](const auto& f, const Row& row) -> std::function<Tensor(const Tensors&)> {
    if (!f) return nullptr;
    return [&f, &row](const Tensors& inputs) { return f(inputs, row); };
  };
  for (size_t i = 0; i < check.rows.size(); ++i) {
    const Row& row = check.rows[i];
    const BoundCheck bound{std::string(check.name) + " row " + std::to_string(i),
                           bind(check.op, row),
                           bind(check.reference, row),
                           row.shapes,
                           check.low,
                           check.high,
                           check.first_derivative,
                           check.second_derivative,
                           check.dtypes,
                           check.tolerance};
    run_check(bound);
    if (i == 0) ask_questions(bound);
  }
  for (const ErrorRow<Row>& error : check.errors)
    expect_error(error.message, [&] {
      Tensors inputs;
      for (const Shape& shape : error.row.shapes)
        inputs.push_back(random_input(shape, check.low, check.high, 1));
      check.op(inputs, error.row);
    });
}

}  // namespace kiln::test
