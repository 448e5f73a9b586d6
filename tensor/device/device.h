#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace kiln {

enum class DeviceType : uint8_t { cpu, cuda };

// Where a tensor's memory lives. Made from "cpu", "cuda" (device 0) or "cuda:1".
struct Device {
  DeviceType type = DeviceType::cpu;
  int8_t index = 0;

  constexpr Device() = default;
  constexpr Device(DeviceType t, int i = 0) : type(t), index(int8_t(i)) {}
  Device(std::string_view text);
  Device(const char* text) : Device(std::string_view(text)) {}
  Device(const std::string& text) : Device(std::string_view(text)) {}

  bool is_cpu() const { return type == DeviceType::cpu; }
  bool is_cuda() const { return type == DeviceType::cuda; }
  bool operator==(const Device&) const = default;
  friend std::ostream& operator<<(std::ostream& out, Device device) { return print(out, device); }

 private:
  static std::ostream& print(std::ostream& out, Device device);
};

inline constexpr Device cpu{DeviceType::cpu};

std::string to_string(Device device);

// True when this build has the CUDA backend and a usable GPU is present.
bool cuda_is_available();

// Where this thread's factories (zeros, tensor, rand, the parameters of a new module) make tensors when their
// options name no device; the CPU until set. Like torch.set_default_device.
Device factory_device();
void set_factory_device(Device device);

// cuda:0 where cuda_is_available(), else the CPU; a build with CUDA then says why on stderr, once.
Device default_device();

}  // namespace kiln
