#pragma once

#include <string>

namespace kiln::autograd {

// Whether a DetectAnomaly lives on this thread.
bool anomaly_mode();

// The functions on the stack, innermost first, without Kiln's own frames.
std::string call_site();

}  // namespace kiln::autograd
