#include <doctest/doctest.h>

#include <filesystem>

#include <kiln/kiln.h>

#include "support/device.h"
#include "support/files.h"
#include "support/skip.h"

// What is read and written is on the host, wherever the factories make tensors.

namespace kiln {
namespace {

using namespace std::string_literals;

Value weights() {
  const Tensor x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  return {{"x", x},
          {"turned", from_storage(x.impl()->storage, float32, {{3, 2}, {1, 3}, 0})},
          {"mask", tensor({false, true})}};
}

// Entry by entry: safetensors keeps neither their order nor that they share memory.
bool same(const Value& a, const Value& b) {
  bool result = true;
  for (const char* key : {"x", "turned", "mask"}) result = result && a.at(key) == b.at(key);
  return result;
}

}  // namespace

TEST_CASE("files are read and written on the host, whatever the factories' device is") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const test::TemporaryFolder folder;
  const Value value = weights();
  const test::FactoryDevice scope(Device("cuda"));
  for (const char* format : {"kiln", "pth", "safetensors", "npz"}) {
    CAPTURE(std::string(format));
    const std::string path = folder / ("a."s + format);
    io::save(path, value);
    const Value back = io::load(path);
    for (const Tensor* x : back.tensors()) CHECK(x->device().is_cpu());
    CHECK(same(back, value));
    CHECK(same(io::load(path, {.map = true}), value));
    CHECK(same(io::open(path).value(), value));
    const Value half = io::load(path, {.dtype = float16});
    CHECK(half.at("x").as_tensor().device().is_cpu());
    CHECK(half.at("x").as_tensor().dtype() == float16);
  }
  io::save(folder / "x.npy", value.at("x"));
  CHECK(io::load(folder / "x.npy") == value.at("x"));
  io::save(folder / "s.safetensors", value, {.shard_bytes = 8});
  CHECK(io::load(folder / "s.safetensors.index.json").size() == 3);
}

TEST_CASE("every fixture is read the same, whatever the factories' device is") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  for (const auto& entry : std::filesystem::directory_iterator("tests/io/fixtures")) {
    const std::string path = entry.path().string();
    CAPTURE(path);
    Value expected;
    std::string error;
    {
      const test::FactoryDevice scope(cpu);
      error = test::error_of([&] { expected = io::load(path); });
    }
    const test::FactoryDevice scope(Device("cuda"));
    Value found;
    CHECK(test::error_of([&] { found = io::load(path); }) == error);
    for (const Tensor* x : found.tensors()) CHECK_FALSE(x->device().is_cuda());
    CHECK(found == expected);
  }
}

}  // namespace kiln
