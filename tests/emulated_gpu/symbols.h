#pragma once

#include <string>

namespace kiln::emulated {

// "softmax.cu:57" of an instruction, "kiln::kernels::softmax_kernel" of a function's address; what addr2line
// knows, else the address. Slow, for reports.
std::string source_line(const void* instruction);
std::string function_name(const void* function);

}  // namespace kiln::emulated
