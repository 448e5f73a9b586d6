#pragma once

#include <kiln/tensor/device/context.h>
#include <kiln/tensor/random.h>

namespace kiln::kernels {

// Element i of a contiguous y is made from the 32-bit numbers that follow `start` (number n is word n % 4 of
// block start.offset + n / 4), so it depends on (seed, offset, i) only: neither on threads nor on the device.

// The 32-bit numbers an element of this type takes: 2 for float64 and the integers, else 1.
int64_t random_words(DType dtype, int64_t count);

// Uniform in [low, high); y is floating. 53 random bits for float64, 24 for float32, as many as the halves
// hold.
void uniform(CpuContext&, const PhiloxState& start, double low, double high, TensorView y);
void uniform(CudaContext&, const PhiloxStart& start, double low, double high, TensorView y);

// Normal, by the method of Box and Muller (1958): numbers 2j and 2j+1 give elements 2j and 2j+1.
void normal(CpuContext&, const PhiloxState& start, double mean, double std, TensorView y);
void normal(CudaContext&, const PhiloxStart& start, double mean, double std, TensorView y);

// Integers low .. low + range - 1. Two numbers an element.
void integers(CpuContext&, const PhiloxState& start, int64_t low, uint64_t range, TensorView y);
void integers(CudaContext&, const PhiloxStart& start, int64_t low, uint64_t range, TensorView y);

// y = 1 with probability p, else 0. p and y are contiguous, floating and of one shape. One number an element.
// Throws when a probability is outside [0, 1].
void bernoulli(CpuContext&, const PhiloxState& start, TensorView p, TensorView y);
void bernoulli(CudaContext&, const PhiloxStart& start, TensorView p, TensorView y);

// The order that sorts one 64-bit random key an element. y is int64. Two numbers an element.
void permutation(CpuContext&, const PhiloxState& start, TensorView y);
void permutation(CudaContext&, const PhiloxStart& start, TensorView y);

// y = x * scale where uniform number i is at least p, else 0. x and y are dense in the same order, and i
// counts in that order. One number an element.
void dropout(CpuContext&, const PhiloxState& start, double p, double scale, TensorView x, TensorView y);
void dropout(CudaContext&, const PhiloxStart& start, double p, double scale, TensorView x, TensorView y);

}  // namespace kiln::kernels
