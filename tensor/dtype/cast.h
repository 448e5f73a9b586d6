#pragma once

// Internal: conversion without autograd and kernels, which this layer does not know.

#include <kiln/tensor/tensor.h>

namespace kiln {

// Elements of one floating tensor on the CPU into another of the same shape, which is contiguous.
void cast_floating(const Tensor& from, const Tensor& to);

}  // namespace kiln
