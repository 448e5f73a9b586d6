#pragma once

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/data/loader.h>
#include <kiln/nn/mode_guard.h>

namespace kiln::train {

// The share of samples {x, label} whose largest score is the label's, over one pass of the loader, whose
// place in its epochs does not move. The net is in eval mode meanwhile, and nothing is recorded; each of its
// modules gets back the mode that it had.
template <class Net>
double accuracy(Net& net, const data::DataLoader& loader, Device device = cpu) {
  const NoGrad scope;
  const nn::ModeGuard eval(net);
  int64_t right = 0, all = 0;
  for (const auto& batch : loader.evaluation()) {
    all += batch.size();
    right += sum(argmax(net(batch[0].to(device)), 1) == batch[1].to(device)).template item<int64_t>();
  }
  return all == 0 ? 0 : double(right) / double(all);
}

}  // namespace kiln::train
