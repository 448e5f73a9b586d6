#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include <kiln/autograd/ops.h>
#include <kiln/io/load.h>
#include <kiln/io/open.h>
#include <kiln/tensor/base/build_config.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;
using test::TemporaryFolder;

Value sample() {
  const Tensor base = arange(24.0).reshape({4, 6});
  return {{"base", base},
          {"view", base.transpose(0, 1).slice(0, 1, 4)},
          {"double", arange(5.0).to(float64)},
          {"longs", arange(7)},
          {"flags", tensor({true, false})},
          {"empty", zeros({0, 3})},
          {"last", Value::list({tensor(2.5), "text"})}};
}

const char* const kEndings[] = {".kiln", ".pth", ".npz", ".safetensors"};

// What the kind of the ending can hold.
Value for_ending(const std::string& ending) {
  Value value = sample();
  if (ending == ".npz" || ending == ".safetensors") value.at("last").items().pop_back();
  return value;
}

// Of what load() gives: names in files of tensors are flat.
const Tensor& at(const Value& value, const std::string& path, const std::string& flat) {
  return (value.contains(path) ? value.at(path) : value.at(flat)).as_tensor();
}

}  // namespace

TEST_CASE("load options: floating tensors become the dtype, others stay") {
  const TemporaryFolder folder;
  for (const std::string ending : kEndings)
    for (const bool map : {false, true})
      for (const DType dtype : {float16, bfloat16, float64, float32}) {
        CAPTURE(ending);
        const std::string path = folder / ("x" + ending);
        io::save(path, for_ending(ending));
        const Value value = io::load(path, {.map = map, .dtype = dtype});
        for (const char* name : {"base", "view", "double", "empty"}) {
          CAPTURE(name);
          const Tensor& x = value.at(name).as_tensor();
          CHECK(x.dtype() == dtype);
          CHECK(x.shape() == sample().at(name).as_tensor().shape());
          CHECK(x.to_vector<double>() == sample().at(name).as_tensor().to_vector<double>());
        }
        CHECK(at(value, "last/0", "last.0").item<double>() == 2.5);
        CHECK(value.at("longs").as_tensor().dtype() == int64);
        CHECK(value.at("flags").as_tensor().dtype() == bool8);
        if (ending == ".kiln" || ending == ".pth") {
          CHECK(value.at("base").as_tensor().shares_storage(value.at("view").as_tensor()));
          CHECK(value.at("view").as_tensor().strides() == Dims{1, 6});
        }
      }
}

