#pragma once

#include <sys/types.h>

namespace kiln::test {

// fork(), once the pool's threads have started and rest. AddressSanitizer (GCC 12's) locks its heap while a
// thread starts, and a child of that moment would wait for ever; nothing is needed for Kiln itself
// (tests/threads/fork_test.cpp).
pid_t fork_at_rest();

}  // namespace kiln::test
