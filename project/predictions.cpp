#include <kiln/project/predictions.h>

#include <algorithm>

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

std::vector<int64_t> surest_mistakes(const Tensor& probabilities, const Tensor& labels, int64_t most) {
  const std::vector<double> sure = max(probabilities, 1).values.to(float64).to_vector<double>();
  const std::vector<int64_t> said = argmax(probabilities, 1).to_vector<int64_t>(),
                             right = labels.to_vector<int64_t>();
  std::vector<int64_t> wrong;
  for (size_t i = 0; i < right.size(); ++i)
    if (said[i] != right[i]) wrong.push_back(int64_t(i));
  std::ranges::stable_sort(wrong, [&](int64_t a, int64_t b) { return sure[size_t(a)] > sure[size_t(b)]; });
  wrong.resize(std::min(wrong.size(), size_t(std::max<int64_t>(most, 0))));
  return wrong;
}

Predictions rows_of(const Predictions& predictions, const std::vector<int64_t>& rows) {
  if (rows.empty()) return {};
  const Tensor index = from_values(rows, {int64_t(rows.size())}).to(cpu);
  Predictions part = {
      index_select(predictions.scores, 0, index), index_select(predictions.labels, 0, index), {}};
  if (!predictions.names.empty())
    for (const int64_t row : rows) part.names.push_back(predictions.names[size_t(row)]);
  return part;
}

std::vector<int64_t> rows_without(int64_t size, const std::vector<int64_t>& left_out) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < size; ++row)
    if (!std::ranges::binary_search(left_out, row)) rows.push_back(row);
  return rows;
}

}  // namespace kiln::project
