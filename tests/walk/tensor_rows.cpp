#include "rows.h"

namespace kiln::walk {
namespace {

// A question to a tensor: what it gives is not compared.
template <class F>
Subject asked(const char* name, F f, const Shape& shape = {3, 4}) {
  return without_gradient({name,
                           {values(shape)},
                           [f](const Tensors& in) {
                             f(in[0]);
                             return Tensors{};
                           }},
                          "gives no tensor");
}

Rows facts() {
  return {
      with_ends(asked("size", [](auto& x) { x.size(0); }),
                {[](const Tensors& in) { (void)in[0].size(INT32_MAX); },
                 [](const Tensors& in) { (void)in[0].size(INT32_MIN); },
                 [](const Tensors&) { (void)ones({}).size(0); }}),
      asked("shape", [](auto& x) { (void)x.shape(); }),
      asked("dim", [](auto& x) { (void)x.dim(); }),
      asked("numel", [](auto& x) { (void)x.numel(); }),
      asked("dtype", [](auto& x) { (void)x.dtype(); }),
      asked("device", [](auto& x) { (void)x.device(); }),
      asked("layout", [](auto& x) { (void)x.layout(); }),
      asked("strides", [](auto& x) { (void)x.strides(); }),
      asked("is_contiguous", [](auto& x) { x.is_contiguous(); }),
      asked("is_floating_point", [](auto& x) { x.is_floating_point(); }),
      asked("suggested_memory_format", [](auto& x) { x.suggested_memory_format(); }),
      asked("data", [](auto& x) { x.cpu().template data<float>(); }),
      asked("raw_data", [](auto& x) { x.raw_data(); }),
      asked("item", [](auto& x) { x.template item<double>(); }, {1}),
      asked("item", [](auto& x) { x.template item<int64_t>(); }, {1}),
      asked("item", [](auto& x) { x.template item<bool>(); }, {1}),
      asked("item", [](auto& x) { x.item(); }, {1}),
      asked("to_vector", [](auto& x) { x.template to_vector<float>(); }),
      asked("to_string", [](auto& x) { to_string(x); }),
      asked("shares_storage", [](auto& x) { x.shares_storage(ones({2})); }),
      asked("is_same", [](auto& x) { x.is_same(x); }),
      asked("requires_grad", [](auto& x) { x.requires_grad(); }),
      asked("requires_grad_", [](auto& x) { x.detach().requires_grad_(); }),
      asked("is_leaf", [](auto& x) { x.is_leaf(); }),
      asked("grad", [](auto& x) { x.grad(); }),
  };
}

Rows gradients() {
  return {
      asked("set_grad",
            [](auto& x) {
              x.set_grad(ones({3, 4}));
            }),
      asked("set_grad",
            [](auto& x) {
              ones({3, 4}).set_grad(x);
            }),
      asked("retain_grad", [](auto& x) { (x.detach().requires_grad_() * 2).retain_grad(); }),
      asked("retain_grad",
            [](auto& x) {
              if (!x.defined()) x.retain_grad();
            }),
      asked("detach", [](auto& x) { x.detach(); }),
      asked("backward",
            [](auto& x) {
              (ones({3, 4}).requires_grad_() * 2).backward(x);
            }),
      asked("backward",
            [](auto& x) {
              if (!x.defined()) x.backward();
            }),
      asked("register_hook",
            [](auto& x) {
              autograd::register_hook(x.defined() ? x.detach().requires_grad_() : x,
                                      [](const Tensor& g) { return g; });
            }),
      asked("op_name", [](auto& x) { autograd::op_name(x); }),
  };
}

}  // namespace

Rows tensor_rows() {
  Rows rows = facts();
  const Rows more = gradients();
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace kiln::walk
