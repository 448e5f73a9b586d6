#pragma once

#include <string>

#include <kiln/nn/any_module.h>

namespace kiln::project {

// Where a network looked.
struct HeatMap {
  Tensor map;         // float32 [h, w] on the CPU, 0 .. 1, of the size of the layer's maps
  std::string layer;  // the path of the module whose output was looked at
};

// Grad-CAM (Selvaraju et al., 2017): the maps [1, C, h, w] of a layer, weighted by how much each one as a
// whole moves the score of class `index`, without what speaks against it; the largest value is 1, and all are
// 0 where nothing speaks for the class. x is one prepared picture [1, C, H, W], on the net's device. `layer`
// is the path of a module; empty: the last one that gives maps of more than one pixel. The net is asked in
// eval mode, and keeps its modes, hooks and gradients; it must not be used by other threads meanwhile (a copy
// may). Throws when there is no such layer or class.
HeatMap grad_cam(nn::AnyModule& net, const Tensor& x, int64_t index, const std::string& layer = "");

}  // namespace kiln::project
