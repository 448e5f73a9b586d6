#include <kiln/tensor/device/device.h>

#include <charconv>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/device/context.h>
#include <kiln/tensor/meta.h>

namespace kiln {

Device::Device(std::string_view text) {
  const std::string_view kind = text.substr(0, text.find(':'));
  if (kind == "cuda")
    type = DeviceType::cuda;
  else if (kind != "cpu")
    fail("device: '{}' is not known (use cpu, cuda or cuda:N)", text);
  if (kind.size() == text.size()) return;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + kind.size() + 1, end, index);
  if (error != std::errc() || stop != end || index < 0 || (is_cpu() && index != 0))
    fail("device: '{}' is not known (use cpu, cuda or cuda:N)", text);
}

std::string to_string(Device device) {
  if (device == meta) return "meta";
  return device.is_cpu() ? "cpu" : fmt::format("cuda:{}", int(device.index));
}

namespace {
constinit thread_local Device chosen_for_factories;
}

Device factory_device() { return chosen_for_factories; }

void set_factory_device(Device device) {
  if (!device.is_cpu()) {
    if constexpr (kCudaBuilt)
      cuda::check_device(device);
    else
      fail_no_cuda();
  }
  chosen_for_factories = device;
}

bool cuda_is_available() {
  if constexpr (kCudaBuilt) return cuda::device_count() > 0;
  return false;
}

Device default_device() {
  if (cuda_is_available()) return DeviceType::cuda;
  if constexpr (kCudaBuilt) cuda::say_unavailable();
  return cpu;
}

}  // namespace kiln
