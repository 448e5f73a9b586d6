#include <kiln/kernels/base/primitives.h>

#include <atomic>

namespace kiln::kernels {
namespace {

std::atomic<int64_t> created;

}  // namespace

int64_t primitives_created() { return created; }
void note_primitive() { ++created; }

}  // namespace kiln::kernels
