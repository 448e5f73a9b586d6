#include <doctest/doctest.h>

#include <kiln/kiln.h>
#include <support/files.h>

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

struct Case {
  const char* op;
  Tensor (*call)(const Tensor& here, const Tensor& there);  // both are [4,4]
};

const Case kCases[] = {
    {"add", [](const Tensor& a, const Tensor& b) { return a + b; }},
    {"add_", [](const Tensor& a, const Tensor& b) { return a.clone().add_(b); }},
    {"eq", [](const Tensor& a, const Tensor& b) { return a == b; }},
    {"matmul", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }},
    {"linear", [](const Tensor& a, const Tensor& b) { return linear(a, a, b[0]); }},
    {"where", [](const Tensor& a, const Tensor& b) { return where(a > 0, a, b); }},
    {"masked_fill", [](const Tensor& a, const Tensor& b) { return masked_fill(a, b > 0, 1); }},
    {"cat",
     [](const Tensor& a, const Tensor& b) {
       return cat({a, b});
     }},
    {"stack",
     [](const Tensor& a, const Tensor& b) {
       return stack({a, b});
     }},
    {"gather", [](const Tensor& a, const Tensor& b) { return gather(a, 0, b.to(int64)); }},
    {"scatter_add", [](const Tensor& a, const Tensor& b) { return scatter_add(a, 0, a.to(int64), b); }},
    {"index_select", [](const Tensor& a, const Tensor& b) { return index_select(a, 0, b[0].to(int64)); }},
    {"index_add", [](const Tensor& a, const Tensor& b) { return index_add(a, 0, a[0].to(int64), b); }},
    {"conv2d",
     [](const Tensor& a, const Tensor& b) {
       return conv2d(a.view({1, 1, 4, 4}), b.view({1, 1, 4, 4}));
     }},
    {"batch_norm",
     [](const Tensor& a, const Tensor& b) { return batch_norm(a, b[0], {}, {}, {}, {.training = true}); }},
    {"batch_norm",
     [](const Tensor& a, const Tensor& b) { return batch_norm(a, {}, {}, {}, {}, {.training = true}, b); }},
    {"layer_norm", [](const Tensor& a, const Tensor& b) { return layer_norm(a, {4}, b[0]); }},
    {"cross_entropy", [](const Tensor& a, const Tensor& b) { return cross_entropy(a, b[0].to(int64)); }},
    {"mse_loss", [](const Tensor& a, const Tensor& b) { return mse_loss(a, b); }},
    {"backward",
     [](const Tensor& a, const Tensor& b) {
       const Tensor x = a.clone().requires_grad_();
       (x * 2).backward(b);
       return x.grad();
     }},
};

}  // namespace

TEST_CASE("operands on two devices are one clear error") {
  const Tensor x = zeros({4, 4}), y = x.to(gpu);
  for (const Case& c : kCases)
    for (const bool first : {true, false}) {
      CAPTURE(c.op);
      const std::string message = test::error_of([&] { first ? c.call(y, x) : c.call(x, y); });
      CHECK_MESSAGE(message.starts_with(c.op), message);
      CHECK_MESSAGE(test::contains(message, "cuda:0"), message);
      CHECK_MESSAGE(test::contains(message, "cpu"), message);
    }
}

TEST_CASE("host memory is not taken for memory of a GPU") {
  float values[4] = {};
  const std::string message =
      test::error_of([&] { Storage::adopt(values, sizeof values, gpu, nullptr, [](void*) {}); });
  CHECK_MESSAGE(test::contains(message, "is memory of the host, not of cuda:0"), message);
}
