#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/io/bytes/outline.h>
#include <kiln/io/load.h>

#include "tools/run_command.h"

namespace kiln {
namespace {

using test::Command;
using test::contains;

Tensor without_data(const Shape& shape, DType dtype) {
  return from_storage(io::without_memory(numel(shape) * size_of(dtype)), dtype, Layout::contiguous(shape));
}

Value with_attribute(Value value) {
  value.set_attributes({{"absmax", tensor({0.5f, 0.25f})}, {"kind", "nf4"}});
  return value;
}

// One of each kind of tensor that a file may hold, and what hangs on it.
Value kinds() {
  const Tensor bytes = tensor({1, 2}).to(uint8);
  const Value size = Value::tuple({2});
  return {
      {"plain", with_attribute(tensor({1.f}))},
      {"raw", with_attribute(Value::object("torch.float8_e8m0fnu", {{"values", bytes}}))},
      {"quantised",
       with_attribute(Value::object(
           "torch.quint8",
           {{"values", bytes}, {"scheme", "per_tensor_affine"}, {"scale", 0.5}, {"zero_point", 3}}))},
      {"sparse", with_attribute(Value::object("torch.sparse_coo", {{"indices", tensor({{0, 1}}).to(int64)},
                                                                   {"values", tensor({1.f, 2.f})},
                                                                   {"shape", size},
                                                                   {"coalesced", true}}))},
      {"meta", with_attribute(without_data({3}, float32))},
      {"raw meta", Value::object("torch.complex32", {{"values", without_data({3}, int32)}})}};
}

}  // namespace

TEST_CASE("kiln: what hangs on a tensor of any kind is listed, counted, written and compared") {
  const Command kiln;
  io::save(kiln / "a.kiln", kinds());
  io::save(kiln / "a.pth", kinds());
  CHECK(io::load(kiln / "a.pth") == kinds());
  for (const char* name : {"a.kiln", "a.pth"}) {
    CHECK(contains(kiln.out(fmt::format("verify {}", name)), " is whole: 12 tensors, "));
    const std::string table = kiln.out(fmt::format("inspect {}", name));
    size_t count = 0;
    for (size_t at = 0; (at = table.find("  @absmax  ", at)) != std::string::npos; ++at) ++count;
    CHECK_MESSAGE(count == 5, table);
    CHECK(contains(kiln.out(fmt::format("inspect --format tsv {}", name)), "\nquantised.@absmax\t"));
  }
  CHECK(contains(kiln.out("diff a.kiln a.pth"), ", 0 differ\n"));
  Value other = kinds();
  other["raw"].set_attributes({{"absmax", tensor({0.5f, 0.5f})}, {"kind", "nf4"}});
  io::save(kiln / "b.kiln", other);
  CHECK(contains(kiln.run("diff a.kiln b.kiln").out, "~ raw.@absmax: 1 of 2 elements differ"));
}

TEST_CASE("kiln: the steps of convert carry what hangs on tensors, and say what they leave out") {
  const Command kiln;
  Value value = {{"state", {{"w", with_attribute(tensor({1.f}))}, {"b", tensor({2.f})}}}, {"epoch", 3}};
  io::save(kiln / "a.pth", value);
  CHECK(kiln.out("convert a.pth b.pth --weights --rename '^w$' weight") == "b.pth: 3 tensors, 16 B\n");
  CHECK(io::load(kiln / "b.pth") == Value{{"weight", with_attribute(tensor({1.f}))}, {"b", tensor({2.f})}});
  CHECK(kiln.out("convert a.pth c.pth --weights --cast float16") ==
        "c.pth: 2 tensors, 4 B; left out, what hangs on w\n");
  Value named = {{"w", tensor({1.f})}};
  named.set_attributes({{"__metadata__", {{"format", "pt"}, {"licence", "MIT"}}}});
  io::save(kiln / "a.safetensors", named);
  CHECK(contains(kiln.out("inspect a.safetensors"), "\n__metadata__:\nformat  \"pt\"\nlicence  \"MIT\"\n"));
  kiln.out("convert a.safetensors b.safetensors --add net.");
  CHECK(io::load(kiln / "b.safetensors").attributes() == io::load(kiln / "a.safetensors").attributes());
}

TEST_CASE("kiln: tensors in keys are told of") {
  const Command kiln;
  Value value = {{"w", tensor({1.f})}};
  value[Value::Key(Value(tensor({2.f})))] = tensor({3.f});
  value[Value::Key(Value::tuple({1, tensor({4.f})}))] = 5;
  io::save(kiln / "a.kiln", value);
  CHECK(kiln.out("verify a.kiln") == "a.kiln is whole: 2 tensors, 8 B\n2 more tensors are in keys\n");
  CHECK(kiln.out("inspect a.kiln").ends_with("\n2 more tensors are in keys\n"));
}

TEST_CASE("kiln diff: integers of 64 bits, classes, containers, and tensors without data") {
  const Command kiln;
  const int64_t large = int64_t(1) << 53;
  const struct {
    Value a, b;
    const char* line;
  } rows[] = {
      {tensor({large}), tensor({large + 1}),
       "~ x: 1 of 1 elements differ, by 1 at most (relative 1.11e-16)\n"},
      {tensor({-1}).to(int64), tensor({-1}).to(int32), "~ x: int64 | int32\n"},
      {without_data({2}, float32), without_data({2}, float32), ""},
      {without_data({2}, float32), tensor({1.f, 2.f}), "~ x: no data | data\n"},
      {tensor({1.f, 2.f}), without_data({2}, float32), "~ x: data | no data\n"},
      {tensor({1.f}), from_storage(tensor({1.f, 0.f}).impl()->storage, DType::complex64, {{1}, {1}, 0}),
       "~ x: float32 | complex64\n"},
      {Value::list({1}), Value::tuple({1}), "~ x: list | tuple\n"},
      {Value::list(), Value::dict(), "~ x: list | dict\n"},
      {Value::object("A", {{"v", 1}}), Value::object("B", {{"v", 1}}),
       "~ x: object of the class A | object of the class B\n"},
      {Value::object("A", {{"v", 1}}), Value{{"v", 1}}, "~ x: object of the class A | dict\n"},
      {Value::dict(), Value::dict(), ""}};
  for (const auto& [a, b, line] : rows) {
    io::save(kiln / "a.kiln", Value{{"x", a}});
    io::save(kiln / "b.kiln", Value{{"x", b}});
    const std::string out = kiln.run("diff a.kiln b.kiln").out;
    CHECK_MESSAGE(out.starts_with(line), out);
    CHECK(contains(out, ", 0 differ") == (*line == '\0'));
  }
  Value sub = tensor({1.f});
  sub.set_attributes(Value::object("net.Sub", {}));
  io::save(kiln / "a.kiln", Value{{"x", sub}});
  io::save(kiln / "b.kiln", Value{{"x", tensor({1.f})}});
  CHECK(kiln.run("diff a.kiln b.kiln").out == "~ x: class net.Sub | class none\n0 equal, 1 differ\n");
  CHECK(contains(kiln.out("inspect a.kiln"), "\nx  float32  [1]  4 B  net.Sub\n"));
  io::save(kiln / "a.kiln", Value{{"x", Value::dict()}, {"w", 1}});
  io::save(kiln / "b.kiln", Value{{"w", 1}});
  CHECK(kiln.run("diff a.kiln b.kiln").out == "- x: dict\n1 equal, 1 differ\n");
}

}  // namespace kiln
