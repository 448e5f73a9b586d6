#include <doctest/doctest.h>

#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

#include "support/archive.h"
#include "support/files.h"
#include "support/pickle_pieces.h"

// Pickles that ask for tensors which cannot be: each gives one Error that names the file and the record.

namespace kiln {
namespace {

using namespace std::string_literals;
using test::call, test::global, test::number, test::numbers, test::storage, test::text, test::tuple;

const std::string kHooks = global("collections", "OrderedDict") + ")R", kFalse = "\x89", kNone = "N";

std::string tensor_of(const std::string& storage, const std::string& offset, const std::string& size,
                      const std::string& stride) {
  return call("torch._utils", "_rebuild_tensor_v2", {storage, offset, size, stride, kFalse, kHooks});
}
std::string floats(int64_t offset, const std::vector<int64_t>& size, const std::vector<int64_t>& stride) {
  return tensor_of(storage("Float", "0", 4), number(offset), numbers(size), numbers(stride));
}
std::string longs(const std::string& key, int64_t count, const std::vector<int64_t>& size,
                  const std::vector<int64_t>& stride) {
  return tensor_of(storage("Long", key, count), number(0), numbers(size), numbers(stride));
}

// Records: "0" has 16 bytes, "1" the longs 0, 1, 2, 7.
std::string archive(const std::string& pickle, bool with_data = true) {
  std::string one;
  for (const char n : {0, 1, 2, 7}) one += n + std::string(7, '\0');
  test::Archive result;
  result.add("x/data.pkl", "\x80\x02" + pickle + ".").add("x/version", "3\n");
  if (with_data && test::contains(pickle, text("0"))) result.add("x/data/0", std::string(16, '\0'));
  if (with_data && test::contains(pickle, text("1"))) result.add("x/data/1", one);
  return result.finish();
}

std::string error_of(const std::string& bytes, const io::LoadOptions& options = {}) {
  static const test::TemporaryFolder folder;
  const std::string path = folder / "x.pt";
  test::write_file(path, bytes);
  const std::string error = test::error_of([&] { io::load(path, options); });
  if (!error.empty() && !error.starts_with("load: '" + path + "'")) FAIL_CHECK(error);
  return error;
}

struct Row {
  std::string pickle;
  const char* message;
};

void check(const std::vector<Row>& rows) {
  int number = 0;
  for (const auto& [pickle, message] : rows) {
    const std::string error = error_of(archive(pickle));
    CAPTURE(number);
    ++number;
    CHECK_MESSAGE(test::contains(error, message), error);
    CHECK_MESSAGE(test::contains(error, ", record 'x/data"), error);
  }
}

}  // namespace

TEST_CASE("hostile tensors: good ones are read") {
  for (const std::string& pickle : {floats(0, {4}, {1}), floats(3, {}, {}), floats(0, {1000, 1000}, {0, 0}),
                                    floats(9, {0, 5}, {1, 1}), longs("1", 4, {2, 2}, {2, 1})})
    CHECK(error_of(archive(pickle)) == "");
}

TEST_CASE("hostile tensors: storages") {
  check({
      {storage("Float", "0", 5), "has 16 bytes where 5 float32 elements are expected"},
      {storage("Float", "0", 3), "has 16 bytes where 3 float32"},
      {storage("Float", "0", -4), "does not name a storage"},
      {storage("Double", "0", 0x4000000000000002), "has 16 bytes where 4611686018427387906 float64"},
      {storage("Float", "0", 4) + storage("Int", "0", 8) + "\x86", "has 16 bytes where 8 int32"},
      {storage("Float", "9", 4), "there is no record 'x/data/9'"},
      {storage("Float", "../0", 4), "there is no record 'x/data/../0'"},
      {storage("Quaternion", "9", 4), "is not a class of PyTorch's Storages that Kiln knows"},
      {text("storage") + "Q", "a persistent id is str of 0 items, expected a tuple of 5 or 6"},
      {tuple({text("storage"), kNone}) + "Q", "a persistent id is tuple of 2 items"},
      {tuple({text("shortage"), global("torch", "FloatStorage"), text("9"), text("cpu"), number(4)}) + "Qa",
       "byte"},
      {tuple({text("storage"), global("torch", "FloatStorage"), number(9), text("cpu"), number(4)}) + "Q",
       "does not name a storage"},
      {tuple({text("storage"), global("torch", "FloatStorage"), text("9"), text("cpu"), kFalse}) + "Q",
       "does not name a storage"},
  });
}

TEST_CASE("hostile tensors: layouts") {
  const int64_t huge = int64_t(1) << 62;
  check({
      {floats(0, {5}, {1}),
       "a tensor of shape [5] with strides [1] and offset 0 reaches beyond its storage of 4 elements"},
      {floats(4, {1}, {1}), "offset 4 reaches beyond"},
      {floats(-1, {1}, {1}), "offset -1 reaches beyond"},
      {floats(0, {2, 3}, {3, 1}), "reaches beyond its storage of 4"},
      {floats(0, {2}, {4}), "reaches beyond its storage of 4"},
      {floats(0, {2}, {-1}), "a stride that is not an int of at least 0"},
      {floats(0, {-2}, {1}), "a size that is not an int of at least 0"},
      {floats(0, {huge, 4}, {0, 0}), "reaches beyond"},
      {floats(0, {2}, {INT64_MAX}), "reaches beyond"},
      {floats(2, {3, 3}, {huge, huge}), "reaches beyond"},
      {floats(INT64_MAX, {2}, {1}), "reaches beyond"},
      {floats(0, {0, huge, huge}, {1, 1, 1}), "reaches beyond"},
      {floats(0, {1, 1}, {1}), "reaches beyond"},
      {floats(0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}),
       "9 dimensions, Kiln holds up to 8"},
      {tensor_of(storage("Float", "0", 4), number(0), tuple({"\x88"}), numbers({1})),
       "a size that is not an int"},
      {tensor_of(storage("Float", "0", 4), number(0), tuple({"G" + std::string(8, '\0')}), numbers({1})),
       "a size that is not an int"},
      {tensor_of(storage("Float", "0", 4), number(0), tuple({"\x8a\x09" + std::string(9, '\x7f')}),
                 numbers({1})),
       "a size that is not an int"},
      {tensor_of(storage("Float", "0", 4), kNone, numbers({1}), numbers({1})), "holds None"},
      {tensor_of(storage("Float", "0", 4), number(0), kNone, numbers({1})), "arguments of other kinds"},
      {tensor_of(kNone, number(0), numbers({1}), numbers({1})), "None stands where a storage is needed"},
      {tensor_of(storage("Bool", "0", 16), number(0), numbers({int64_t(1) << 40, int64_t(1) << 20}),
                 numbers({0, 0})) +
           "a",
       "byte"},
  });
}

