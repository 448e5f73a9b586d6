#include <doctest/doctest.h>

#include <kiln/io/load.h>
#include <kiln/tensor/value/state_dict.h>

#include "support/files.h"

// The fixtures were written by tests/io/make_fixtures.py.

namespace kiln {
namespace {

using test::TemporaryFolder;

std::string fixture(const std::string& name) { return "tests/io/fixtures/" + name; }

template <class T>
std::vector<T> elements(const Value& value) {
  return value.as_tensor().to_vector<T>();
}

std::string error_of(const std::string& path, const io::LoadOptions& options = {}) {
  try {
    io::load(path, options);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("torch files: a checkpoint of every container and protocol") {
  for (const char* name : {"zip.pt", "zip4.pt", "legacy.pt", "legacy1.pt", "legacy4.pt"})
    for (const bool map : {false, true}) {
      CAPTURE(name);
      const Value value = io::load(fixture(name), {.map = map});
      REQUIRE(value.is_dict());
      CHECK(to_string(value.entries()[0].key) == "matrix");
      CHECK(elements<float>(value.at("transposed")) ==
            std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
      CHECK(value.at("transposed").as_tensor().strides() == Dims{1, 4});
      CHECK(elements<float>(value.at("tail")) == std::vector<float>{8, 9, 10, 11});
      CHECK(value.at("tail").as_tensor().shares_storage(value.at("matrix").as_tensor()));
      CHECK(elements<float>(value.at("half")) == std::vector<float>{1.5f, -2});
      CHECK(value.at("bf16").as_tensor().dtype() == bfloat16);
      CHECK(elements<float>(value.at("bf16")) == std::vector<float>{1.5f, -2});
      CHECK(elements<bool>(value.at("flags")) == std::vector<bool>{true, false, true});
      CHECK(elements<int64_t>(value.at("longs")) == std::vector<int64_t>{-1, int64_t(1) << 40});
      CHECK(value.at("scalar").as_tensor().shape().empty());
      CHECK(value.at("scalar").as_tensor().item<int64_t>() == 7);
      CHECK(value.at("empty").as_tensor().shape() == Shape{0, 3});
      const Tensor complex = value.at("complex").as_tensor();
      CHECK(complex.dtype() == DType::complex64);
      CHECK(static_cast<const float*>(complex.raw_data())[1] == 2);
      CHECK(elements<float>(value.at("parameter")) == std::vector<float>{1, 1});
      CHECK(value.at("shape") == Value::tuple({2, 3}));
      CHECK(value.at("dtype") == Value("torch.float16"));
      CHECK(value.at("device") == Value("cuda:1"));
      CHECK(elements<int32_t>(value.at("array")) == std::vector<int32_t>{1, 2, 3, 4});
      CHECK(value.at("number").as_tensor().item<double>() == 0.25);
      CHECK(value.at("epoch").as_int() == 7);
      CHECK(value.at("names") == Value::list({"a", Value::tuple({"b", nullptr, true})}));
      CHECK(value.at("state/0/step").as_int() == 3);
    }
}

TEST_CASE("torch files: a whole module is its state dict, under the name of its class") {
  const Value value = io::load(fixture("module.pt"));
  const Value& net = value.at("net");
  CHECK(net.is_object());
  CHECK(net.type() == "__main__.Net");
  const StateDict state = net.as_state_dict();
  CHECK(state.size() == 7);
  CHECK(state.at("fc.weight").to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(state.contains("norm.num_batches_tracked"));
  CHECK_FALSE(state.contains("scratch"));
  CHECK(error_of(fixture("module.pt"), {.strict = true}).find("the class or function __main__.Net") !=
        std::string::npos);
  CHECK(error_of(fixture("zip.pt"), {.strict = true}).empty());

  const StateDict script = io::load(fixture("script.pt")).as_state_dict();
  CHECK(script.size() == 2);
  CHECK(script.at("0.weight").shape() == Shape{2, 3});
}

TEST_CASE("torch files: quantised and sparse tensors") {
  const Value value = io::load(fixture("special.pt"));
  const Value& quantised = value.at("quantised");
  CHECK(quantised.type() == "torch.quint8");
  CHECK(elements<int64_t>(quantised.at("values")) == std::vector<int64_t>{3, 5, 7});
  CHECK(quantised.at("scale").as_float() == 0.5);
  CHECK(quantised.at("zero_point").as_int() == 3);
  const Value& channels = value.at("channels");
  CHECK(channels.type() == "torch.qint8");
  CHECK(elements<int64_t>(channels.at("values")) == std::vector<int64_t>{2, 2, 2, 5, 5, 5});
  CHECK(elements<double>(channels.at("scales")) == std::vector<double>{0.5, 0.25});
  CHECK(channels.at("axis").as_int() == 0);
  const Value& coo = value.at("coo");
  CHECK(coo.type() == "torch.sparse_coo");
  CHECK(elements<int64_t>(coo.at("indices")) == std::vector<int64_t>{0, 1, 1, 0});
  CHECK(elements<float>(coo.at("values")) == std::vector<float>{2, 3});
  CHECK(coo.at("shape") == Value::tuple({2, 2}));
  const Value& csr = value.at("csr");
  CHECK(csr.type() == "torch.sparse_csr");
  CHECK(elements<int64_t>(csr.at("compressed")) == std::vector<int64_t>{0, 1, 2});
  CHECK(elements<int64_t>(csr.at("plain")) == std::vector<int64_t>{1, 0});
}

TEST_CASE("torch files: tar, plain pickles and numpy's files") {
  CHECK(elements<float>(io::load(fixture("tar.pt")).at("weight")) == std::vector<float>{0, 3, 1, 4, 2, 5});
  const Value plain = io::load(fixture("plain.pkl"));
  CHECK(elements<float>(plain.at("x")) == std::vector<float>{0, 1, 2, 3});
  CHECK(elements<int32_t>(plain.at("y/0")) == std::vector<int32_t>{1, 1});
  const Value fortran = io::load(fixture("fortran.npy"));
  CHECK(fortran.as_tensor().strides() == Dims{1, 2});
  CHECK(elements<double>(fortran) == std::vector<double>{0, 1, 2, 3, 4, 5});
  const Value arrays = io::load(fixture("arrays.npz"));
  CHECK(elements<int64_t>(arrays.at("a")) == std::vector<int64_t>{0, 1, 2});
  CHECK(arrays.at("b").as_tensor().item<float>() == 2.5f);
  CHECK(arrays.at("c").type() == "numpy.ndarray");
  CHECK(arrays.at("c/dtype") == Value("|V12"));
}

TEST_CASE("torch files: an index of shards") {
  const TemporaryFolder folder;
  io::save(folder / "a.safetensors", Value({{"x", tensor({1.0, 2.0})}, {"unused", tensor({1})}}));
  io::save(folder / "b.safetensors", Value({{"y", tensor({3})}}));
  const std::string path = folder / "model.safetensors.index.json";
  const auto write = [&](const std::string& map) { test::write_file(path, R"({"weight_map":)" + map + "}"); };
  write(R"({"y": "b.safetensors", "x": "a.safetensors"})");
  const Value value = io::load(path);
  CHECK(value.size() == 2);
  CHECK(to_string(value.entries()[0].key) == "y");
  CHECK(elements<float>(value.at("x")) == std::vector<float>{1, 2});
  const std::pair<const char*, const char*> rows[] = {
      {R"({"x": "../a.safetensors"})", "not a plain name"},
      {R"({"x": "/a.safetensors"})", "not a plain name"},
      {R"({"x": 3})", "names no file for 'x'"},
      {R"({"x": "c.safetensors"})", "cannot open"},
      {R"({"z": "a.safetensors"})", "does not have it"},
      {R"([])", "lacks 'weight_map'"},
      {R"({"x": "model.safetensors.index.json"})", "an index itself"}};
  for (const auto& [map, message] : rows) {
    write(map);
    CHECK_MESSAGE(error_of(path).find(message) != std::string::npos, error_of(path));
  }
}

TEST_CASE("torch files: what cannot be loaded says why") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.pt", zip = test::read_file(fixture("zip.pt"));
  const auto changed = [](std::string bytes, const std::string& from, const std::string& to) {
    const size_t at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    return bytes.replace(at, from.size(), to);
  };
  const std::string legacy = test::read_file(fixture("legacy.pt")), tar = test::read_file(fixture("tar.pt"));
  const std::string proto = "\x80\x02";
  using namespace std::string_literals;
  const std::pair<std::string, const char*> rows[] = {
      {zip.substr(0, zip.size() - 1), "without its directory at the end"},
      {zip + "x", "without its directory at the end"},
      {changed(zip, "OrderedDict", "OrderedDicu"), "record 'zip/data.pkl' is damaged: its CRC-32 is"},
      {changed(zip, "zip/data.pkl", "zap/data.pkl"),
       "described differently by the directory and by its header"},
      {legacy.substr(0, legacy.size() - 1), "is incomplete: storage"},
      {legacy + "x", "1 bytes follow its last storage"},
      {changed(legacy, "\x4D\xE9\x03", "\x4D\xEA\x03"), "version 1002"},
      {changed(tar, "sys_info", "../../in"), "damaged tar header at byte 0"},
      {proto + "cos\nsystem\nU\x02ls\x85R", "byte"},
      {proto + "(}", "byte"},
      {proto + "X\xff\xff\xff\xff" + "a.", "byte"},
      {proto + "U\x01" + "0Q.", "refers to data outside of the pickle"},
      {proto + "}.}.", "2 bytes follow the pickle"},
      {proto + "]q\0h\0a."s, ""},
      {"\x93NUMPY\1\0\x04\0{}\n "s, "a header without proper descr"},
      {"PYTORCH1", "preview format"},
  };
  for (const auto& [bytes, message] : rows) {
    test::write_file(path, bytes);
    const std::string error = error_of(path);
    CHECK_MESSAGE(error.find(message) != std::string::npos, error);
    if (!error.empty()) CHECK(error.find(path) != std::string::npos);
  }
}

TEST_CASE("torch files: nothing is called, and a cycle is cut") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.pt", proto = "\x80\x02";
  test::write_file(path, proto + "cos\nsystem\nU\x02ls\x85R.");
  const Value value = io::load(path);
  CHECK(value.type() == "os.system");
  CHECK(value.at("_args") == Value::tuple({"ls"}));
  CHECK(error_of(path, {.strict = true}).find("os.system") != std::string::npos);

  test::write_file(path, proto + "]q\1h\1a.");
  CHECK(io::load(path).items()[0].is_object());

  // Each list holds the one before twice: 2^40 values, if one copied.
  std::string laughs = proto + "(]q\1";
  for (int i = 1; i < 40; ++i)
    laughs +=
        "](h" + std::string(1, char(i)) + "h" + std::string(1, char(i)) + "eq" + std::string(1, char(i + 1));
  test::write_file(path, laughs + "t.");
  CHECK(error_of(path).find("refer to each other so often") != std::string::npos);

  test::write_file(path, proto + std::string(100'000, ']') + std::string(99'999, 'a') + ".");
  CHECK(error_of(path).find("nested deeper than 1000 levels") != std::string::npos);
}

}  // namespace kiln
