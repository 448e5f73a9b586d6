#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include <kiln/kiln.h>

// Modules against PyTorch's, whose numbers make_module_cases.py wrote.

namespace kiln::test {

inline Tensor sines(const Shape& shape, double phase, double scale = 1, double offset = 0) {
  std::vector<double> values(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = offset + scale * std::sin(double(i) * 0.7 + phase);
  return from_values(values, shape);
}

inline Tensor cosines(const Shape& shape) {
  std::vector<double> values(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::cos(double(i) * 0.3);
  return from_values(values, shape);
}

inline double weighted(const Tensor& x) {
  const std::vector<double> values = x.to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += values[i] * std::cos(double(i) * 0.3);
  return sum;
}

struct Results {
  std::string shape;
  double y, dx, gradients, buffers;
};

inline Results run(const nn::AnyModule& any, const Shape& shape, bool training) {
  nn::Module& module = any.module();
  module.to(float64).train(training).zero_grad();
  {
    const NoGrad no_grad;
    double phase = 0;
    for (const Tensor& p : module.parameters()) p.copy_(sines(p.shape(), phase++, 0.5));
    phase = 0;
    for (const Tensor& b : module.buffers()) {
      if (b.is_floating_point()) b.copy_(sines(b.shape(), phase, 0.5, 1));
      ++phase;
    }
    for (const Tensor& b : module.buffers())
      if (!b.is_floating_point()) b.zero_();
  }
  const Tensor x = sines(shape, 0.3).requires_grad_();
  const Tensor y = any(x);
  (y * cosines(y.shape())).sum().backward();
  Results results{to_string(y.shape()), weighted(y), weighted(x.grad()), 0, 0};
  for (const Tensor& p : module.parameters()) results.gradients += weighted(p.grad());
  for (const Tensor& b : module.buffers())
    if (b.is_floating_point()) results.buffers += weighted(b);
  return results;
}

struct Row {
  nn::AnyModule module;
  Shape shape;
  bool trains = true;
};

// Forward and backward, in training (where the row trains) and in evaluation: a line of `path` each.
inline void check_modules(const std::vector<Row>& rows, const char* path) {
  std::ifstream file(path);
  for (const Row& row : rows) {
    for (const bool training : {true, false}) {
      if (training && !row.trains) continue;
      std::string line;
      REQUIRE(std::getline(file, line));
      Results expected;
      std::istringstream(line) >> expected.shape >> expected.y >> expected.dx >> expected.gradients >>
          expected.buffers;
      INFO(row.module->type_name(), std::string(training ? " in training: " : " in evaluation: "), line);
      Results found{};
      try {
        found = run(row.module, row.shape, training);
      } catch (const Error& error) {
        FAIL_CHECK(std::string(error.what()));
        continue;
      }
      CHECK(found.shape == expected.shape);
      const auto close = [](double a, double b) { return std::abs(a - b) <= 1e-8 * (1 + std::abs(b)); };
      CHECK_MESSAGE(close(found.y, expected.y), found.y);
      CHECK_MESSAGE(close(found.dx, expected.dx), found.dx);
      CHECK_MESSAGE(close(found.gradients, expected.gradients), found.gradients);
      CHECK_MESSAGE(close(found.buffers, expected.buffers), found.buffers);
    }
  }
}

}  // namespace kiln::test
