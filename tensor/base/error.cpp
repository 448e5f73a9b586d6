#include <kiln/tensor/base/error.h>

namespace kiln::detail {

std::string (*current_module_path)() = nullptr;

void throw_error(std::string message) {
  if (current_module_path != nullptr)
    if (const std::string path = current_module_path(); !path.empty()) message += " (in " + path + ")";
  throw Error(message);
}

}  // namespace kiln::detail
