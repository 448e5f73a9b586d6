#include "rows.h"

namespace kiln::walk {

Rows loss_rows() {
  const Tensor scores = values({4, 3}), classes = positions({0, 2, 1, 2}, {4}), weight = values({3}, 0.5, 2);
  const Tensor chances = values({4, 3}, 0.1, 0.9), target = values({4, 3}, 0.2, 0.8);
  const auto ends_of = [](auto f) -> std::vector<std::function<void(const Tensors&)>> {
    return {[f](const Tensors& in) { f(in[0], full_like(in[1], kMost)); },
            [f](const Tensors& in) { f(in[0], full_like(in[1], kLeast)); }};
  };
  return {
      with_ends({"cross_entropy",
                 {scores, classes, weight},
                 [](const Tensors& in) { return Tensors{cross_entropy(in[0], in[1], {.weight = in[2]})}; }},
                ends_of([](auto& x, const Tensor& t) { cross_entropy(x, t); })),
      {"cross_entropy",
       {scores, target},
       [](const Tensors& in) { return Tensors{cross_entropy(in[0], in[1])}; }},
      with_ends({"nll_loss",
                 {scores, classes, weight},
                 [](const Tensors& in) { return Tensors{nll_loss(in[0], in[1], {.weight = in[2]})}; }},
                ends_of([](auto& x, const Tensor& t) { nll_loss(x, t); })),
      two(
          "mse_loss", [](auto& x, auto& t) { return mse_loss(x, t); }, scores, target),
      two(
          "l1_loss", [](auto& x, auto& t) { return l1_loss(x, t); }, scores, target),
      two(
          "smooth_l1_loss", [](auto& x, auto& t) { return smooth_l1_loss(x, t, 0.5); }, scores, target),
      {"binary_cross_entropy",
       {chances, target, values({4, 3}, 0.5, 2)},
       [](const Tensors& in) { return Tensors{binary_cross_entropy(in[0], in[1], {.weight = in[2]})}; }},
      {"binary_cross_entropy_with_logits",
       {scores, target, values({4, 3}, 0.5, 2), values({3}, 0.5, 2)},
       [](const Tensors& in) {
         return Tensors{
             binary_cross_entropy_with_logits(in[0], in[1], {.weight = in[2], .pos_weight = in[3]})};
       }},
  };
}

}  // namespace kiln::walk