TEST_CASE("hostile tensors: a broadcast bool costs nothing") {
  const std::string mask =
      tensor_of(storage("Bool", "0", 16), number(0), numbers({int64_t(1) << 40, 1 << 20}), numbers({0, 0}));
  CHECK(error_of(archive(mask)) == "");
  const std::string bytes =
      tuple({text("storage"), global("torch", "UntypedStorage"), text("0"), text("cpu"), number(16)}) + "Q";
  CHECK(test::contains(error_of(archive(call("torch._utils", "_rebuild_tensor_v3",
                                             {bytes, number(0), numbers({1 << 30}), numbers({0}), kFalse,
                                              kHooks, global("torch", "bool")}))),
                       "a bool tensor of shape [1073741824] lies in 16 bytes"));
}

TEST_CASE("hostile tensors: quantised and sparse") {
  const auto quantised = [](const std::string& scheme, const std::vector<int64_t>& size,
                            const std::vector<int64_t>& stride) {
    return call(
        "torch._utils", "_rebuild_qtensor",
        {storage("QInt8", "0", 16), number(0), numbers(size), numbers(stride), scheme, kFalse, kHooks});
  };
  const auto channels = [](int64_t count, int64_t axis) {
    const std::string scales =
        call("torch._utils", "_rebuild_tensor_v2",
             {storage("Long", "1", 4), number(0), numbers({count}), numbers({1}), kFalse, kHooks});
    return tuple({global("torch", "per_channel_affine"), scales, scales, number(axis)});
  };
  const std::string affine =
      tuple({global("torch", "per_tensor_affine"), "G" + std::string(8, '\0'), number(0)});
  CHECK(error_of(archive(quantised(affine, {16}, {1}))) == "");
  CHECK(error_of(archive(quantised(channels(4, 0), {4, 2}, {2, 1}))) == "");
  const auto sparse = [](const std::string& layout, const std::vector<std::string>& parts) {
    return call("torch._utils", "_rebuild_sparse_tensor",
                {call("torch.serialization", "_get_layout", {text(layout)}), tuple(parts)});
  };
  const std::string values = floats(0, {2}, {1}), three = floats(0, {3}, {1});
  CHECK(error_of(archive(
            sparse("torch.sparse_coo", {longs("1", 4, {2, 2}, {2, 1}), values, numbers({9, 9})}))) == "");
  CHECK(error_of(archive(sparse("torch.sparse_csr", {longs("1", 4, {3}, {1}), longs("1", 4, {2}, {1}), values,
                                                     numbers({2, 2})}))) == "");
  const char* const fit = "do not fit it";
  check({
      {quantised(affine, {2}, {int64_t(1) << 61}), "reaches beyond its storage of 16"},
      {quantised(channels(3, 0), {4, 2}, {2, 1}), "has 3 scales and 3 zero points on axis 0"},
      {quantised(channels(4, 2), {4, 2}, {2, 1}), "on axis 2"},
      {quantised(channels(4, -1), {4, 2}, {2, 1}), "on axis -1"},
      {quantised(tuple({global("torch", "per_tensor_affine")}), {4}, {1}), "arguments of other kinds"},
      {quantised(kNone, {4}, {1}), "arguments of other kinds"},
      {sparse("torch.sparse_coo", {longs("1", 4, {2, 2}, {2, 1}), values, numbers({1, 9})}),
       fit},  // row 1 of 1
      {sparse("torch.sparse_coo", {longs("1", 4, {2, 2}, {2, 1}), values, numbers({9, 7})}),
       fit},  // column 7 of 7
      {sparse("torch.sparse_coo", {longs("1", 4, {2, 2}, {2, 1}), three, numbers({9, 9})}),
       fit},  // 2 indices, 3 values
      {sparse("torch.sparse_coo", {longs("1", 4, {3, 1}, {1, 1}), floats(0, {1}, {1}), numbers({9, 9})}),
       fit},
      {sparse("torch.sparse_coo", {longs("1", 4, {2, 1 << 30}, {0, 0}), values, numbers({9, 9})}), fit},
      {sparse("torch.sparse_coo", {values, values, numbers({9})}), fit},
      {sparse("torch.sparse_csr",
              {longs("1", 4, {4}, {1}), longs("1", 4, {2}, {1}), values, numbers({2, 2})}),
       fit},
      {sparse("torch.sparse_csr",
              {longs("1", 4, {3}, {1}), longs("1", 4, {2}, {1}), values, numbers({2, 1})}),
       fit},
      {sparse("torch.sparse_csr",
              {longs("1", 4, {2}, {0}), longs("1", 4, {1 << 30}, {0}), values, numbers({2, 2})}),
       fit},
      {sparse("torch.sparse_round",
              {longs("1", 4, {3}, {1}), longs("1", 4, {2}, {1}), values, numbers({2, 2})}),
       fit},
      {sparse("torch.sparse_coo", {values}), "_rebuild_sparse_tensor has arguments of other kinds"},
  });
}

