#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>

#include <kiln/io/bytes/crc32.h>
#include <kiln/io/bytes/sha256.h>
#include <kiln/io/load.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/base/fail.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {

TEST_CASE("sha256: the examples of FIPS 180-4") {
  const struct {
    std::string text;
    const char* digest;
  } rows[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& [text, digest] : rows)
    for (const size_t step : {size_t(1000000), size_t(63), size_t(64), size_t(100)}) {
      io::Sha256 sum;
      for (size_t at = 0; at < text.size(); at += step)
        sum.add(text.data() + at, std::min(step, text.size() - at));
      CHECK(sum.finish() == digest);
    }
}

TEST_CASE("crc32: as zlib's, whatever the length and the cut") {
  CHECK(io::crc32("123456789", 9) == 0xcbf43926);
  std::string text;
  for (int i = 0; i < 300; ++i) text += char(i * 7 + i / 5);
  for (size_t begin = 0; begin < 20; ++begin)
    for (size_t end = begin; end < text.size(); ++end) {
      uint32_t bitwise = ~0U;
      for (size_t i = begin; i < end; ++i) {
        bitwise ^= static_cast<unsigned char>(text[i]);
        for (int bit = 0; bit < 8; ++bit) bitwise = bitwise & 1 ? bitwise >> 1 ^ 0xedb88320 : bitwise >> 1;
      }
      const size_t cut = begin + (end - begin) / 3;
      const uint32_t first = io::crc32(text.data() + begin, cut - begin);
      REQUIRE(io::crc32(text.data() + begin, end - begin) == ~bitwise);
      REQUIRE(io::crc32(text.data() + cut, end - cut, first) == ~bitwise);
    }
}

TEST_CASE("safetensors writer: reads back row-major, wide types first") {
  const test::TemporaryFolder folder;
  const Tensor w = tensor({{1.f, 2.f}, {3.f, 4.f}}), mask = tensor({true, false, true});
  const Tensor turned = from_storage(w.impl()->storage, float32, {{2, 2}, {1, 2}, 0});
  io::save(folder / "x.safetensors",
           {{"mask", mask}, {"net", {{"w", w}, {"turned", turned}}}, {"list", Value::list({tensor(7)})}});
  const std::string bytes = test::read_file(folder / "x.safetensors");
  // The names are in the order of the value, the wide elements first in the data.
  CHECK(bytes.substr(8).starts_with(R"({"__metadata__":{"format":"pt","kiln.order":")"));
  CHECK(bytes.find("net.turned") < bytes.find("list.0"));
  CHECK(bytes.find("\"list.0\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}") !=
        std::string::npos);
  const Value back = io::load(folder / "x.safetensors");
  CHECK(back.size() == 4);
  CHECK(back["list.0"] == Value(tensor(7)));
  CHECK(back["mask"] == Value(mask));
  CHECK(back["net.w"] == Value(w));
  CHECK(back["net.turned"] == Value(tensor({{1.f, 3.f}, {2.f, 4.f}})));
  CHECK(back.entries()[0].key == "mask");
  CHECK(bytes.find("\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[40,43]}") !=
        std::string::npos);
}

TEST_CASE("npy and npz writers: NumPy reads them") {
  const std::string python = "/usr/bin/python3";
  if (std::system((python + " -c 'import numpy' 2>/dev/null").c_str()) != 0)
    return test::skip("python's numpy is not installed");
  const test::TemporaryFolder folder;
  io::save(folder / "one.npy", tensor({{1.5, 2.5, 3.5}}));
  Value many = Value::dict();
  std::string expected = "float32 (1, 3) [[1.5, 2.5, 3.5]]\n";
  for (int dtype = 0; dtype < kDTypeCount; ++dtype) {
    const std::string name = name_of(DType(dtype));
    if (name == "bfloat16" || name.starts_with("float8")) continue;
    const Tensor x = empty({2}, {.dtype = DType(dtype)});
    std::memset(x.raw_data(), 1, size_t(2 * size_of(x.dtype())));
    many[name] = x;
    expected += fmt::format(
        "{} {} (2,) {}\n", name, name,
        io::hex(std::string_view(static_cast<const char*>(x.raw_data()), size_t(2 * size_of(x.dtype())))));
  }
  many["a/b"] = Value{{"0-dim", tensor(true)}, {"none", empty({0, 2})}};
  io::save(folder / "many.npz", many);
  io::save(folder / "x.pth", many);
  io::save(folder / "empty.npz", Value::dict());
  CHECK(io::load(folder / "one.npy") == Value(tensor({{1.5, 2.5, 3.5}})));
  CHECK(io::load(folder / "many.npz")["a/b.0-dim"] == Value(tensor(true)));
  const std::string command =
      fmt::format("{} tests/io/plain_files_python.py {} > {} 2>&1", python, folder.path(), folder / "out");
  const int status = std::system(command.c_str());
  const std::string out = test::read_file(folder / "out");
  REQUIRE_MESSAGE(status == 0, out);
  CHECK(out == expected + "a/b.0-dim bool () 01\na/b.none float32 (0, 2) \n[]\nNone\nNone\nNone\n");
}

}  // namespace kiln
