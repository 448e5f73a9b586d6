#pragma once

#include <memory>
#include <string>

#include <kiln/serve/batch/engine.h>
#include <kiln/tensor/device/device.h>

namespace kiln::serve {

struct NetworkOptions {
  std::string name = "model";  // in the routes
  std::string version = "1";
  Device device = cpu;
  int64_t max_pixels = 40'000'000;  // of a picture, by its header
};

// An engine of a whole model in a file (models::save): its classes, metrics and preset are those of its card.
// Pictures are PNG and JPEG. Throws what models::load throws.
std::shared_ptr<Engine> load_network(const std::string& path, const NetworkOptions& options = {});

}  // namespace kiln::serve
