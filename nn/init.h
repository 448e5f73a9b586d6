#pragma once

#include <kiln/tensor/tensor.h>

// Filling parameters, in place and without history, from default_generator() where random. Each returns x.
// fan_in and fan_out count the inputs and outputs of a unit: for a weight [out, in, ...] in * (...) and
// out * (...); an error for fewer than two dimensions.

namespace kiln::nn::init {

// While one lives, none of these functions does anything on its thread: modules are made with memory that
// nobody wrote, for weights that are about to be loaded.
class Skip {
 public:
  Skip();
  ~Skip();
  Skip(const Skip&) = delete;
};

enum class FanMode : uint8_t { fan_in, fan_out };
enum class Nonlinearity : uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };

// The factor that keeps a signal's variance through the function; `slope` is leaky_relu's.
double calculate_gain(Nonlinearity nonlinearity, double slope = 0.01);

struct Fans {
  int64_t in, out;
};
Fans fans_of(const Tensor& weight);

const Tensor& uniform_(const Tensor& x, double low = 0, double high = 1);
const Tensor& normal_(const Tensor& x, double mean = 0, double std = 1);
// The normal distribution cut off at low and high, by inverting its distribution function.
const Tensor& trunc_normal_(const Tensor& x, double mean = 0, double std = 1, double low = -2,
                            double high = 2);
const Tensor& constant_(const Tensor& x, double value);
const Tensor& zeros_(const Tensor& x);
const Tensor& ones_(const Tensor& x);
// The identity matrix; x must be a matrix.
const Tensor& eye_(const Tensor& x);
// A convolution that passes channels through; x [out, in, ...], in each of `groups`.
const Tensor& dirac_(const Tensor& x, int64_t groups = 1);

// Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
const Tensor& xavier_uniform_(const Tensor& x, double gain = 1);
const Tensor& xavier_normal_(const Tensor& x, double gain = 1);

// He et al., "Delving deep into rectifiers", 2015.
struct KaimingOptions {
  double a = 0;  // the slope of leaky_relu
  FanMode mode = FanMode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
const Tensor& kaiming_uniform_(const Tensor& x, const KaimingOptions& options = {});
const Tensor& kaiming_normal_(const Tensor& x, const KaimingOptions& options = {});

// Orthogonal rows or columns (those that are fewer), dimensions after the first taken as one (Saxe et al.,
// "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013).
const Tensor& orthogonal_(const Tensor& x, double gain = 1);

}  // namespace kiln::nn::init
