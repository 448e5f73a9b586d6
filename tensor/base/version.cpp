#include <kiln/tensor/base/version.h>

namespace kiln {

std::string_view version() { return KILN_VERSION; }  // from project(VERSION) in CMakeLists.txt

}  // namespace kiln
