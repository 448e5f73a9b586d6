#include "nets.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include <kiln/autograd/grad_mode.h>
#include <kiln/models/classic/alexnet.h>
#include <kiln/models/residual/resnet.h>

using namespace kiln;
using kernels::Conv2dGeometry;

namespace {

void add_once(Net& net, const Conv2dGeometry& layer) {
  const auto is_same = [&](const Conv2dGeometry& other) {
    return std::memcmp(&other, &layer, sizeof layer) == 0;
  };
  if (std::none_of(net.layers.begin(), net.layers.end(), is_same)) net.layers.push_back(layer);
}

Shape with_batch(Shape x, int64_t batch) {
  x[0] = batch;
  return x;
}

template <class Model>
Net watched(const char* name, Model model, int64_t batch) {
  Net net{name, {}};
  const NoGrad no_grad;
  for (const nn::NamedModule& named : model.named_modules())
    named.module.register_forward_hook([&](nn::Module& self, const Tensors& inputs, Tensors&) {
      const auto* conv = dynamic_cast<nn::Conv2d*>(&self);
      if (conv == nullptr) return;
      const nn::Conv2dLayerOptions& options = conv->options();
      add_once(net,
               Conv2dGeometry::of(with_batch(inputs[0].shape(), batch), conv->weight.shape(), options.stride,
                                  options.padding.size, options.dilation, options.groups));
    });
  model.eval();
  model(zeros({1, 3, 224, 224}));
  return net;
}

void add_table(std::vector<Net>& nets, int64_t batch) {
  std::ifstream file(CUDNN_PLANS_LAYERS);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t c, h, w, k, r, s, dilation, groups;
    Pair stride = 0, padding = 0;
    words >> name >> c >> h >> w >> k >> r >> s >> stride.h >> stride.w >> padding.h >> padding.w >>
        dilation >> groups;
    if (nets.empty() || nets.back().name != name) nets.push_back({name, {}});
    add_once(nets.back(),
             Conv2dGeometry::of({batch, c, h, w}, {k, c / groups, r, s}, stride, padding, dilation, groups));
  }
}

}  // namespace

std::vector<Net> all_nets(int64_t batch) {
  std::vector<Net> nets{watched("alexnet", nn::models::AlexNet(), batch),
                        watched("resnet18", nn::models::resnet18(), batch),
                        watched("resnet50", nn::models::resnet50(), batch)};
  add_table(nets, batch);
  return nets;
}
