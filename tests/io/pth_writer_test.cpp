#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <kiln/io/bytes/pieces.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

// Debian's PyTorch belongs to Debian's Python.
std::string python() {
  const char* chosen = std::getenv("KILN_ORACLE_PYTHON");
  return chosen != nullptr ? chosen : "/usr/bin/python3";
}
bool have_torch() { return std::system((python() + " -c 'import torch' 2>/dev/null").c_str()) == 0; }

std::string torch_says(const test::TemporaryFolder& folder, const std::string& mode) {
  const std::string command = fmt::format("{} tests/io/pth_python.py {} {} {} > {} 2>&1", python(),
                                          folder / "x.pth", folder / "back.pth", mode, folder / "out");
  const int status = std::system(command.c_str());
  const std::string out = test::read_file(folder / "out");
  REQUIRE_MESSAGE(status == 0, out);
  return out;
}

std::string sha256(const Tensor& x) {
  io::Sha256 sum;
  io::each_piece(x, [&](const char* data, int64_t bytes) { sum.add(data, size_t(bytes)); });
  return sum.finish();
}

// The line that the Python program prints for it.
std::string line(const std::string& key, const Tensor& x) {
  std::string shape = to_string(x.shape()), strides = to_string(x.strides());
  for (std::string* list : {&shape, &strides})
    for (size_t at = 0; (at = list->find(',', at)) != std::string::npos; ++at) list->insert(at + 1, " ");
  return fmt::format("'{}' torch.{} {} {} {}\n", key, x.dtype(), shape, strides, sha256(x));
}

Tensor filled(const Shape& shape, DType dtype, MemoryFormat format = MemoryFormat::contiguous) {
  const Tensor x = empty(shape, {.dtype = dtype, .memory_format = format});
  auto* bytes = static_cast<unsigned char*>(x.raw_data());
  for (int64_t i = 0; i < x.numel() * size_of(dtype); ++i)
    bytes[i] = dtype == bool8 ? i % 3 == 0 : static_cast<unsigned char>(i * 7 + 1);
  return x;
}

Tensor view(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

constexpr int kKnownToOldTorch = 12;  // dtypes up to complex128

}  // namespace

TEST_CASE("pth writer: PyTorch loads it with weights_only=True") {
  if (!have_torch()) return test::skip("python3-torch is not installed");
  const Tensor w = filled({3, 4}, float32);
  Value value = {{"w", w}, {"row", view(w, {{4}, {1}, 4})}, {"tied", w}};
  std::string expected = line("w", w) + line("row", view(w, {{4}, {1}, 4})) + line("tied", w);
  const auto add = [&](const std::string& key, const Tensor& x) {
    value[key] = x;
    expected += line(key, x);
  };
  add("transposed", view(filled({5, 2}, int16), {{2, 5}, {1, 2}, 0}));
  add("nhwc", filled({2, 3, 4, 5}, float64, MemoryFormat::channels_last));
  add("expanded", view(filled({3}, float32), {{2, 3}, {0, 1}, 0}));
  add("scalar", filled({}, int64));
  add("none of them", filled({0, 7}, float32));
  for (int dtype = 0; dtype < kKnownToOldTorch; ++dtype)
    add("all." + name_of(DType(dtype)), filled({3, 30}, DType(dtype)));
  value["epoch"] = int64_t(1) << 40;
  value["flags"] =
      Value::list({true, false, nullptr, -1, 255, 256, 65536, INT64_MIN, "täxt", Value::tuple()});
  value["state"] = Value::dict({{0, {{"step", 3}}}, {-7, Value::list()}, {300, Value::dict()}});
  const test::TemporaryFolder folder;
  io::save(folder / "x.pth", value);
  CHECK(io::load(folder / "x.pth") == value);
  CHECK(torch_says(folder, "safe") ==
        expected +
            "'epoch' 1099511627776\n'flags' list 10\n'flags'/0 True\n'flags'/1 False\n'flags'/2 None\n"
            "'flags'/3 -1\n'flags'/4 255\n'flags'/5 256\n'flags'/6 65536\n'flags'/7 -9223372036854775808\n"
            "'flags'/8 'täxt'\n'flags'/9 tuple 0\n'state'/0/'step' 3\n'state'/-7 list 0\nshared 60.0 20.0\n");
  // And what PyTorch saves again is the same value, memory shared as before.
  const Value back = io::load(folder / "back.pth");
  CHECK(back == value);
  CHECK(back["w"].as_tensor().raw_data() == back["tied"].as_tensor().raw_data());
  CHECK(back["row"].as_tensor().raw_data() == back["w"].as_tensor().data<float>() + 4);
}

