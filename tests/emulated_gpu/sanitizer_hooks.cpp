#include "sanitizer_hooks.h"

namespace kiln::emulated {

SanitizerHooks sanitizer;

}  // namespace kiln::emulated
