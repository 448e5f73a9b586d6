#include "options.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace kiln::emulated {
namespace {

std::string text(const char* name, const char* standard) {
  const char* value = std::getenv(name);
  return value ? value : standard;
}

long number(const char* name, long standard) {
  const char* value = std::getenv(name);
  return value && *value ? std::strtol(value, nullptr, 10) : standard;
}

// As the driver reads it: indices up to the first that is not valid.
int visible_devices(int devices) {
  const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!list) return devices;
  int visible = 0;
  while (*list) {
    char* end = nullptr;
    const long index = std::strtol(list, &end, 10);
    if (end == list || index < 0 || index >= devices) break;
    ++visible;
    if (*end != ',') break;
    list = end + 1;
  }
  return visible;
}

Options read() {
  Options o;
  const std::string order = text("KILN_GPU_ORDER", "random");
  o.order = order == "ascending"    ? Order::ascending
            : order == "descending" ? Order::descending
                                    : Order::random;
  o.seed = uint64_t(number("KILN_GPU_SEED", 1));
  o.lazy = number("KILN_GPU_LAZY", 1) != 0 && number("CUDA_LAUNCH_BLOCKING", 0) == 0;
  o.protect = number("KILN_GPU_PROTECT", 1) != 0;
  o.poison = number("KILN_GPU_POISON", 1) != 0;
  o.workers = int(std::max(1L, number("KILN_GPU_WORKERS", 1)));
  o.devices = visible_devices(int(std::max(0L, number("KILN_GPU_DEVICES", 1))));
  o.processors = int(std::max(1L, number("KILN_GPU_PROCESSORS", o.processors)));
  o.cooperative = number("KILN_GPU_COOPERATIVE", 1) != 0;
  o.memory = size_t(number("KILN_GPU_MEMORY", long(o.memory >> 20))) << 20;
  return o;
}

}  // namespace

const Options& options() {
  static const Options read_once = read();
  return read_once;
}

}  // namespace kiln::emulated
