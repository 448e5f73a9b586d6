#include "support/unary_rows.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kiln::test {
namespace {

double normal_below(double x) { return 0.5 * (1 + std::erf(x / std::numbers::sqrt2)); }
double gelu_curve(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

}  // namespace

const std::vector<UnaryRow>& unary_rows() {
  static const std::vector<UnaryRow> rows = {
      {"neg", neg, [](double x) { return -x; }},
      {"abs", abs, [](double x) { return std::abs(x); }},
      {"sign", sign, [](double x) { return double((x > 0) - (x < 0)); }},
      {"square", square, [](double x) { return x * x; }},
      {"sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.1, 4},
      {"rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, 0.1, 4},
      {"reciprocal", reciprocal, [](double x) { return 1 / x; }, 0.2, 4},
      {"exp", exp, [](double x) { return std::exp(x); }},
      {"expm1", expm1, [](double x) { return std::expm1(x); }},
      {"log", log, [](double x) { return std::log(x); }, 0.1, 4},
      {"log1p", log1p, [](double x) { return std::log1p(x); }, -0.8, 4},
      {"log2", log2, [](double x) { return std::log2(x); }, 0.1, 4},
      {"log10", log10, [](double x) { return std::log10(x); }, 0.1, 4},
      {"sin", sin, [](double x) { return std::sin(x); }, -8, 8},
      {"cos", cos, [](double x) { return std::cos(x); }, -8, 8},
      {"tan", tan, [](double x) { return std::tan(x); }, -1.2, 1.2},
      {"asin", asin, [](double x) { return std::asin(x); }, -0.9, 0.9},
      {"acos", acos, [](double x) { return std::acos(x); }, -0.9, 0.9},
      {"atan", atan, [](double x) { return std::atan(x); }},
      {"sinh", sinh, [](double x) { return std::sinh(x); }},
      {"cosh", cosh, [](double x) { return std::cosh(x); }},
      {"tanh", tanh, [](double x) { return std::tanh(x); }},
      {"erf", erf, [](double x) { return std::erf(x); }},
      {"floor", floor, [](double x) { return std::floor(x); }, 0.1, 0.9},
      {"ceil", ceil, [](double x) { return std::ceil(x); }, 0.1, 0.9},
      {"round", round, [](double x) { return std::nearbyint(x); }, 0.6, 1.4},
      {"trunc", trunc, [](double x) { return std::trunc(x); }, -0.9, -0.1},
      {"relu", relu, [](double x) { return x > 0 ? x : 0; }},
      {"relu6", relu6, [](double x) { return std::clamp(x, 0.0, 6.0); }, -1, 10},
      {"hardswish", hardswish, [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }, -5, 5},
      {"hardsigmoid", hardsigmoid, [](double x) { return std::clamp(x + 3, 0.0, 6.0) / 6; }, -5, 5},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.2); },
       [](double x) { return x > 0 ? x : 0.2 * x; }},
      {"gelu", [](const Tensor& x) { return gelu(x); }, [](double x) { return x * normal_below(x); }},
      {"gelu tanh", [](const Tensor& x) { return gelu(x, GeluApproximation::tanh); }, gelu_curve},
      {"silu", silu, [](double x) { return x / (1 + std::exp(-x)); }},
      {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"softplus", [](const Tensor& x) { return softplus(x); },
       [](double x) { return std::log1p(std::exp(x)); }},
      {"softplus, beta and threshold", [](const Tensor& x) { return softplus(x, 2, 1); },
       [](double x) { return 2 * x > 1 ? x : std::log1p(std::exp(2 * x)) / 2; }},
  };
  return rows;
}

}  // namespace kiln::test
