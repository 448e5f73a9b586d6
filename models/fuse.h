#pragma once

#include <kiln/models/model.h>

namespace kiln::nn::models {

// A network for inference, with memory of its own and in eval mode, in which batch norms are folded into the
// convolutions before them: one pass over memory less for each (PyTorch's
// torch.nn.utils.fusion.fuse_conv_bn_eval for a whole network). Which ones, one run on noise of the shape x
// [N,C,H,W] shows: where a convolution runs once and nothing but a batch norm takes its result, and that
// adds nothing to it. Scores change by rounding alone; where a second run shows more (a layer of one's own
// that derives from Conv2d and takes no bias), nothing is folded. The folded batch norms have no parameters
// any more and do nothing, so the state dict is another; training such a network throws.
AnyModule fuse_conv_bn(const AnyModule& net, const Shape& x);
// By the preset of its card, which the result keeps; models::save refuses it.
Model fuse_conv_bn(const Model& net);

// How many batch norms of a network were folded.
int64_t folded_batch_norms(const AnyModule& net);

}  // namespace kiln::nn::models
