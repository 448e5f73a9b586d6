#include <kiln/tensor/tensor.h>

#include <doctest/doctest.h>

#include <kiln/tensor/base/error.h>
#include <kiln/tensor/device/transfer.h>

#include "both.h"

using namespace kiln;

namespace {

constexpr Device gpu = DeviceType::cuda;

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

}  // namespace

TEST_CASE("values of a tensor on the device") {
  const Tensor host = tensor({{1.5f, -2.f, 3.f}, {4.f, 5.f, 6.25f}});
  const Tensor x = test::on_cuda(host);
  CHECK(x.device() == gpu);
  CHECK(x.to_vector<float>() == host.to_vector<float>());
  CHECK(view(x, x.layout().transpose(0, 1)).to_vector<float>() ==
        std::vector<float>{1.5f, 4, -2, 5, 3, 6.25f});
  CHECK(view(x, x.layout().select(0, 1).narrow(0, 1, 2)).to_vector<int64_t>() == std::vector<int64_t>{5, 6});
  CHECK(view(x, x.layout().select(0, 1).select(0, 2)).item<double>() == 6.25);
  CHECK(view(x, x.layout().select(0, 0).select(0, 1)).item<int>() == -2);
  CHECK(view(x, x.layout().select(0, 0).select(0, 1).expand({2, 2})).to_vector<float>() ==
        std::vector<float>(4, -2));
  CHECK(empty({0, 3}, {.device = gpu}).to_vector<float>().empty());
  CHECK_THROWS_WITH_AS(x.item<float>(), "item: needs a tensor with one element, x has shape [2,3]", Error);
  CHECK_THROWS_WITH_AS(x.data<float>(), doctest::Contains("data: the tensor is on cuda:0"), Error);
}

TEST_CASE("a tensor on the device prints as PyTorch prints it") {
  CHECK(to_string(test::on_cuda(tensor({{1.f, 2.f}, {3.f, 4.5f}}))) ==
        "tensor([[1.0000, 2.0000],\n        [3.0000, 4.5000]], device='cuda:0')");
  CHECK(to_string(test::on_cuda(tensor(int64_t(3)))) == "tensor(3, device='cuda:0')");
  CHECK(to_string(empty({0}, {.device = gpu})) == "tensor([], device='cuda:0')");
}

TEST_CASE("tensors between devices") {
  const Tensor x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  const Tensor transposed = view(x, x.layout().transpose(0, 1));
  const Tensor there = transferred(transposed, gpu), back = transferred(there, cpu);
  CHECK(there.strides() == transposed.strides());
  CHECK(back.to_vector<float>() == transposed.to_vector<float>());
  CHECK(transferred(there, gpu).to_vector<float>() == transposed.to_vector<float>());
  CHECK(on_host(x).is_same(x));
}