TEST_CASE("load options: a dtype makes copies that outlive the file, unless it is mapped") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  io::save(path, sample());
  const Value value = io::load(path, {.dtype = float16});
  std::string bytes = test::read_file(path);
  test::write_file(path, std::string(bytes.size(), '\xff'));
  CHECK(value.at("longs").as_tensor().to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("load options: parts of quantised tensors keep their dtypes") {
  const Value value = io::load("tests/io/fixtures/special.pt", {.dtype = float16});
  CHECK(value.at("channels/scales").as_tensor().dtype() == float64);
  CHECK(value.at("coo/values").as_tensor().dtype() == float16);
  CHECK(value.at("coo/indices").as_tensor().dtype() == int64);
}

TEST_CASE("load options: what cannot be is said") {
  const std::string path = "tests/io/fixtures/zip.pt";
  const std::string device = error_of([&] { io::load(path, {.device = "cuda:9"}); });
  CHECK_MESSAGE(contains(device, "load: '" + path + "' should go to cuda:9"), device);
  CHECK(contains(device, "no CUDA in this build") == !kCudaBuilt);
  const std::string dtype = error_of([&] { io::load(path, {.dtype = int64}); });
  CHECK_MESSAGE(contains(dtype, "should become int64; weights become a floating dtype"), dtype);
}

TEST_CASE("load options: tensors go to a GPU and are saved from there") {
  if (!cuda_is_available()) return test::skip("there is no CUDA device");
  const TemporaryFolder folder;
  for (const std::string ending : kEndings)
    for (const bool map : {false, true})
      for (const std::optional<DType> dtype : {std::optional<DType>(), {float16}}) {
        CAPTURE(ending);
        const std::string path = folder / ("x" + ending), back = folder / ("back" + ending);
        io::save(path, for_ending(ending));
        const Value there = io::load(path, {.map = map, .device = "cuda", .dtype = dtype});
        for (const Tensor* x : there.tensors()) CHECK(x->device() == Device("cuda"));
        io::save(back, there);
        const Value again = io::load(back), here = io::load(path, {.dtype = dtype});
        for (const auto& [key, value] : here.entries()) CHECK(again[key] == value);
        if (ending == ".kiln" || ending == ".pth")
          CHECK(there.at("base").as_tensor().shares_storage(there.at("view").as_tensor()));
        const auto file = io::open(path, {.device = "cuda", .dtype = dtype});
        CHECK(file.tensor("base").device() == Device("cuda"));
      }
}

TEST_CASE("load options: progress rises to the size of the file") {
  const TemporaryFolder folder;
  const Value value = {{"a", zeros({1 << 20})}, {"b", zeros({300'000})}, {"flag", tensor(true)}};
  for (const std::string ending : kEndings)
    for (const bool map : {false, true}) {
      CAPTURE(ending);
      const std::string path = folder / ("x" + ending);
      io::save(path, value);
      const auto size = int64_t(test::read_file(path).size());
      std::vector<int64_t> seen;
      io::load(path, {.map = map, .progress = [&](int64_t done, int64_t total) {
                        CHECK(total == size);
                        seen.push_back(done);
                      }});
      CHECK(std::ranges::is_sorted(seen));
      CHECK(seen.back() == size);
      // 5 MB in pieces of one; without a checksum, mapping reads nothing.
      if (!map) CHECK(seen.size() >= 6);
    }
}

TEST_CASE("load options: what progress throws stops the loading") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.pth";
  io::save(path, {{"a", zeros({1 << 20})}});
  int calls = 0;
  CHECK_THROWS_AS(io::load(path, {.progress =
                                      [&](int64_t, int64_t) {
                                        if (++calls == 2) throw std::runtime_error("stop");
                                      }}),
                  std::runtime_error);
  CHECK(calls == 2);
}

TEST_CASE("load options: limits") {
  using namespace std::string_literals;
  const TemporaryFolder folder;
  const std::string zip = "tests/io/fixtures/zip.pt", legacy = "tests/io/fixtures/legacy.pt";
  const auto message = [](const std::string& path, const io::LoadLimits& limits) {
    return error_of([&] { io::load(path, {.limits = limits}); });
  };
  for (const std::string& path : {zip, legacy}) {
    CHECK(message(path, {}).empty());
    CHECK(contains(message(path, {.pickle_bytes = 100}), "limits.pickle_bytes"));
    CHECK(contains(message(path, {.opcodes = 20}), "limits.opcodes"));
    CHECK(contains(message(path, {.nodes = 10}), "limits.nodes"));
    CHECK(contains(message(path, {.nesting = 2}), "limits.nesting"));
    CHECK(contains(message(path, {.string_bytes = 3}), "limits.string_bytes"));
  }
  CHECK(contains(message(zip, {.records = 3}), "limits.records"));
  CHECK(contains(message("tests/io/fixtures/arrays_deflated.npz", {.inflate_ratio = 5}),
                 "limits.inflate_ratio"));
  CHECK(contains(message("tests/io/fixtures/arrays_deflated.npz", {.inflate_ratio = 200}),
                 "record 'zeros.npy' has 2000128 bytes in"));
  CHECK(message("tests/io/fixtures/arrays_deflated.npz", {.inflate_ratio = 2000}).empty());
  CHECK(contains(
      message("tests/io/fixtures/arrays_deflated.npz", {.inflate_ratio = 2000, .inflated_bytes = 1'000'000}),
      "limits.inflated_bytes"));
}

}  // namespace kiln
