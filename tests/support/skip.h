#pragma once

#include <string_view>

namespace kiln::test {

// Marks the running test case as skipped and prints "skipped: reason"; the caller then returns from the case.
// A case that has failed already stays failed.
//   if (!have_torch()) return skip("python3-torch is not installed");
void skip(std::string_view reason);

}  // namespace kiln::test
