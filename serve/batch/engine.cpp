#include <kiln/serve/batch/engine.h>

#include <algorithm>
#include <cmath>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::serve {
namespace {

// Smooth numbers about 0, the same ones every time.
Tensor made_up(const Shape& sample, int64_t rows) {
  Shape shape = sample;
  shape.insert(0, rows);
  const Tensor x = empty(shape, {.device = cpu});
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = std::sin(float(i % 4001) * 0.37f);
  return x;
}

std::vector<float> scores_of(Engine& engine, const Tensor& x) {
  const Tensor scores = engine.run(x);
  const auto classes = int64_t(engine.info().classes.size());
  if (scores.dim() != 2 || scores.size(0) != x.size(0) || (classes > 0 && scores.size(1) != classes))
    fail("self-test: {} samples gave scores of shape {}, expected [{}, {}]", x.size(0), scores.shape(),
         x.size(0), classes);
  std::vector<float> all = scores.to_vector<float>();
  if (!std::ranges::all_of(all, [](float score) { return std::isfinite(score); }))
    fail("self-test: a score is not finite");
  return all;
}

}  // namespace

Tensor Engine::heat_map(const Tensor&, int64_t) { return {}; }

std::vector<int64_t> Engine::batch_sizes(int64_t most) const { return {most}; }

void self_test(Engine& engine, int64_t rows) {
  const NoGrad scope;
  const Tensor x = made_up(engine.info().input, rows);
  const std::vector<float> alone = scores_of(engine, x.narrow(0, 0, 1));
  float largest = 1;
  for (const float score : alone) largest = std::max(largest, std::abs(score));
  constexpr float kTolerance = 1e-3f;  // kernels may add in another order
  for (const int64_t size : engine.batch_sizes(rows)) {
    const std::vector<float> together = scores_of(engine, x.narrow(0, 0, size));
    for (size_t i = 0; i < alone.size(); ++i)
      if (std::abs(alone[i] - together[i]) > kTolerance * largest)
        fail("self-test: score {} of a sample is {} alone and {} in a batch of {}", i, alone[i], together[i],
             size);
  }
}

}  // namespace kiln::serve
