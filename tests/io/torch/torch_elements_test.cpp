#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/io/look.h>
#include <kiln/io/open.h>

#include "support/archive.h"
#include "support/files.h"

// Where elements lie, and of what types they are.

namespace kiln {

using namespace std::string_literals;

TEST_CASE("torch elements: strides and shared memory of types without a storage class of their own") {
  const test::TemporaryFolder folder;
  const Tensor numbers = arange(6).to(int16),
               x = from_storage(numbers.impl()->storage, DType::uint16, Layout::contiguous({6}));
  const auto part = [&](const Layout& layout) {
    return from_storage(x.impl()->storage, DType::uint16, layout);
  };
  const Value value = {{"whole", x},
                       {"expanded", part({{4}, {0}, 1})},
                       {"columns", part({{2, 2}, {3, 2}, 0})},
                       {"turned", part({{3, 2}, {1, 3}, 0})}};
  io::save(folder / "x.pth", value);
  const Value back = io::load(folder / "x.pth");
  CHECK(back == value);
  for (const auto& [key, tensor] : value.entries()) {
    const Tensor& read = back[key].as_tensor();
    CHECK(read.strides() == tensor.as_tensor().strides());
    CHECK(read.impl()->storage == back["whole"].as_tensor().impl()->storage);
  }
}

TEST_CASE(
    "torch elements: safetensors hold elements of 4 and 6 bits of every shape, or say that they cannot") {
  const test::TemporaryFolder folder;
  const struct {
    const char* type;
    Shape bytes, shape;  // shape: {} where the bytes tell it
  } rows[] = {{"torch.float4_e2m1fn_x2", {3}, {}},     {"torch.float4_e2m1fn_x2", {2, 3}, {}},
              {"torch.float4_e2m1fn_x2", {3}, {2, 3}}, {"safetensors.F6_E2M3", {3}, {}},
              {"safetensors.F6_E2M3", {6}, {2, 4}},    {"safetensors.F6_E3M2", {0}, {}},
              {"torch.float8_e8m0fnu", {2, 2}, {}},    {"torch.float8_e8m0fnu", {}, {}}};
  for (const auto& [type, bytes, shape] : rows) {
    CAPTURE(type);
    CAPTURE(bytes);
    Value raw = Value::object(type, {{"values", zeros(bytes, {.dtype = uint8})}});
    if (!shape.empty())
      raw = Value::object(type, {{"values", zeros(bytes, {.dtype = uint8})},
                                 {"shape", Value::tuple(std::vector<Value>(shape.begin(), shape.end()))}});
    io::save(folder / "x.safetensors", Value{{"x", raw}});
    CHECK(io::load(folder / "x.safetensors").at("x") == raw);
  }
  const auto refused = [&](const char* type, const Shape& bytes, const Value& shape) {
    std::vector<Value::Entry> parts = {{"values", zeros(bytes, {.dtype = uint8})}};
    if (!shape.is_none()) parts.push_back({"shape", shape});
    return test::error_of([&] {
      io::save(folder / "x.safetensors", Value{{"x", Value::object(type, parts)}});
    });
  };
  CHECK(test::contains(refused("safetensors.F6_E2M3", {4}, {}), "has 4 bytes, which are not"));
  CHECK(test::contains(refused("torch.float4_e2m1fn_x2", {}, {}), "has 1 bytes, which are not"));
  CHECK(test::contains(refused("torch.float4_e2m1fn_x2", {3}, Value::tuple({7})), "shape [7]"));
  CHECK(test::contains(refused("torch.float4_e2m1fn_x2", {3}, Value("x")), "holds tensors only"));
}

TEST_CASE("torch elements: data lie anywhere in a file that was zipped anew") {
  const test::TemporaryFolder folder;
  const struct {
    const char *storage, *dtype;
    size_t width;
  } rows[] = {{"Byte", "", 1},           {"Half", "", 2},          {"Float", "", 4},        {"Double", "", 8},
              {"ComplexDouble", "", 16}, {"Untyped", "uint16", 2}, {"Untyped", "uint64", 8}};
  for (const auto& [storage, dtype, width] : rows)
    for (size_t shift = 0; shift < 16; ++shift) {
      CAPTURE(storage);
      CAPTURE(shift);
      const bool is_untyped = storage == "Untyped"s;
      const std::string count(1, char(is_untyped ? 2 * width : 2));
      std::string pickle = "\x80\2ctorch._utils\n_rebuild_tensor_v"s + (is_untyped ? "3" : "2") +
                           "\n((U\7storagectorch" + (is_untyped ? ".storage" : "") + "\n" + storage +
                           "Storage\nU\1"s + "0U\3cpuK" + count + "tQK\0K\2\x85K\1\x85\x89}"s;
      if (is_untyped) pickle += "ctorch\n"s + dtype + "\n";
      std::string data;
      for (size_t i = 0; i < 2 * width; ++i) data += char(i);
      const std::string path = folder.write("x.pt", test::Archive()
                                                        .add("x/" + std::string(shift, 'a'), "")
                                                        .add("x/data.pkl", pickle + "tR.")
                                                        .add("x/data/0", data)
                                                        .add("x/version", "3\n")
                                                        .finish());
      io::save(folder / "looked.kiln", io::look(path));
      for (const Value& value : {io::load(path), io::load(path, {.map = true}), io::open(path).value(),
                                 io::load(folder / "looked.kiln")}) {
        const Tensor& x = value.as_tensor();
        CHECK(std::string(static_cast<const char*>(x.raw_data()), 2 * width) == data);
        CHECK(reinterpret_cast<uintptr_t>(x.raw_data()) % width == 0);
      }
    }
}

TEST_CASE("torch elements: any byte but 0 is true, wherever it lies and however it is read") {
  const test::TemporaryFolder folder;
  const Tensor expected = from_values(std::vector<uint8_t>{0, 1, 1}, {3}).to(bool8);
  for (const bool is_untyped : {false, true})
    for (size_t shift = 0; shift < 16; ++shift) {
      CAPTURE(is_untyped);
      CAPTURE(shift);
      std::string pickle = "\x80\2ctorch._utils\n_rebuild_tensor_v"s + (is_untyped ? "3" : "2") +
                           "\n((U\7storagectorch" + (is_untyped ? ".storage\nUntyped" : "\nBool") +
                           "Storage\nU\1"s + "0U\3cpuK\3tQK\0K\3\x85K\1\x85\x89}"s;
      if (is_untyped) pickle += "ctorch\nbool\n";
      const std::string path = folder.write("x.pt", test::Archive()
                                                        .add("x/" + std::string(shift, 'a'), "")
                                                        .add("x/data.pkl", pickle + "tR.")
                                                        .add("x/data/0", "\0\1\7"s)
                                                        .add("x/version", "3\n")
                                                        .finish());
      io::save(folder / "looked.kiln", io::look(path));
      for (const Value& value : {io::load(path), io::load(path, {.map = true}), io::open(path).value(),
                                 io::load(folder / "looked.kiln")})
        CHECK(value == expected);
    }
}

TEST_CASE("torch elements: negated ones of every type") {
  const test::TemporaryFolder folder;
  enum class As { bits, integer, sign };
  const struct {
    const char *storage, *dtype;
    size_t width;
    As negated;
  } rows[] = {{"Bool", "", 1, As::bits},
              {"Byte", "", 1, As::integer},
              {"Char", "", 1, As::integer},
              {"Short", "", 2, As::integer},
              {"Int", "", 4, As::integer},
              {"Long", "", 8, As::integer},
              {"Untyped", "uint16", 2, As::integer},
              {"Untyped", "uint32", 4, As::integer},
              {"Untyped", "uint64", 8, As::integer},
              {"Untyped", "float8_e4m3fn", 1, As::sign},
              {"Untyped", "float8_e5m2", 1, As::sign},
              {"Half", "", 2, As::sign},
              {"BFloat16", "", 2, As::sign},
              {"Float", "", 4, As::sign},
              {"Double", "", 8, As::sign}};
  for (const auto& [storage, dtype, width, negated] : rows) {
    CAPTURE(storage);
    CAPTURE(dtype);
    const bool is_untyped = storage == "Untyped"s;
    const std::string count(1, char(is_untyped ? width : 1));
    std::string pickle = "\x80\2ctorch._utils\n_rebuild_tensor_v"s + (is_untyped ? "3" : "2") +
                         "\n((U\7storagectorch" + (is_untyped ? ".storage" : "") + "\n" + storage +
                         "Storage\nU\1"s + "0U\3cpuK" + count + "tQK\0K\1\x85K\1\x85\x89}"s;
    if (is_untyped) pickle += "ctorch\n"s + dtype + "\n";
    const std::string data = "\1" + std::string(width - 1, '\0');
    const std::string path = folder.write("x.pt", test::Archive()
                                                      .add("x/data.pkl", pickle + "}U\3neg\x88stR.")
                                                      .add("x/data/0", data)
                                                      .add("x/version", "3\n")
                                                      .finish());
    std::string expected = data;
    if (negated == As::integer) expected = std::string(width, '\xff');
    if (negated == As::sign) expected[width - 1] = char(expected[width - 1] ^ '\x80');
    io::save(folder / "looked.kiln", io::look(path));
    for (const Value& value : {io::load(path), io::load(path, {.map = true}), io::open(path).value(),
                               io::load(folder / "looked.kiln")})
      CHECK(std::string(static_cast<const char*>(value.as_tensor().raw_data()), width) == expected);
  }
}

}  // namespace kiln
