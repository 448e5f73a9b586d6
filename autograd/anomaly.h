#pragma once

#include <string>

namespace kiln::autograd {

// Whether a DetectAnomaly lives on this thread.
bool anomaly_mode();

// Where an op is called: the path of the module that runs, then the user's functions on the stack, the
// innermost first, with file and line where the program has debug information: "conv1, called from
// Net::forward (net.cpp:12) < main (train.cpp:40)".
std::string call_site();

}  // namespace kiln::autograd
