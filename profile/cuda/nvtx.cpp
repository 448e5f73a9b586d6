#include <nvtx3/nvToolsExt.h>

#include <kiln/profile/device_times.h>

namespace kiln::profile {

void push_nvtx(const char* name) { nvtxRangePushA(name); }
void pop_nvtx() { nvtxRangePop(); }

}  // namespace kiln::profile