TEST_CASE("hostile tensors: every function with arguments of the wrong number and kind") {
  const std::pair<const char*, const char*> functions[] = {
      {"torch._utils", "_rebuild_tensor"},
      {"torch._utils", "_rebuild_tensor_v2"},
      {"torch._utils", "_rebuild_tensor_v3"},
      {"torch._utils", "_rebuild_parameter"},
      {"torch._utils", "_rebuild_parameter_with_state"},
      {"torch._utils", "_rebuild_qtensor"},
      {"torch._utils", "_rebuild_sparse_tensor"},
      {"torch._utils", "_rebuild_sparse_csr_tensor"},
      {"torch._utils", "_rebuild_device_tensor_from_numpy"},
      {"torch._utils", "_rebuild_xla_tensor"},
      {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor"},
      {"torch._utils", "_rebuild_meta_tensor_no_storage"},
      {"torch._tensor", "_rebuild_from_type_v2"},
      {"torch.storage", "_load_from_bytes"},
      {"numpy.core.multiarray", "_reconstruct"},
      {"numpy.core.multiarray", "scalar"},
      {"numpy.core.numeric", "_frombuffer"},
      {"numpy", "dtype"},
      {"collections", "OrderedDict"},
      {"torch", "Size"},
      {"torch", "device"},
      {"torch.nn.parameter", "Parameter"},
      {"torch", "FloatTensor"}};
  const std::string kinds[] = {kNone,   number(3), text("x"), ")", "]", "}", kHooks, storage("Float", "0", 4),
                               "C\x01z"};
  for (const auto& [module, name] : functions)
    for (const std::string& kind : kinds)
      for (size_t count = 0; count < 9; ++count)
        for (const std::string& state : {""s, kind + "b", tuple({kind, kind, kind, kind}) + "b",
                                         tuple({kind, kind, kind, kind, kind}) + "b"})
          error_of(archive(call(module, name, std::vector<std::string>(count, kind)) + state));
}

TEST_CASE("hostile tensors: files within files") {
  // Each holds the next as bytes.
  std::string inner = archive(floats(0, {4}, {1}));
  for (int depth = 0; depth < 12; ++depth) {
    std::string length;
    for (int i = 0; i < 4; ++i) length += char(inner.size() >> (8 * i));
    std::string bytes = "B";
    bytes += length;
    bytes += inner;
    inner = archive(call("torch.storage", "_load_from_bytes", {bytes}), false);
    const std::string error = error_of(inner);
    CHECK(test::contains(error, depth < 8 ? "" : "files are within files, more than 8 deep"));
    CHECK(error.empty() == (depth < 8));
  }
  CHECK(test::contains(error_of(archive(call("torch.storage", "_load_from_bytes", {"C\4junk"}))),
                       "a file within it is not of PyTorch's"));
}

TEST_CASE("hostile tensors: strict loading refuses what it does not know, in every container") {
  const std::pair<std::string, const char*> rows[] = {
      {call("os", "system", {text("ls")}), "os.system"},
      {call("posix", "system", {text("ls")}), "posix.system"},
      {call("subprocess", "Popen", {text("ls")}), "subprocess.Popen"},
      {call("__builtin__", "eval", {text("2")}), "builtins.eval"},
      {call("builtins", "getattr", {global("os", "path"), text("join")}) + ")R", "(a computed class)"},
      {call("functools", "partial", {global("os", "system")}), "functools.partial"},
      {call("torch.serialization", "load", {text("y.pt")}), "torch.serialization.load"},
      {call("torch.hub", "load", {text("y")}), "torch.hub.load"},
      {call("numpy", "load", {text("y")}), "numpy.load"},
      {global("os", "system"), "os.system"},
  };
  for (const auto& [pickle, name] : rows) {
    const std::string bare = "\x80\x02" + pickle + ".";
    for (const std::string& bytes :
         {bare, archive(pickle),
          "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.M\xE9\x03.}." + bare + "].",
          test::Archive()
              .add("x/data.pkl", bare)
              .add("x/constants.pkl", ").")
              .add("x/version", "3")
              .finish()}) {
      CHECK(error_of(bytes) == "");
      const std::string error = error_of(bytes, {.strict = true});
      CHECK_MESSAGE(
          test::contains(error, fmt::format("it needs the class or function {}, which strict", name)), error);
    }
  }
}

}  // namespace kiln
