#pragma once

#include <string>
#include <vector>

#include <kiln/kernels/conv/conv2d.h>

struct Net {
  std::string name;
  std::vector<kiln::kernels::Conv2dGeometry> layers;  // each once
};

// Every convolution of AlexNet, ResNet-18 and -50 (seen while Kiln's models run) and of VGG-16, SqueezeNet,
// GoogLeNet and Inception v3 (from layers.txt), for images of the size that each was made for.
std::vector<Net> all_nets(int64_t batch);
