#include <doctest/doctest.h>

#include <cstdlib>

#include <kiln/io/load.h>
#include <kiln/io/open.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/base/fail.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {
namespace {

// Every dtype of safetensors, with bytes of all kinds, and layouts that are written row-major.
Value example() {
  Value value = Value::dict();
  for (int number = 0; number < kDTypeCount; ++number) {
    const auto dtype = DType(number);
    if (dtype == DType::complex128) continue;
    const Tensor x = empty({3, 30}, {.dtype = dtype});
    auto* bytes = static_cast<unsigned char*>(x.raw_data());
    for (int64_t i = 0; i < x.numel() * size_of(dtype); ++i)
      bytes[i] = dtype == bool8 ? i % 3 == 0 : static_cast<unsigned char>(i * 7 + 1);
    value[name_of(dtype)] = x;
  }
  value["none of them"] = empty({0, 7});
  value["scalar"] = tensor(2.5);
  const Tensor wide = value["float32"].as_tensor();
  value["columns"] = from_storage(wide.impl()->storage, float32, {{3, 10}, {30, 3}, 2});
  value["turned"] = from_storage(wide.impl()->storage, float32, {{30, 3}, {1, 30}, 0});
  value["tied"] = wide;
  return value;
}

}  // namespace

TEST_CASE("safetensors: every dtype and layout comes back with the same bytes") {
  const test::TemporaryFolder folder;
  const Value value = example();
  io::save(folder / "x.safetensors", value);
  const Value back = io::load(folder / "x.safetensors");
  REQUIRE(back.size() == value.size());
  for (const auto& [key, x] : value.entries()) CHECK_MESSAGE(back.at(to_string(key)) == x, to_string(key));
}

// The reference implementation reads what we write, and we what it writes. Its Python is the one of
// KILN_PYTHON, else python3.
TEST_CASE("safetensors: there and back through python's package") {
  const char* chosen = std::getenv("KILN_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "python3";
  if (std::system((python + " -c 'import safetensors' 2>/dev/null").c_str()) != 0)
    return test::skip("python's safetensors is not installed");
  const test::TemporaryFolder folder;
  const Value value = example();
  io::save(folder / "x.safetensors", value);
  const std::string command =
      fmt::format("{} tests/io/safetensors_python.py {} {} > {} 2>&1", python, folder / "x.safetensors",
                  folder / "back.safetensors", folder / "out");
  const int status = std::system(command.c_str());
  const std::string out = test::read_file(folder / "out");
  REQUIRE_MESSAGE(status == 0, out);
  CHECK(test::contains(out, "scalar F32 [] 00002040\n"));
  CHECK(test::contains(out, "none of them F32 [0, 7] \n"));
  const Value back = io::load(folder / "back.safetensors");
  // In their order, though the package sorts them.
  REQUIRE(back.size() == value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    CHECK(back.entries()[i].key == value.entries()[i].key);
    CHECK_MESSAGE(back.entries()[i].value == value.entries()[i].value, to_string(value.entries()[i].key));
  }
}

TEST_CASE("safetensors: names keep their order when another program has sorted them") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.safetensors";
  io::save(path, Value{{"b", tensor(1.0F)}, {"a", tensor(2.0F)}, {"c", tensor(3.0F)}});
  CHECK(test::contains(test::read_file(path), R"("kiln.order":"1,0,2")"));
  io::save(folder / "sorted.safetensors", Value{{"a", tensor(2.0F)}, {"b", tensor(1.0F)}});
  CHECK_FALSE(test::contains(test::read_file(folder / "sorted.safetensors"), "kiln.order"));
  const struct {
    const char *text, *order;
  } rows[] = {{"1,2,0", "bca"},   {"2,1,0", "cba"},
              {"0,1,2", "abc"},   {"", "abc"},
              {"1,0", "abc"},     {"1,1,0", "abc"},
              {"0,1,2,3", "abc"}, {"2,1,0,", "abc"},
              {"2;1,0", "abc"},   {"-1,0,2", "abc"},
              {"3,0,1", "abc"},   {",2,1,0", "abc"},
              {"x", "abc"},       {"99999999999999999999,0,1", "abc"}};
  for (const auto& [text, order] : rows) {
    CAPTURE(text);
    std::string header = fmt::format(R"({{"__metadata__":{{"kiln.order":"{}","k":"v"}})", text);
    for (int i = 0; i < 3; ++i)
      header +=
          fmt::format(R"(,"{}":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})", "abc"[i], i, i + 1);
    header += "}";
    test::write_file(path, std::string(1, char(header.size())) + std::string(7, '\0') + header + "012");
    const io::File file = io::open(path);
    std::string found;
    for (const std::string& name : file.names()) found += name;
    CHECK(found == order);
    CHECK(file.metadata() == Value{{"k", "v"}});
    CHECK(file.tensor("c").item<int>() == '2');
  }
}

}  // namespace kiln
