#include <kiln/kiln.h>

// A shared library that uses Kiln, for a host that may use it too.

using namespace kiln;

extern "C" float kiln_plugin_total(int64_t n) { return ones({n}).sum().item<float>(); }
extern "C" bool kiln_plugin_records() { return (ones({1}, {.requires_grad = true}) * 2).requires_grad(); }
extern "C" void kiln_plugin_random(float* value) { *value = rand({1}).item<float>(); }
extern "C" void kiln_plugin_throws() { matmul(ones({2, 3}), ones({2, 3})); }
