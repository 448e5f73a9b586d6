#pragma once

#include <kiln/tensor/base/function.h>

// Internal.

namespace kiln::project {

// work(i) for each i below `count`, by so many threads (0: as many as the machine has), of which the calling
// one is one: it tells how many are done. Throws what the first that failed threw, once all have stopped.
void for_each_picture(int64_t count, int threads, const Function<void(int64_t done, int64_t total)>& progress,
                      const Function<void(int64_t)>& work);

}  // namespace kiln::project