TEST_CASE("pth writer: every dtype, empty and odd values come back") {
  Value value = {{"tuple", Value::tuple({1, Value::list(), Value::dict()})},
                 {"bytes", Value::Bytes{std::string("\0\xff", 2)}},
                 {"text", ""},
                 {"inf", -INFINITY},
                 {"state", Value::dict({{0, 1.5}, {-1, "x"}})}};
  for (int dtype = 0; dtype < kDTypeCount; ++dtype)
    value[name_of(DType(dtype))] = filled({5, 3}, DType(dtype));
  const Tensor shorts = filled({8}, DType::uint16);
  value["half of them"] = view(shorts, {{4}, {2}, 1});
  value["all of them"] = shorts;
  value["as bytes"] = from_storage(shorts.impl()->storage, uint8, {{3}, {1}, 2});
  const test::TemporaryFolder folder;
  for (const char* name : {"x.pth", "x.kiln"}) {
    io::save(folder / name, value);
    const Value back = io::load(folder / name);
    for (const auto& [key, child] : value.entries())
      CHECK_MESSAGE(back.at(to_string(key)) == child, to_string(key), " in ", name);
  }
  for (const Value& alone :
       {Value(), Value(7), Value(filled({2}, float32)), Value(Value::list()), Value("x")}) {
    io::save(folder / "x.pt", alone);
    CHECK(io::load(folder / "x.pt") == alone);
  }
}

TEST_CASE("pth writer: floats and bytes") {
  if (!have_torch()) return test::skip("python3-torch is not installed");
  const test::TemporaryFolder folder;
  io::save(folder / "x.pth", Value{{"betas", Value::tuple({0.9, -1e300})},
                                   {"raw", Value::Bytes{std::string("\0\x7f\x80\xff", 4)}},
                                   {"lr", 0.1}});
  CHECK(torch_says(folder, "full") ==
        "'betas' tuple 2\n'betas'/0 0.9\n'betas'/1 -1e+300\n'raw' b'\\x00\\x7f\\x80\\xff'\n'lr' 0.1\n");
}

TEST_CASE("pth writer: what many refer to is written once, and is one object in Python") {
  const test::TemporaryFolder folder;
  Value config = Value::list(std::vector<Value>(1000, Value(1.5)));
  const Value pair = Value::tuple({config, Value{{"config", config}}});
  Value all = Value::list(std::vector<Value>(500, pair));
  all.push_back(Value::list({2.5}));
  all.push_back(Value::list({2.5}));  // the same, and another
  io::save(folder / "x.pth", all);
  CHECK(std::filesystem::file_size(folder / "x.pth") < 20'000);
  CHECK(io::load(folder / "x.pth") == all);
  if (std::system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0)
    return test::skip("python3-torch is not installed");
  const std::string command =
      "/usr/bin/python3 -c \"import sys, torch; v = torch.load(sys.argv[1]); "
      "print(v[0] is v[499], v[0][0] is v[1][1]['config'], v[-1] is v[-2], v[-1] == v[-2], len(v[7][0]))\" " +
      (folder / "x.pth") + " > " + (folder / "out.txt");
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(test::read_file(folder / "out.txt") == "True True False True 1000\n");
}

TEST_CASE("pth writer: many keys") {
  if (!have_torch()) return test::skip("python3-torch is not installed");
  Value value = Value::dict();
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    const std::string key = fmt::format("layer.{}.weight", i);
    value[key] = filled({i % 5, 3}, float32);
    expected += line(key, value[key].as_tensor());
  }
  const test::TemporaryFolder folder;
  io::save(folder / "x.pth", value);
  CHECK(torch_says(folder, "safe") == expected);
}

TEST_CASE("writers: what a kind cannot hold is an error") {
  const test::TemporaryFolder folder;
  const Tensor x = filled({2}, float32);
  const struct {
    const char* file;
    Value value;
    const char* message;
  } rows[] = {
      {"a.doc", x, "ends in '.doc', which names no kind of file; use .kiln, .pth"},
      {"a.pth", {{"name", "\xff"}}, "cannot hold the string at 'name', which is not UTF-8"},
      {"a.safetensors", {{"w", x}, {"epoch", 7}}, "holds tensors only, 'epoch' is 7; choose the weights"},
      {"a.safetensors", x, "holds tensors by name, the value is float32 [2]; give a dict of tensors"},
      {"a.safetensors", Value::dict({{Value::Key(x), x}}), "what stands under 'tensor' has a tensor as key"},
      {"a.pth",
       {{"net", Value::object("models.Net", {{"w", x}})}},
       "cannot hold 'net', which is an object of the class models.Net; save to .kiln"},
      {"a.safetensors", {{"c", filled({1}, DType::complex128)}}, "safetensors has no complex128"},
      {"a.safetensors", {{"__metadata__", x}}, "cannot hold a tensor named '__metadata__'"},
      {"a.npy", {{"w", x}}, "holds one tensor, the value is a dict; save to .npz"},
      {"a.npz", {{"w", filled({1}, bfloat16)}}, "'w': NumPy has no bfloat16; convert it to float32 first"},
  };
  for (const auto& [file, value, message] : rows) {
    const std::string error = test::error_of([&] { io::save(folder / file, value); });
    CHECK_MESSAGE(error.find(message) != std::string::npos, error);
  }
}

}  // namespace kiln
