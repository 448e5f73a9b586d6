#include <kiln/project/predictions.h>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/nn/mode_guard.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {

Predictions predict(const nn::AnyModule& net, const data::DataLoader& loader, Device device) {
  const NoGrad scope;
  const nn::ModeGuard eval(net.module());
  Tensors scores, labels;
  Predictions all;
  for (const data::Batch& batch : loader.evaluation()) {
    const Tensor y = net(batch[0].to(device));
    if (y.dim() != 2)
      fail("predict: the net gives {}, and should give scores [samples,classes]", to_string(y.shape()));
    scores.push_back(y.to(cpu).to(float32));
    labels.push_back(batch[1].dim() == 2 ? argmax(batch[1], 1) : batch[1].clone());
    if (!batch.texts.empty()) all.names.insert(all.names.end(), batch.texts[0].begin(), batch.texts[0].end());
  }
  if (scores.empty()) return all;
  all.scores = cat(scores);
  all.labels = cat(labels);
  return all;
}

Tensor probabilities(const Predictions& predictions) { return softmax(predictions.scores, 1); }

}  // namespace kiln::project
