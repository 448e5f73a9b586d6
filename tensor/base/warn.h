#pragma once

// Internal (it pulls in fmt): something odd, said on stderr, that is no error.

#include <cstdio>

#include <kiln/tensor/base/fail.h>

namespace kiln {

// warn("mse_loss: the target has shape {}", shape) prints "kiln: mse_loss: ...".
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(("kiln: " + fmt::format(format, std::forward<Args>(args)...) + "\n").c_str(), stderr);
}

}  // namespace kiln
