#pragma once

#include <stdexcept>
#include <string>

namespace kiln {

// What every failure of Kiln throws: one sentence that names the operation, the values and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

// Throws Error with the message and, while a module runs, its path ("... (in layer1.0.conv1)").
[[noreturn]] void throw_error(std::string message);

// Set by nn: the path of the module that runs on this thread, or an empty string.
extern std::string (*current_module_path)();

}  // namespace detail
}  // namespace kiln
