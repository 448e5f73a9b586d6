#pragma once

#include <kiln/autograd/ops.h>

// std(x) where a program says `using namespace kiln`. The C++ that finds two names std there, the function
// and the namespace of the standard library, calls it ambiguous, whatever is declared; only the preprocessor
// can tell a call from a namespace. So <kiln/kiln.h>, and nothing else of Kiln, makes of each `std(` a
// `stddev(`, which is the same function: std(x), kiln::std(x) and x.std() all mean it, and std::vector is not
// touched. A program that calls something of its own std, a member that it initialises with parentheses, say,
// defines KILN_NO_STD_CALL before it includes <kiln/kiln.h>, and writes stddev(x).

namespace kiln {

inline Tensor stddev(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false) {
  return std(x, dims, correction, keepdim);
}

}  // namespace kiln

#ifndef KILN_NO_STD_CALL
#define std(...) stddev(__VA_ARGS__)
#endif
