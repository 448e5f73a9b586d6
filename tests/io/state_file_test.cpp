#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include <kiln/io/load.h>
#include <kiln/tensor/value/state_dict.h>

#include "support/files.h"

namespace kiln {
namespace {

using namespace std::string_literals;
using test::error_of;
using test::TemporaryFolder;

// Values 0, 1, 2, ... as bytes of any dtype, in a given layout.
Tensor numbered(DType dtype, const Shape& shape) {
  Tensor x = empty(shape, {.dtype = dtype});
  auto* bytes = static_cast<unsigned char*>(x.raw_data());
  for (int64_t i = 0; i < x.numel() * size_of(dtype); ++i)
    bytes[i] = static_cast<unsigned char>(dtype == bool8 ? i % 2 : i % 251);
  return x;
}

Tensor with_layout(const Tensor& x, const Layout& layout) {
  return from_storage(x.impl()->storage, x.dtype(), layout);
}

Value saved_and_loaded(const Value& value, const io::LoadOptions& options = {},
                       const io::SaveOptions& save = {}) {
  const TemporaryFolder folder;
  io::save(folder / "x.kiln", value, save);
  return io::load(folder / "x.kiln", options);
}

}  // namespace

TEST_CASE("state file: plain values") {
  const double inf = std::numeric_limits<double>::infinity();
  const Value rows[] = {
      {},
      true,
      false,
      0,
      INT64_MIN,
      INT64_MAX,
      0.0,
      1.0,
      0.1,
      -1e300,
      1e22,
      5e-324,
      std::numeric_limits<double>::max(),
      std::nan(""),
      inf,
      -inf,
      "",
      "text",
      "quote \" slash \\ newline \n tab \t bell \a",
      "Gr\xc3\xbc\xc3\x9f\x65, \xe4\xb8\xad\xe6\x96\x87, \xf0\x9f\x8e\xb2",
      std::string("zero \0 inside", 13),
      "not UTF-8: \xff\xfe\xc3",
      Value::Bytes{""},
      Value::Bytes{std::string("\0\1\2\xff", 4)},
      Value::list(),
      Value::tuple(),
      Value::dict(),
      Value::list({1, 2.0, "three", nullptr, Value::list({Value::tuple({4})})}),
      Value::dict({{0, "int"}, {"0", "string"}, {-5, Value::dict({{"\xff", 1}, {"", 2}})}}),
      {{"kiln", 1}, {"__metadata__", 2}, {"tensor", 3}, {"dict", {{"float", "nan"}}}},
  };
  for (const Value& row : rows) {
    CAPTURE(to_string(row));
    CHECK(saved_and_loaded(row) == row);
    CHECK(saved_and_loaded({{"x", Value::list({row})}}) == Value{{"x", Value::list({row})}});
  }
  CHECK(std::signbit(saved_and_loaded(-0.0).as_float()));
}

TEST_CASE("state file: tensors of every dtype and shape") {
  Value all = Value::list();
  for (int dtype = 0; dtype < kDTypeCount; ++dtype)
    for (const Shape& shape : {Shape{}, {0}, {1}, {7}, {3, 5}, {0, 4}, {33}, {2, 1, 3, 1, 2, 1, 2}})
      all.push_back(numbered(DType(dtype), shape));
  for (const bool map : {false, true})
    for (const bool verify : {false, true})
      for (const bool align : {false, true}) {
        CAPTURE(map);
        CAPTURE(align);
        CHECK(saved_and_loaded(all, {.verify = verify, .map = map}, {.align = align}) == all);
      }
  CHECK(saved_and_loaded(numbered(float32, {3})) == Value(numbered(float32, {3})));
}

TEST_CASE("state file: the order of memory is kept") {
  const Tensor x = numbered(float32, {2, 3, 4, 5});
  const Tensor matrix = numbered(float32, {6, 4});
  const Layout rows[] = {
      x.layout(),
      Layout::contiguous({2, 3, 4, 5}, MemoryFormat::channels_last),
      x.layout().permute({3, 1, 0, 2}),
  };
  for (const Layout& layout : rows)
    for (const bool map : {false, true}) {
      const Tensor wanted = with_layout(x, layout);
      const Value got = saved_and_loaded({{"w", wanted}, {"same", wanted}}, {.map = map});
      CHECK(got["w"] == Value(wanted));
      CHECK(got["w"].as_tensor().strides() == layout.strides);
      CHECK(got["w"].as_tensor().shares_storage(got["same"].as_tensor()));
    }
  // A view with gaps is stored without them.
  const Tensor part = with_layout(matrix, matrix.layout().narrow(1, 1, 2));
  const Tensor loaded = saved_and_loaded(part).as_tensor();
  CHECK(Value(loaded) == Value(part));
  CHECK(loaded.is_contiguous());
}

TEST_CASE("state file: tensors that share memory are stored once") {
  const Tensor base = numbered(float32, {100, 64});
  const Layout& layout = base.layout();
  const Value value = {
      {"row", with_layout(base, layout.select(0, 3))},
      {"base", base},
      {"tied", base},
      {"transposed", with_layout(base, layout.transpose(0, 1))},
      {"columns", with_layout(base, layout.narrow(1, 8, 16, 2))},
  };
  const TemporaryFolder folder;
  io::save(folder / "x.kiln", value);
  CHECK(test::read_file(folder / "x.kiln").size() < 27000);
  for (const bool map : {false, true}) {
    const Value got = io::load(folder / "x.kiln", {.map = map});
    CHECK(got == value);
    for (const auto& [name, tensor] : got.entries())
      CHECK(tensor.as_tensor().shares_storage(got["base"].as_tensor()));
    CHECK(got["transposed"].as_tensor().strides() == Strides{1, 64});
    got["base"].as_tensor().data<float>()[3 * 64] = -1;
    CHECK(got["row"].as_tensor().data<float>()[0] == -1);
    CHECK(io::load(folder / "x.kiln") == value);  // a mapping is private
  }

  // Overlapping windows without a common base; another dtype over the same bytes; an expanded tensor.
  const Tensor line = numbered(int16, {64});
  const Tensor bits = from_storage(line.impl()->storage, uint8, {{40}, {1}, 33});
  const Value windows = {{"a", with_layout(line, {{20}, {1}, 5})},
                         {"b", with_layout(line, {{20}, {2}, 20})},
                         {"bits", bits},
                         {"same", with_layout(numbered(float64, {1}), {{1000, 1000}, {0, 0}, 0})}};
  io::save(folder / "y.kiln", windows);
  const Value got = io::load(folder / "y.kiln");
  CHECK(got["a"] == windows["a"]);
  CHECK(got["b"] == windows["b"]);
  CHECK(got["bits"] == windows["bits"]);
  CHECK(got["a"].as_tensor().shares_storage(got["bits"].as_tensor()));
  CHECK(got["same"].as_tensor().strides() == Strides{0, 0});
  CHECK(test::read_file(folder / "y.kiln").size() < 2000);

  // Neighbours in one arena are tensors of their own.
  const Value arena = {{"a", with_layout(base, {{32}, {1}, 0})}, {"b", with_layout(base, {{32}, {1}, 32})}};
  const Value apart = saved_and_loaded(arena);
  CHECK(apart == arena);
  CHECK(!apart["a"].as_tensor().shares_storage(apart["b"].as_tensor()));
}

TEST_CASE("state file: names of tensors in the file") {
  const TemporaryFolder folder;
  const Value value = {
      {"model", StateDict{{"fc.weight", numbered(float32, {101})}, {"fc.bias", numbered(float32, {101})}}},
      {"model.fc", {{"bias", numbered(float32, {5})}}},
      {"__metadata__", numbered(uint8, {1})},
      {"kiln.filler.0", numbered(uint8, {1})},
      {"\xff", numbered(uint8, {1})},
      {"list", Value::list({numbered(DType::complex128, {2})})}};
  io::save(folder / "x.kiln", value);
  CHECK(io::load(folder / "x.kiln") == value);
  const std::string text = test::read_file(folder / "x.kiln");
  for (const char* name : {R"("model.fc.weight":{"dtype":"F32","shape":[101])", R"("model.fc.bias#2":{)",
                           R"("__metadata__#2":{)", R"("_kiln.filler.0":{)", R"("?":{)",
                           R"("list.0":{"dtype":"F64","shape":[2,2])", R"("kiln.filler.0":{"dtype":"U8")"})
    CHECK_MESSAGE(text.find(name) != std::string::npos, name);
}

// Each looks for a name of its own, which takes minutes where all look from the same one on.
TEST_CASE("state file: tensors of one name, many times") {
  constexpr int kMany = 60'000;
  const TemporaryFolder folder;
  std::vector<Value::Entry> entries;
  for (int i = 0; i < kMany; ++i)
    entries.push_back({Value::Key(Value(tensor({float(i)}))), Value::tuple({i, "x"})});
  const Value value = Value::dict(std::move(entries));
  for (const char* name : {"x.kiln", "x.pth"}) {
    io::save(folder / name, value);
    CHECK(io::load(folder / name).size() == size_t(kMany));
  }
}

TEST_CASE("state file: tensors begin at multiples of 64 bytes") {
  const TemporaryFolder folder;
  Value value = Value::dict();
  for (const int64_t size : {1000, 10, 1, 101, 64, 7, 16, 129})
    for (const DType dtype : {float32, int64, bool8, float16})
      value[name_of(dtype) + std::to_string(size)] = numbered(dtype, {size});
  io::save(folder / "x.kiln", value);
  const Value got = io::load(folder / "x.kiln", {.map = true});
  CHECK(got == value);
  for (const auto& [name, tensor] : got.entries()) {
    const Tensor& x = tensor.as_tensor();
    const auto bytes = x.numel() * size_of(x.dtype());
    CHECK(reinterpret_cast<uintptr_t>(x.raw_data()) % uintptr_t(bytes >= 64 ? 64 : size_of(x.dtype())) == 0);
  }
}

// Behind 65 bytes none of the small ones fits, which begin at multiples of 8: asking each at every gap takes
// minutes.
TEST_CASE("state file: many gaps and many small tensors") {
  constexpr int kMany = 60'000;
  const TemporaryFolder folder;
  std::vector<Value::Entry> entries;
  for (int i = 0; i < kMany; ++i) entries.push_back({i, numbered(uint8, {65})});
  for (int i = 0; i < kMany; ++i) entries.push_back({-1 - i, numbered(float64, {3})});
  io::save(folder / "x.kiln", Value::dict(std::move(entries)));
  CHECK(io::load(folder / "x.kiln").size() == size_t(2 * kMany));
}

TEST_CASE("state file: the same value gives the same bytes") {
  const TemporaryFolder folder;
  const Value value = {{"w", numbered(float32, {10, 3})}, {"n", 7}};
  io::save(folder / "a.kiln", value);
  io::save(folder / "b.kiln", io::load(folder / "a.kiln"));
  CHECK(test::read_file(folder / "a.kiln") == test::read_file(folder / "b.kiln"));
}

TEST_CASE("state file: what cannot be saved") {
  const TemporaryFolder folder;
  Value deep;
  for (int i = 0; i < 200; ++i) deep = Value::list({deep});
  CHECK(saved_and_loaded(deep) == deep);
  deep = Value::list({deep});
  CHECK(error_of([&] {
          io::save(folder / "x.kiln", deep);
        }).starts_with("save: the value is nested deeper than 200 levels"));
  const Tensor wide = numbered(DType::complex128, {1, 1, 1, 1, 1, 1, 1, 1});
  CHECK(error_of([&] {
          io::save(folder / "x.kiln", {{"z", wide}});
        }).starts_with("save: 'z' is complex128 with 8 dimensions"));
  CHECK(saved_and_loaded(numbered(uint8, {1, 1, 1, 1, 2, 1, 1, 1})) ==
        Value(numbered(uint8, {1, 1, 1, 1, 2, 1, 1, 1})));
  const std::string missing = folder / "none/x.kiln";
  CHECK(error_of([&] { io::save(missing, 1); }) ==
        "save: cannot write '" + missing + "': No such file or directory");
  CHECK(error_of([&] { io::save(folder.path(), 1); }) ==
        "save: cannot write '" + folder.path() + "': it is a folder");
  CHECK(error_of([&] { io::save("/dev/null", 1); }) ==
        "save: cannot write '/dev/null': it is not a regular file");
  CHECK(error_of([&] { io::save("", 1); }) == "save: '' is not the name of a file");
}

TEST_CASE("state file: what cannot be loaded") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.kiln";
  const auto error_for = [&](const std::string& bytes) {
    test::write_file(path, bytes);
    return error_of([&] { io::load(path); });
  };
  const auto header = [](const std::string& json, const std::string& data = "") {
    const uint64_t length = json.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + json + data;
  };
  const std::string it = "the header of '" + path + "' ";
  CHECK(error_of([&] { io::load(path); }) == "load: cannot open '" + path + "': No such file or directory");
  CHECK(error_of([&] { io::load(folder.path()); }) ==
        "load: cannot read '" + folder.path() + "': it is a folder; there is no file in it");
  const std::pair<std::string, std::string> rows[] = {
      {"", "load: '" + path + "' is empty"},
      {"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"},
      {"<!DOCTYPE html>", "is an HTML page"},
      {"PK\3\4........", "is a zip archive without its directory"},
      {std::string(1000, '\0'), "begins with 512 zero bytes"},
      {"garbage", "is not a file of weights"},
      {header("{]"), it + "is not valid JSON at byte 2"},
      {header("{\"a\":" + std::string(100000, '[')), "is nested deeper than 3 levels"},
      {header("{\"\xff\":1}"), "is not valid JSON"},
      {header("{}\0{\"evil\":1}"s), it + "is not valid JSON at byte 2: it has a zero byte"},
      {header("{}\0"s), it + "is not valid JSON at byte 2: it has a zero byte"},
      {header("\xef\xbb\xbf{}"), "is not a file of weights"},
      {header(R"({"a":1e999})"), "is not valid JSON"},
      {header(R"({"a":99999999999999999999})"), ""},
      {header(R"({"a":1})"), "gives 'a' no dtype, shape and data_offsets"},
      {header(R"({"a":{"dtype":"F5","shape":[],"data_offsets":[0,0]}})"),
       "the dtype F5, which Kiln does not have"},
      {header(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,0]}})"),
       "F4 of shape [3], which are not whole bytes"},
      {header(R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,0]}})"),
       "0 bytes, which does not fit"},
      {header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234"),
       "4 bytes, which does not fit"},
      {header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "bytes 0 to 4, the file has 0"},
      {header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "12345678"),
       "a hole or an overlap at byte 0"},
      {header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "12345678"),
       "describes 4 bytes of data, the file has 8"},
      {header(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4,4],"data_offsets":[0,0]}})"),
       "does not fit"},
      {header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234"),
       "a size that is not a positive int"},
      {header(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", "1234"),
       "9 dimensions"},
      {header(
           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
       "the key 'a' is given twice"},
      {header(R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", "2"), "neither 0 nor 1"},
      {header(R"({"__metadata__":{"kiln":"{}"}})"), "lacks one of"},
      {header(R"({"__metadata__":{"kiln":"{}","kiln.crc32c":"00000000"}})"), "checksum in the wrong place"},
      {header(R"({"__metadata__":{"kiln.crc32c":"00000000","kiln":"{}"}})"), "the file is damaged"},
      {header(R"({"__metadata__":[]})"), "a __metadata__ that is not an object"},
      {std::string("\xff\xff\xff\xff\xff\xff\xff\x3f{\"a", 11),
       "its header should have 4611686018427387903 bytes"},
  };
  for (const auto& [bytes, message] : rows) {
    CAPTURE(bytes.substr(0, 100));
    const std::string error = error_for(bytes);
    CHECK_MESSAGE(error.find(message) != std::string::npos, error);
    CHECK(!error.empty());
  }
}

TEST_CASE("state file: a plain safetensors file is a dict of tensors") {
  const TemporaryFolder folder;
  const std::string json =
      R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const uint64_t length = json.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  const float one = 1;
  bytes += json + "\7" + std::string(reinterpret_cast<const char*>(&one), 4);
  test::write_file(folder / "x", bytes);
  const Value wanted = {{"b", tensor({1.f})}, {"a", numbered(uint8, {1})}};
  for (const bool map : {false, true}) {
    const Value got = io::load(folder / "x", {.map = map});
    CHECK(got["b"] == wanted["b"]);
    CHECK(got["a"].as_tensor().data<uint8_t>()[0] == 7);
  }
}

}  // namespace kiln
