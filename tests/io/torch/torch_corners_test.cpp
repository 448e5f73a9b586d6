#include <doctest/doctest.h>

#include <cstdlib>

#include <kiln/io/open.h>
#include <kiln/tensor/value/state_dict.h>

#include "support/archive.h"
#include "support/files.h"
#include "support/skip.h"

// Rare forms of PyTorch's files. The fixtures were written by tests/io/make_fixtures.py.

namespace kiln {
namespace {

using test::contains;
using test::error_of;

std::string fixture(const std::string& name) { return "tests/io/fixtures/" + name; }

template <class T>
std::vector<T> elements(const Value& value, const char* path) {
  return value.at(path).as_tensor().to_vector<T>();
}

// By each of the ways to read a file.
std::vector<Value> read_all_ways(const std::string& name, io::LoadOptions options = {}) {
  std::vector<Value> values = {io::load(fixture(name), options)};
  values.push_back(io::open(fixture(name), options).value());
  options.map = true;
  values.push_back(io::load(fixture(name), options));
  return values;
}

std::vector<float> complex_elements(const Value& value, const char* path) {
  const Tensor& x = value.at(path).as_tensor();
  CHECK(x.is_contiguous());
  const auto* data = static_cast<const float*>(x.raw_data());
  return {data, data + 2 * x.numel()};
}

}  // namespace

TEST_CASE("torch corners: big-endian data are swapped where the file says so, or the caller") {
  std::vector<Value> values = read_all_ways("big.pt");
  for (Value& value : read_all_ways("big_unsaid.pt", {.big_endian = true}))
    values.push_back(std::move(value));
  for (const Value& value : values) {
    CHECK(elements<float>(value, "f4") == std::vector<float>{1.5f, -2});
    CHECK(elements<int64_t>(value, "i8") == std::vector<int64_t>{-1, int64_t(1) << 40});
    CHECK(elements<int64_t>(value, "i2") == std::vector<int64_t>{3, 4});
    CHECK(elements<uint8_t>(value, "u1") == std::vector<uint8_t>{5, 6});
    CHECK(elements<bool>(value, "b1") == std::vector<bool>{true, false});
    CHECK(complex_elements(value, "c8") == std::vector<float>{1, 2});
  }
  CHECK(elements<int64_t>(io::load(fixture("big_unsaid.pt")), "i2") == std::vector<int64_t>{0x300, 0x400});
}

TEST_CASE("torch corners: the bytes that change places in each type of a big-endian archive") {
  using namespace std::string_literals;
  struct Row {
    int64_t element, number;  // bytes; a complex element has two numbers
    std::vector<std::string> storages;
  };
  const Row rows[] = {
      {16, 8, {"ComplexDouble"}},
      {8, 8, {"Double", "Long", "UInt64"}},
      {8, 4, {"ComplexFloat"}},
      {4, 4, {"Float", "Int", "UInt32", "QInt32"}},
      {4, 2, {"ComplexHalf", "BComplex32"}},
      {2, 2, {"Half", "BFloat16", "Short", "UInt16", "Bits16"}},
      {1, 1, {"Char", "Byte", "Bool", "Untyped", "QInt8", "QUInt8"}},
      {1, 1, {"Float8_e4m3fn", "Float8_e5m2", "Float8_e4m3fnuz", "Float8_e5m2fnuz", "Float8_e8m0fnu"}},
      {1, 1, {"Bits8", "Bits1x8", "Bits2x4", "Bits4x2", "Float4_e2m1fn_x2"}},
  };
  const test::TemporaryFolder folder;
  for (const Row& row : rows) {
    for (const std::string& storage : row.storages) {
      CAPTURE(storage);
      std::string data, expected;
      for (char byte = 0; byte < 16; ++byte) data += storage == "Bool" ? char(byte % 2) : byte;
      for (size_t at = 0; at < data.size(); at += size_t(row.number)) {
        const std::string number = data.substr(at, size_t(row.number));
        expected.append(number.rbegin(), number.rend());
      }
      const std::string count(1, char(16 / row.element));
      std::string pickle = "\x80\2ctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\n";
      for (const std::string& part : {storage, "Storage\nU\1"s, "0U\3cpuK"s, count, "tQK\0K"s, count})
        pickle += part;
      pickle += "\x85K\1\x85\x89}tR.";
      test::write_file(folder / "x.pt", test::Archive()
                                            .add("x/data.pkl", pickle)
                                            .add("x/data/0", data)
                                            .add("x/byteorder", "big")
                                            .add("x/version", "3\n")
                                            .finish());
      const Value value = io::load(folder / "x.pt");
      const Tensor& x = (value.is_tensor() ? value : value.at("values")).as_tensor();
      CHECK(x.numel() == 16 / row.element);
      CHECK(std::string(static_cast<const char*>(x.raw_data()), data.size()) == expected);
    }
  }
}

TEST_CASE("torch corners: sizes in zip64 fields") {
  for (const Value& value : read_all_ways("zip64.pt")) {
    REQUIRE(value.at("x").as_tensor().numel() == 20);
    CHECK(elements<float>(value, "x")[19] == 19);
  }
}

TEST_CASE("torch corners: TorchScript with a model.json") {
  for (const Value& value : read_all_ways("model_json.pt")) {
    CHECK(value.as_state_dict().size() == 4);
    CHECK(elements<float>(value, "fc.weight") == std::vector<float>{0, 2, 4, 1, 3, 5});
    CHECK(elements<float>(value, "fc.bias") == std::vector<float>{4, 5});
    CHECK(value.at("fc.bias").as_tensor().shares_storage(value.at("fc.weight").as_tensor()));
    CHECK(elements<int64_t>(value, "fc.steps") == std::vector<int64_t>{7});
    CHECK(elements<double>(value, "scale") == std::vector<double>{0.25});
  }
}

TEST_CASE("torch corners: conjugated and negated tensors") {
  for (const Value& value : read_all_ways("lazy_signs.pt")) {
    CHECK(complex_elements(value, "plain") == std::vector<float>{1, 2, 3, -4});
    CHECK(complex_elements(value, "conj") == std::vector<float>{1, -2, 3, 4});
    CHECK(complex_elements(value, "transposed") == std::vector<float>{1, -2, 3, 4});
    CHECK(value.at("transposed").as_tensor().shape() == Shape{2, 1});
    CHECK(elements<float>(value, "neg") == std::vector<float>{-2, 4});
  }
}

TEST_CASE("torch corners: records without checksums are loaded and reported") {
  std::vector<std::string> said;
  const auto warn = [&](const std::string& warning) { said.push_back(warning); };
  const Value value = io::load(fixture("no_checksums.pt"), {.warn = warn});
  CHECK(value == io::load(fixture("zip.pt")));
  REQUIRE(said.size() == 1);
  CHECK_MESSAGE(contains(said[0], "load: '" + fixture("no_checksums.pt") + "': "), said[0]);
  CHECK_MESSAGE(contains(said[0], "records have no checksum ('zip/data.pkl' is the first)"), said[0]);
  io::open(fixture("no_checksums.pt"), {.warn = warn});
  CHECK(said.size() == 2);
  io::load(fixture("zip.pt"), {.warn = warn});
  CHECK(said.size() == 2);
}

TEST_CASE("torch corners: storages that nothing in the value refers to are reported") {
  std::vector<std::string> said;
  const auto warn = [&](const std::string& warning) {
    if (!contains(warning, "no checksum")) said.push_back(warning);  // the test's archive has none
  };
  // In the hooks of a tensor.
  using namespace std::string_literals;
  const test::TemporaryFolder folder;
  const std::string path = folder / "hooks.pt", storage = "((U\7storagectorch\nByteStorage\nU\1",
                    end = "U\3cpuK\1tQ";
  test::write_file(path, test::Archive()
                             .add("x/data.pkl", "\x80\2ctorch._utils\n_rebuild_tensor_v2\n" + storage + "0" +
                                                    end + "K\0K\1\x85K\1\x85\x89(dU\1h"s + storage.substr(1) +
                                                    "1" + end + "stR.")
                             .add("x/data/0", "a")
                             .add("x/data/1", "b")
                             .add("x/version", "3\n")
                             .finish());
  io::load(path, {.warn = warn});
  REQUIRE(said.size() == 1);
  CHECK_MESSAGE(said[0].starts_with("load: '" + path + "': 1 of 2 storages "), said[0]);
  CHECK_MESSAGE(contains(said[0], "belong to nothing in the value, '1' is the first"), said[0]);
  io::open(path, {.warn = warn});
  CHECK(said.size() == 2);
  for (const char* name : {"module.pt", "zip.pt", "legacy.pt", "script.pt", "special.pt"})
    io::load(fixture(name), {.warn = warn});
  CHECK(said.size() == 2);
}

TEST_CASE("torch corners: the _metadata of a state dict goes from PyTorch to PyTorch") {
  const test::TemporaryFolder folder;
  for (const Value& value : read_all_ways("metadata.pt")) {
    const Value& model = value.at("model");
    REQUIRE(model.attributes().is_dict());
    const Value& metadata = model.attributes().at("_metadata");
    CHECK(metadata["norm"] == Value({{"version", 2}}));
    CHECK(model.as_state_dict().size() == 7);
    CHECK(value.attributes().is_none());
    const std::string path = folder / "again.pth";
    io::save(path, value);
    CHECK(io::load(path).at("model").attributes().at("_metadata") == metadata);
    CHECK(io::load(path) == value);
    io::save(folder / "x.kiln", value);
    CHECK(io::load(folder / "x.kiln") == value);
    if (std::system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0) {
      test::skip("python3-torch is not installed");
      continue;
    }
    std::string command =
        "/usr/bin/python3 -c \"import sys, torch; s = torch.load(sys.argv[1], weights_only=True)['model']; "
        "assert s._metadata['norm'] == {'version': 2} and list(s)[0] == 'fc.weight', s; "
        "assert list(s._metadata) == ['', 'fc', 'norm']\" ";
    command += path;
    CHECK(std::system(command.c_str()) == 0);
  }
  Value bad = {{"x", 1}};
  bad.set_attributes({{"_metadata", Value({{"t", tensor({1.0})}})}});
  io::save(folder / "tensors.pth", bad);
  CHECK(io::load(folder / "tensors.pth").attributes() == bad.attributes());
}

TEST_CASE("torch corners: what is nested too deep to be saved is refused by every writer") {
  const test::TemporaryFolder folder;
  Value deep = tensor({1.0});
  for (int i = 0; i < 100'000; ++i) {
    Value outer = Value::dict();
    outer["k"] = std::move(deep);
    deep = std::move(outer);
  }
  for (const char* name : {"x.kiln", "x.pth", "x.safetensors", "x.npz", "x.npy"}) {
    CAPTURE(name);
    CHECK_FALSE(error_of([&] { io::save(folder / name, deep); }).empty());
  }
  Value holder = {{"x", 1}};
  holder.set_attributes({{"_metadata", std::move(deep.at("k/k/k"))}});
  CHECK_FALSE(error_of([&] { io::save(folder / "m.pth", holder); }).empty());
}

}  // namespace kiln
