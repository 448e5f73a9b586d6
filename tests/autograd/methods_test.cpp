#include <doctest/doctest.h>

#include <functional>

#include <support/check_op.h>

// That each op has its method is checked by scripts/methods; here, that the in-place forms do what the others
// do, with the same gradient.

using namespace kiln;
using namespace kiln::test;

namespace {

struct Form {
  const char* name;
  std::function<Tensor(const Tensor& x)> op;
  std::function<void(const Tensor& x)> in_place;
};

const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {"abs", [](auto& x) { return x.abs(); }, [](auto& x) { x.abs_(); }},
      {"neg", [](auto& x) { return x.neg(); }, [](auto& x) { x.neg_(); }},
      {"sign", [](auto& x) { return x.sign(); }, [](auto& x) { x.sign_(); }},
      {"square", [](auto& x) { return x.square(); }, [](auto& x) { x.square_(); }},
      {"sqrt", [](auto& x) { return x.sqrt(); }, [](auto& x) { x.sqrt_(); }},
      {"rsqrt", [](auto& x) { return x.rsqrt(); }, [](auto& x) { x.rsqrt_(); }},
      {"reciprocal", [](auto& x) { return x.reciprocal(); }, [](auto& x) { x.reciprocal_(); }},
      {"exp", [](auto& x) { return x.exp(); }, [](auto& x) { x.exp_(); }},
      {"expm1", [](auto& x) { return x.expm1(); }, [](auto& x) { x.expm1_(); }},
      {"log", [](auto& x) { return x.log(); }, [](auto& x) { x.log_(); }},
      {"log1p", [](auto& x) { return x.log1p(); }, [](auto& x) { x.log1p_(); }},
      {"log2", [](auto& x) { return x.log2(); }, [](auto& x) { x.log2_(); }},
      {"log10", [](auto& x) { return x.log10(); }, [](auto& x) { x.log10_(); }},
      {"sin", [](auto& x) { return x.sin(); }, [](auto& x) { x.sin_(); }},
      {"cos", [](auto& x) { return x.cos(); }, [](auto& x) { x.cos_(); }},
      {"tan", [](auto& x) { return x.tan(); }, [](auto& x) { x.tan_(); }},
      {"asin", [](auto& x) { return x.asin(); }, [](auto& x) { x.asin_(); }},
      {"acos", [](auto& x) { return x.acos(); }, [](auto& x) { x.acos_(); }},
      {"atan", [](auto& x) { return x.atan(); }, [](auto& x) { x.atan_(); }},
      {"sinh", [](auto& x) { return x.sinh(); }, [](auto& x) { x.sinh_(); }},
      {"cosh", [](auto& x) { return x.cosh(); }, [](auto& x) { x.cosh_(); }},
      {"tanh", [](auto& x) { return x.tanh(); }, [](auto& x) { x.tanh_(); }},
      {"erf", [](auto& x) { return x.erf(); }, [](auto& x) { x.erf_(); }},
      {"floor", [](auto& x) { return x.floor(); }, [](auto& x) { x.floor_(); }},
      {"ceil", [](auto& x) { return x.ceil(); }, [](auto& x) { x.ceil_(); }},
      {"round", [](auto& x) { return x.round(); }, [](auto& x) { x.round_(); }},
      {"trunc", [](auto& x) { return x.trunc(); }, [](auto& x) { x.trunc_(); }},
      {"relu", [](auto& x) { return x.relu(); }, [](auto& x) { x.relu_(); }},
      {"sigmoid", [](auto& x) { return x.sigmoid(); }, [](auto& x) { x.sigmoid_(); }},
      {"clamp", [](auto& x) { return x.clamp(0.3, 0.6); }, [](auto& x) { x.clamp_(0.3, 0.6); }},
      {"clamp low", [](auto& x) { return x.clamp(0.3, {}); }, [](auto& x) { x.clamp_(0.3, {}); }},
      {"clamp_min", [](auto& x) { return x.clamp_min(0.3); }, [](auto& x) { x.clamp_min_(0.3); }},
      {"clamp_max", [](auto& x) { return x.clamp_max(0.3); }, [](auto& x) { x.clamp_max_(0.3); }},
      {"pow", [](auto& x) { return x.pow(2.5); }, [](auto& x) { x.pow_(2.5); }},
      {"cumsum", [](auto& x) { return x.cumsum(0); }, [](auto& x) { x.cumsum_(0); }},
      {"remainder", [](auto& x) { return x.remainder(full_like(x, 0.3)); },
       [](auto& x) { x.remainder_(full_like(x, 0.3)); }},
      {"masked_fill", [](auto& x) { return x.masked_fill(x > 0.5, 2); },
       [](auto& x) { x.masked_fill_(x > 0.5, 2); }},
      {"index_add",
       [](auto& x) {
         return x.index_add(0, tensor({1, 1}), x.narrow(0, 0, 2));
       },
       [](auto& x) {
         x.index_add_(0, tensor({1, 1}), x.narrow(0, 0, 2));
       }},
      {"index_copy",
       [](auto& x) {
         return x.index_copy(0, tensor({2, 0}), x.narrow(0, 0, 2));
       },
       [](auto& x) {
         x.index_copy_(0, tensor({2, 0}), x.narrow(0, 0, 2));
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("in place as out of place, and its gradients") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    const Tensor x = random_input({5}, 0.1, 0.9, 3).requires_grad_(), z = x.detach().clone().requires_grad_();
    const Tensor y = form.op(x * 1), in_place = z * 1;
    form.in_place(in_place);
    expect_close(in_place.detach(), y.detach(), 0, 0, form.name);
    y.square().sum().backward({}, false, true);
    in_place.square().sum().backward({}, false, true);
    expect_close(z.grad().detach(), x.grad().detach(), 1e-12, 1e-12, form.name);
    // A gradient with a graph of its own and its tensor hold each other.
    x.set_grad({});
    z.set_grad({});
  }
}

TEST_CASE("in-place forms refuse what x cannot hold") {
  expect_error("sqrt_: result type float32 can't be cast to int64", [] { tensor({4}).sqrt_(); });
  expect_error("exp_: x [1] is a leaf that requires grad", [] { ones({1}, {.requires_grad = true}).exp_(); });
  expect_error("sin_: x is an undefined tensor", [] { Tensor().sin_(); });
  expect_error("pow_: the result has shape [2,2]", [] { ones({2}).pow_(ones({2, 2})); });
}

TEST_CASE("methods that are not ops of their own") {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  CHECK(x.cpu().device() == cpu);
  CHECK(x.half().dtype() == float16);
  CHECK(x.bfloat16().dtype() == DType::bfloat16);
  CHECK(x.to(cpu, int64).dtype() == int64);
  CHECK(x.type_as(tensor(1)).dtype() == int64);
  CHECK(equal(x.mT(), x.t()));
  CHECK(x.view_as(zeros({4})).shape() == Shape{4});
  CHECK(x.reshape_as(zeros({4, 1})).shape() == Shape{4, 1});
  CHECK(x.expand_as(zeros({3, 2, 2})).shape() == Shape{3, 2, 2});
  CHECK(equal(x.where(x > 2, zeros_like(x)), tensor({{0.0, 0.0}, {3.0, 4.0}})));
  CHECK(x.max(1).indices.to_vector<int64_t>() == std::vector<int64_t>{1, 1});
  CHECK(x.unbind().size() == 2);
  CHECK(x.any(0).shape() == Shape{2});
}
