#include "model.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

namespace kiln::emulated {
namespace {

std::mutex mutex;

std::string& current() {
  static std::string name = [] {
    const char* chosen = std::getenv("KILN_GPU_MODEL");
    return chosen && *chosen ? chosen : "h100";
  }();
  return name;
}

cudnnBackendDescriptor_t make(const std::string& name) {
  std::ifstream file(std::string(KILN_GPU_MODELS "/") + name + ".json");
  std::stringstream text;
  text << file.rdbuf();
  const std::string json = text.str();
  cudnnBackendDescriptor_t descriptor = nullptr;
  if (file &&
      cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &descriptor) ==
          CUDNN_STATUS_SUCCESS &&
      real_set_attribute(descriptor, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                         int64_t(json.size()), json.data()) == CUDNN_STATUS_SUCCESS &&
      cudnnBackendFinalize(descriptor) == CUDNN_STATUS_SUCCESS)
    return descriptor;
  std::fprintf(stderr, "emulated cuDNN: no description of a GPU in %s/%s.json\n", KILN_GPU_MODELS,
               name.c_str());
  return nullptr;
}

}  // namespace

void set_model(const std::string& name) {
  const std::lock_guard lock(mutex);
  current() = name;
}

cudnnBackendDescriptor_t model_descriptor() {
  static std::map<std::string, cudnnBackendDescriptor_t> made;  // plans refer to them
  const std::lock_guard lock(mutex);
  const auto [it, is_new] = made.try_emplace(current(), nullptr);
  if (is_new) it->second = make(it->first);
  return it->second;
}

}  // namespace kiln::emulated
