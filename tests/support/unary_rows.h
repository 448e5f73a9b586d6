#pragma once

#include <vector>

#include <kiln/kiln.h>

namespace kiln::test {

// An elementwise op of one operand: what it should give, and where inputs are drawn from: inside the domain,
// away from kinks for the differences. Its name begins with the function's, and goes on behind a space or
// comma.
struct UnaryRow {
  const char* name;
  Tensor (*op)(const Tensor&);
  double (*reference)(double);
  double low = -2, high = 2;
};

// A new op adds its row here: tests/autograd/unary_test.cpp compares it, tests/walk asks it the ugly
// questions.
const std::vector<UnaryRow>& unary_rows();

}  // namespace kiln::test
