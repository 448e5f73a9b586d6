#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <kiln/io/io.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/state_dict.h>

#include "support/files.h"
#include "support/skip.h"

// What save() accepts, load() reads; the rest is an Error.

namespace kiln {
namespace {

constexpr const char* kFormats[] = {"kiln", "safetensors", "npz", "pth", "pt", "ckpt", "bin", "pth.tar"};

using namespace std::string_literals;

// What names of tensors may be, and may be mistaken for.
const std::string kNames[] = {"weight",
                              "a.b",
                              "a\\b",
                              "\\",
                              "a/b",
                              "/a",
                              "a/",
                              "/",
                              "a//b",
                              "",
                              ".",
                              "..",
                              "../a",
                              "a/../b",
                              "a/./b",
                              "~/a",
                              "C:\\a",
                              ".npy",
                              "a.npy",
                              "a.npy.npy",
                              "data.pkl",
                              "archive/data.pkl",
                              "version",
                              "__metadata__",
                              "_metadata",
                              "kiln",
                              "kiln.crc32c",
                              "kiln.filler.0",
                              "0",
                              "-1",
                              "a b",
                              " a",
                              "a ",
                              "\ta\n",
                              "a\0b"s,
                              "\0"s,
                              "\x01\x1f\x7f",
                              "\"quoted\"",
                              "'",
                              "{}",
                              "%s",
                              "gr\u00f6\u00dfe",
                              "\u5b66\u4e60",
                              "\U0001f680",
                              "e\u0301",
                              "\xff\xfe",
                              "\xc3",
                              "a\xed\xa0\x80",
                              "A",
                              "a",
                              "\u00c4",
                              "\u00e4",
                              "CON",
                              "nul",
                              "a:b",
                              "a*b?",
                              "#1",
                              "value",
                              "tensor",
                              "dict",
                              "weight_map",
                              "storage",
                              "cpu"};

std::vector<std::string> names() {
  std::vector<std::string> all(std::begin(kNames), std::end(kNames));
  for (const size_t length : {255, 256, 4096, 65530, 65531, 65532, 65535, 65536, 200'000})
    all.push_back(std::string(length, 'n'));
  return all;
}

std::string shown(const std::string& name) { return fmt::format("{:?}", name.substr(0, 40)); }

// Safetensors files have an order of their own.
bool same(const Value& a, const Value& b) {
  if (a == b) return true;
  if (!a.is_dict() || !b.is_dict() || a.size() != b.size()) return false;
  return std::ranges::all_of(a.entries(), [&](const Value::Entry& entry) {
    const auto found = std::ranges::find(b.entries(), entry.key, &Value::Entry::key);
    return found != b.entries().end() && found->value == entry.value;
  });
}

// Saved and loaded again: the value, or nothing when save() refused it, with a sentence.
bool survives(const std::string& path, const Value& value, const io::SaveOptions& options = {}) {
  const std::string refused = test::error_of([&] { io::save(path, value, options); });
  if (!refused.empty()) {
    CHECK_MESSAGE(refused.starts_with("save: "), refused);
    return false;
  }
  const bool has_index = options.shard_bytes > 0;
  Value back;
  const std::string lost = test::error_of([&] { back = io::load(has_index ? path + ".index.json" : path); });
  CHECK_MESSAGE(lost.empty(), lost);
  CHECK(same(back, value));
  if (lost.empty()) CHECK(same(io::open(has_index ? path + ".index.json" : path).value(), value));
  return true;
}

}  // namespace

TEST_CASE("round trip: every name in every kind of file, alone and among others") {
  const test::TemporaryFolder folder;
  const Tensor x = tensor({1.f, 2.f});
  int refused = 0, kept = 0;
  for (const char* format : kFormats) {
    CAPTURE(format);
    const std::string path = folder / ("a."s + format);
    for (const std::string& name : names()) {
      CAPTURE(shown(name));
      const bool alone = survives(path, Value{{name, x}});
      const bool among = survives(path, Value{{"first", x}, {name, tensor({3, 4})}, {"last", x}});
      CHECK(alone == among);
      ++(alone ? kept : refused);
      if (format == "pth"s || format == "safetensors"s)
        survives(path, Value{{"first", tensor({1.f, 2.f})}, {name, x}}, {.shard_bytes = 8});
    }
  }
  MESSAGE(kept, " names kept, ", refused, " refused");
  CHECK(kept > 6 * refused);
}

TEST_CASE("round trip: PyTorch and NumPy find every name that is kept") {
  constexpr const char* kPython = "/usr/bin/python3";
  if (std::system((kPython + " -c 'import torch, numpy' 2> /dev/null"s).c_str()) != 0)
    return test::skip("python3-torch is not installed");
  const test::TemporaryFolder folder;
  std::string expected;
  for (const char* kind : {"pth", "npz"}) {
    Value kept = Value::dict();
    const std::string path = folder / ("a."s + kind);
    for (const std::string& name : names()) {
      if (name.find('\0') != name.npos) continue;  // Python's zipfile cuts it there
      if (!test::error_of([&] { io::save(path, Value{{name, tensor({1.f})}}); }).empty()) continue;
      kept[name] = tensor({1.f});
      expected += kind + " "s;
      for (const unsigned char c : name) expected += fmt::format("{:02x}", c);
      expected += "\n";
    }
    io::save(path, kept);
  }
  const std::string command =
      fmt::format("{} tests/io/names_python.py {} > {} 2>&1", kPython, folder.path(), folder / "out");
  CHECK(std::system(command.c_str()) == 0);
  CHECK(test::read_file(folder / "out") == expected);
}

TEST_CASE("round trip: names that are refused say what to do") {
  const test::TemporaryFolder folder;
  const Tensor x = tensor({1.f});
  const auto error = [&](const char* file, const std::string& name) {
    return test::error_of([&] { io::save(folder / file, Value{{name, x}}); });
  };
  for (const char* name : {"a\\b", "/a", "../a", "a//b"})
    CHECK(test::contains(error("a.npz", name), "a name in it is a path with '/'"));
  CHECK(test::contains(error("a.safetensors", "__metadata__"), "rename it"));
  CHECK(test::contains(error("a.npz", std::string(70'000, 'a')), "the limit of zip is 65535"));
}

TEST_CASE("round trip: two names that differ by case, by form, by kind or by ending") {
  const test::TemporaryFolder folder;
  for (const char* format : kFormats)
    for (const auto& [a, b] :
         {std::pair("a", "A"), {"\u00e4", "a\u0308"}, {"a", "a.npy"}, {"a/b", "a.b"}, {"1", "01"}}) {
      CAPTURE(format);
      CHECK(survives(folder / ("a."s + format), Value{{a, tensor({1})}, {b, tensor({2})}}));
    }
  // A string and an int are two keys; nested names may meet.
  survives(folder / "a.kiln", Value{{"1", tensor({1})}, {1, tensor({2})}});
  survives(folder / "a.pth", Value{{"1", tensor({1})}, {1, tensor({2})}});
  for (const char* format : {"safetensors", "npz"}) {
    const std::string path = folder / ("b."s + format);
    // One that looks like another is quoted.
    io::save(path, Value{{"1", tensor({1})}, {1, tensor({2})}});
    CHECK(io::load(path) == Value{{"\"1\"", tensor({1})}, {"1", tensor({2})}});
    io::save(path, Value{{"a.b", tensor({1})}, {"a", {{"b", tensor({2})}}}});
    CHECK(io::load(path) == Value{{"\"a.b\"", tensor({1})}, {"a.b", tensor({2})}});
    io::save(path, Value{{"", {{"a", tensor({1})}}}, {"a", tensor({2})}});
    CHECK(io::load(path).contains(".a"));
  }
}

TEST_CASE("round trip: every dtype and layout in every kind of file") {
  const test::TemporaryFolder folder;
  int kept = 0;
  for (int d = 0; d < kDTypeCount; ++d) {
    const auto dtype = DType(d);
    CAPTURE(name_of(dtype));
    const Ref<Storage> bytes = Storage::allocate(64 * size_of(dtype), cpu);
    for (int64_t i = 0; i < bytes->bytes; ++i)
      static_cast<uint8_t*>(bytes->data)[i] = uint8_t(dtype == bool8 ? i % 2 : i * 37 + 1);
    const auto of = [&](const Layout& layout) { return from_storage(bytes, dtype, layout); };
    const Tensor tensors[] = {of({{2, 3}, {3, 1}, 0}),
                              of({{}, {}, 5}),
                              of({{0}, {1}, 0}),
                              of({{2, 0, 3}, {3, 3, 1}, 0}),
                              of({{3, 2}, {1, 3}, 7}),
                              of({{2, 3}, {1, 4}, 3}),
                              of({{4, 5}, {0, 1}, 2}),
                              of({{2, 2, 2, 2}, {8, 1, 4, 2}, 0}),
                              of({{1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, 0})};
    for (const char* format : kFormats) {
      CAPTURE(format);
      const std::string path = folder / ("a."s + format);
      for (const Tensor& x : tensors) {
        CAPTURE(to_string(x.shape()));
        kept += survives(path, Value{{"x", x}});
      }
      Value all = Value::dict();
      for (const Tensor& x : tensors) all[fmt::format("{}", all.size())] = x;  // which share memory
      kept += survives(path, all);
    }
    for (const Tensor& x : tensors) kept += survives(folder / "a.npy", x);
  }
  CHECK(kept > 600);
}

TEST_CASE("round trip: values of every kind") {
  const test::TemporaryFolder folder;
  const double inf = std::numeric_limits<double>::infinity();
  const Value values[] = {nullptr,
                          true,
                          false,
                          0,
                          -1,
                          INT64_MIN,
                          INT64_MAX,
                          0.0,
                          -0.0,
                          0.1,
                          1e300,
                          5e-324,
                          inf,
                          -inf,
                          std::nan(""),
                          "",
                          "text",
                          "a\0b"s,
                          "\u5b66",
                          "\xff",
                          Value::Bytes{""},
                          Value::Bytes{"\0\xff\n"s},
                          Value::list(),
                          Value::tuple(),
                          Value::dict(),
                          Value::list({1, "a", nullptr}),
                          Value::tuple({Value::list(), Value::tuple({1})}),
                          Value{{1, "int"}, {"1", "text"}, {-5, 2}, {"", 3}},
                          Value{{"a", {{"b", {{"c", tensor({1})}}}}}},
                          Value{{"a", Value::dict()}, {"w", tensor({1.f})}},
                          Value{{"a", Value::list()}},
                          Value::list({tensor({1.f})}),
                          Value{{"w", tensor({1.f})}, {"n", 3}},
                          Value::object("models.Net", {{"w", tensor({1.f})}}),
                          tensor({1.f}),
                          Value(std::string(100'000, 'a')),
                          Value::list(std::vector<Value>(100'000, Value(7))),
                          Value::list(std::vector<Value>(300'000, Value("cat")))};
  for (const char* format : {"kiln", "safetensors", "npz", "npy", "pth"})
    for (const Value& value : values) {
      CAPTURE(format);
      CAPTURE(to_string(value).substr(0, 100));
      const std::string path = folder / ("a."s + format);
      // Nested tensors get the names that the keys give together.
      const std::string refused = test::error_of([&] { io::save(path, value); });
      if (refused.empty() && format != "kiln"s && format != "pth"s) {
        const Value back = io::load(path);
        CHECK(back.tensors().size() == value.tensors().size());
      } else {
        survives(path, value);
      }
      const bool any = format == "kiln"s || (format == "pth"s && !(value == Value("\xff")));
      if (any) CHECK(refused.empty() == (format == "kiln"s || !value.is_object()));
    }
  Value deep = 1;
  for (int i = 0; i < 199; ++i) deep = Value::list({std::move(deep)});
  CHECK(survives(folder / "a.kiln", deep));
  CHECK(survives(folder / "a.pth", deep));
}

TEST_CASE("round trip: an empty container among weights is refused where it would be lost") {
  const test::TemporaryFolder folder;
  for (const char* file : {"a.npz", "a.safetensors"}) {
    const std::string error = test::error_of([&] {
      io::save(folder / file, Value{{"w", tensor({1.f})}, {"buffers", Value::dict()}});
    });
    CHECK_MESSAGE(test::contains(error, "'buffers' is an empty dict; choose the weights"), error);
  }
  for (const char* file : {"a.npz", "a.safetensors"}) CHECK(survives(folder / file, Value::dict()));
}

TEST_CASE("round trip: the format can be said, and known endings are PyTorch's") {
  const test::TemporaryFolder folder;
  const Value weights = {{"w", tensor({1.f, 2.f})}};
  const auto begin_of = [&](const std::string& path) { return test::read_file(path).substr(0, 4); };
  for (const char* file : {"a.ckpt", "a.bin", "a.pth.tar", "a.b.pth.tar"}) {
    io::save(folder / file, weights);
    CHECK(begin_of(folder / file) == "PK\3\4");
    CHECK(io::load(folder / file) == weights);
  }
  for (const char* file : {"a.model", "a", "a.kiln", "dir.pth/a"}) {
    if (file == "dir.pth/a"s) folder.write("dir.pth/x", "");
    for (const char* format : kFormats) {
      io::save(folder / file, weights, {.format = format});
      CHECK(io::load(folder / file) == weights);
      const bool is_zip = format != "kiln"s && format != "safetensors"s;
      CHECK((begin_of(folder / file) == "PK\3\4") == is_zip);
    }
  }
  io::save(folder / "one.array", weights.at("w"), {.format = "npy"});
  CHECK(io::load(folder / "one.array") == weights.at("w"));
  CHECK(test::contains(test::error_of([&] { io::save(folder / "a.pth", weights, {.format = "onnx"}); }),
                       "save: there is no format 'onnx' for "));
  CHECK(test::contains(test::error_of([&] { io::save(folder / "a.doc", weights); }),
                       "a.doc' ends in '.doc', which names no kind of file; use .kiln"));
  CHECK(test::contains(test::error_of([&] { io::save(folder / "a.tar", weights); }), "ends in '.tar'"));
  const Value more = {{"v", tensor({1.f, 2.f})}, {"w", tensor({3.f, 4.f})}};
  io::save(folder / "pytorch_model.bin", more, {.shard_bytes = 8});
  CHECK(io::load(folder / "pytorch_model.bin.index.json") == more);
  CHECK(begin_of(folder / "pytorch_model-00001-of-00002.bin") == "PK\3\4");
  io::save(folder / "b.weights", more, {.format = "safetensors", .shard_bytes = 8});
  CHECK(io::load(folder / "b.weights.index.json") == more);
  CHECK(test::contains(test::error_of([&] { io::save(folder / "a\\b.pth", more, {.shard_bytes = 8}); }),
                       "cannot be written in shards"));
}

}  // namespace kiln
