#include <doctest/doctest.h>

#include <kiln/io/load.h>

#include "support/archive.h"
#include "support/files.h"
#include "support/pickle_pieces.h"

// What broke other loaders in 2025 and 2026, by the name under which it was reported. Kiln calls nothing, has
// one reader for all containers and no second one to fall back on; so each is the right value or a sentence.

namespace kiln {
namespace {

using namespace std::string_literals;
using test::call, test::global, test::number, test::numbers, test::storage, test::text, test::tuple;

const std::string kHooks = global("collections", "OrderedDict") + ")R", kFalse = "\x89", kNone = "N";
const std::string kFloats(16, '\0');

std::string tensor_of(const std::string& storage, const std::vector<int64_t>& size) {
  std::vector<int64_t> stride(size.size(), 1);
  if (size.size() == 2) stride[0] = size[1];
  return call("torch._utils", "_rebuild_tensor_v2",
              {storage, number(0), numbers(size), numbers(stride), kFalse, kHooks});
}
const std::string kTensor = tensor_of(storage("Float", "0", 4), {4});

std::string longs(const std::vector<int64_t>& numbers) {
  std::string bytes;
  for (const int64_t n : numbers)
    for (int i = 0; i < 8; ++i) bytes += char(uint64_t(n) >> (8 * i));
  return bytes;
}

test::Archive archive(const std::string& pickle) {
  return test::Archive().add("x/data.pkl", "\x80\2" + pickle + ".").add("x/version", "3");
}
std::string with_floats(const std::string& pickle, const std::string& data = kFloats) {
  return archive(pickle).add("x/data/0", data).finish();
}

// Of whatever name: none is believed.
void load(const std::string& bytes, const io::LoadOptions& options, Value& value, std::string& error) {
  const test::TemporaryFolder folder;
  for (const char* name : {"weights.safetensors", "x.pt", "x"}) {
    const std::string path = folder.write(name, bytes);
    error = test::error_of([&] { value = io::load(path, options); });
    CHECK((error.empty() || (error.starts_with("load: ") && test::contains(error, "'" + path + "'"))));
    CHECK(error.find('\n') == error.npos);
  }
}

Value loaded(const std::string& bytes) {
  Value value;
  std::string error;
  load(bytes, {}, value, error);
  CHECK_MESSAGE(error.empty(), error);
  return value;
}

void refused(const std::string& bytes, const char* message, const io::LoadOptions& options = {}) {
  Value value;
  std::string error;
  load(bytes, options, value, error);
  CHECK_MESSAGE(test::contains(error, message), error);
}

}  // namespace

TEST_CASE("CVE-2025-32434: TorchScript behind the safe switch, or a safe name") {
  const std::string attack = global("__torch__", "Net") + ")\x81}(" + text("w") + kTensor + text("run") +
                             call("os", "system", {text("id")}) + "ub";
  const std::string script = archive(attack)
                                 .add("x/data/0", kFloats)
                                 .add("x/constants.pkl", "\x80\2).")
                                 .add("x/code/__torch__.py",
                                      "class Net(Module):\n  __parameters__ = [\"w\", ]\n"
                                      "  def __setstate__(self):\n    aten.save(self)\n")
                                 .finish();
  const Value value = loaded(script);
  CHECK(value.type() == "__torch__.Net");
  CHECK(value.size() == 1);
  refused(script, "it needs the class or function __torch__.Net, which strict", {.strict = true});
}

TEST_CASE("CVE-2025-62164: indices of sparse tensors out of range") {
  const auto sparse = [](const std::string& layout, const std::vector<std::vector<int64_t>>& parts,
                         const std::vector<int64_t>& values_shape, const std::vector<int64_t>& shape,
                         const std::vector<std::vector<int64_t>>& sizes) {
    std::vector<std::string> arguments;
    test::Archive result;
    for (size_t i = 0; i < parts.size(); ++i)
      arguments.push_back(tensor_of(storage("Long", std::to_string(i), int64_t(parts[i].size())), sizes[i]));
    int64_t count = 1;
    for (const int64_t size : values_shape) count *= size;
    std::vector<int64_t> stride(values_shape.size(), 1);
    for (size_t d = stride.size(); d-- > 1;) stride[d - 1] = stride[d] * values_shape[d];
    arguments.push_back(call(
        "torch._utils", "_rebuild_tensor_v2",
        {storage("Float", "v", count), number(0), numbers(values_shape), numbers(stride), kFalse, kHooks}));
    arguments.push_back(numbers(shape));
    result = archive(call("torch._utils", "_rebuild_sparse_tensor",
                          {call("torch.serialization", "_get_layout", {text(layout)}), tuple(arguments)}));
    for (size_t i = 0; i < parts.size(); ++i) result.add("x/data/" + std::to_string(i), longs(parts[i]));
    return result.add("x/data/v", std::string(size_t(4 * count), '\0')).finish();
  };
  const char* const fit = "do not fit it";
  const auto coo = [&](const std::vector<int64_t>& indices, const std::vector<int64_t>& shape,
                       const std::vector<int64_t>& values) {
    return sparse("torch.sparse_coo", {indices}, values, shape, {{1, int64_t(indices.size())}});
  };
  CHECK(loaded(coo({0, 3}, {4}, {2})).type() == "torch.sparse_coo");
  CHECK(loaded(coo({0, 3}, {4, 5}, {2, 5})).type() == "torch.sparse_coo");
  refused(coo({0, 4}, {4}, {2}), fit);
  refused(coo({0, -1}, {4}, {2}), fit);
  refused(coo({0, INT64_MAX}, {4}, {2}), fit);
  refused(coo({0, 3}, {4}, {3}), fit);
  refused(coo({0, 3}, {4, 5}, {2, 4}), fit);  // the dense part of a row
  refused(coo({0, 3}, {4, 5}, {2}), fit);
  refused(coo({}, {-1}, {0}), "a size that is not an int of at least 0");
  const auto csr = [&](const std::vector<int64_t>& rows, const std::vector<int64_t>& columns,
                       const std::vector<int64_t>& shape, const std::vector<int64_t>& values,
                       const std::string& layout = "torch.sparse_csr") {
    return sparse(layout, {rows, columns}, values, shape,
                  {{int64_t(rows.size())}, {int64_t(columns.size())}});
  };
  CHECK(loaded(csr({0, 1, 2}, {0, 3}, {2, 4}, {2})).type() == "torch.sparse_csr");
  CHECK(loaded(csr({0, 1, 2}, {0, 3}, {4, 2}, {2}, "torch.sparse_csc")).type() == "torch.sparse_csc");
  CHECK(loaded(csr({0, 1, 2}, {0, 1}, {4, 6}, {2, 2, 3}, "torch.sparse_bsr")).type() == "torch.sparse_bsr");
  CHECK(loaded(csr({0, 1, 2}, {0, 1}, {4, 6}, {2, 2, 3}, "torch.sparse_bsc")).type() == "torch.sparse_bsc");
  refused(csr({0, 1, 2}, {0, 4}, {2, 4}, {2}), fit);
  refused(csr({0, 1, 2}, {0, -1}, {2, 4}, {2}), fit);
  refused(csr({0, 1, 2}, {0, 3}, {3, 4}, {2}), fit);  // 2 rows told of 3
  refused(csr({0, 1, 2}, {0, 3}, {1, 4}, {2}), fit);
  refused(csr({0, 1, 3}, {0, 3}, {2, 4}, {2}), fit);
  refused(csr({0, 3, 2}, {0, 3}, {2, 4}, {2}), fit);
  refused(csr({1, 1, 2}, {0, 3}, {2, 4}, {2}), fit);
  refused(csr({0, 1, 2}, {0, 3}, {2, 4}, {3}), fit);  // 3 values
  refused(csr({0, 1, 2}, {0, 3}, {2, 4}, {2}, "torch.sparse_csc"), fit);
  refused(csr({0, 1, 2}, {0, 2}, {4, 6}, {2, 2, 3}, "torch.sparse_bsr"), fit);  // of 2 blocks in a row
  refused(csr({0, 1, 2}, {0, 1}, {5, 6}, {2, 2, 3}, "torch.sparse_bsr"), fit);  // not of whole blocks
  refused(csr({0, 1, 2}, {0, 1}, {4, 6}, {2, 0, 3}, "torch.sparse_bsr"), fit);
  refused(csr({0, 1, 2}, {0, 1}, {4, 6}, {2}, "torch.sparse_bsr"), fit);
  // Batches: two matrices of one row each.
  const auto batch = [&](const std::vector<int64_t>& rows, const std::vector<int64_t>& columns,
                         const std::vector<int64_t>& shape) {
    return sparse("torch.sparse_csr", {rows, columns}, {2, 1}, shape, {{2, 2}, {2, 1}});
  };
  CHECK(loaded(batch({0, 1, 0, 1}, {2, 0}, {2, 1, 3})).type() == "torch.sparse_csr");
  refused(batch({0, 1, 0, 1}, {2, 3}, {2, 1, 3}), fit);
  refused(batch({0, 1, 0, 2}, {2, 0}, {2, 1, 3}), fit);
  refused(batch({0, 1, 0, 1}, {2, 0}, {3, 1, 3}), fit);
  refused(batch({0, 1, 0, 1}, {2, 0}, {1, 3}), fit);
}

TEST_CASE("pytorch 169570: _rebuild_from_type_v2 without what it needs") {
  const std::string rebuild = global("torch._tensor", "_rebuild_from_type_v2");
  refused(with_floats(rebuild + ")R"), "_rebuild_from_type_v2 has arguments of other kinds");
  refused(with_floats(rebuild + tuple({kNone}) + "R"), "_rebuild_from_type_v2 has arguments of other kinds");
  refused(with_floats(rebuild + "R"), "byte");
  refused(with_floats("R"), "byte");
  refused(with_floats(rebuild + tuple({text("f"), text("t"), ")", "}"}) + "R"),
          "_rebuild_from_type_v2 has arguments of other kinds");
}

TEST_CASE("CVE-2026-24747: SETITEM into a tensor, and a storage of another size") {
  const std::string item = number(0) + number(1);
  for (const std::string& set : {item + "s", "(" + item + "u", number(1) + "a", "(" + number(1) + "e"}) {
    refused(with_floats(kTensor + set), "record 'x/data.pkl'");
    refused(with_floats(storage("Float", "0", 4) + set), "record 'x/data.pkl'");
    refused(with_floats(tuple({number(1)}) + set), "record 'x/data.pkl'");
    refused(with_floats(text("x") + set), "record 'x/data.pkl'");
  }
  for (const int64_t count : {int64_t(3), int64_t(5), int64_t(0), int64_t(0x4000000000000001), INT64_MAX})
    refused(with_floats(tensor_of(storage("Float", "0", count), {1})),
            "record 'x/data/0' has 16 bytes where");
  refused(with_floats(kTensor, std::string(12, '\0')), "record 'x/data/0' has 12 bytes where 4 float32");
  refused(with_floats(kTensor, std::string(20, '\0')), "record 'x/data/0' has 20 bytes where 4 float32");
}

TEST_CASE("pytorch 194647: NEWOBJ without BUILD at STOP") {
  const Value object = loaded(archive(global("models", "Net") + ")\x81").finish());
  CHECK(object.type() == "models.Net");
  CHECK(object.size() == 0);
  const Value inside = loaded(archive("}" + text("a") + global("models", "Net") + ")\x81s").finish());
  CHECK(inside.at("a").size() == 0);
  for (const auto& [module, name] : {std::pair("torch.nn.parameter", "Parameter"),
                                     {"torch", "FloatTensor"},
                                     {"torch", "Size"},
                                     {"torch", "device"},
                                     {"collections", "OrderedDict"},
                                     {"torch", "FloatStorage"},
                                     {"numpy", "ndarray"},
                                     {"numpy", "dtype"}}) {
    Value value;
    std::string error;
    load(archive(global(module, name) + ")\x81").finish(), {}, value, error);
    CHECK((value.tensors().empty() || value.tensors()[0]->numel() == 0));
  }
}

TEST_CASE("CVE-2026-31214 and others: no fallback after a refusal") {
  const std::string attack =
      "}" + text("w") + kTensor + "s" + text("x") + call("os", "system", {text("id")}) + "s";
  refused(with_floats(attack), "os.system, which strict", {.strict = true});
  const std::string bare = "\x80\2" + call("os", "system", {text("id")}) + ".";
  refused(bare, "os.system, which strict", {.strict = true});
  CHECK(loaded(bare).type() == "os.system");
}

TEST_CASE("CVE-2025-1889, -1944, -1945, -10155, -10156: what scanners of archives did not see") {
  const auto more = [](test::Record record) {
    return archive(kTensor).add("x/data/0", kFloats).add(std::move(record)).finish();
  };
  CHECK(loaded(more({.name = "x/more", .content = "m"})).is_tensor());
  refused(more({.name = "x/data.pkl", .content = "m"}), "record 'x/data.pkl' is there twice");
  refused(more({.name = "x/a", .content = "m", .local_name = "x/data.pkl"}), "is described differently");
  refused(more({.name = "x/a", .content = "m", .local_flags = 1}), "is described differently");
  refused(more({.name = "x/a", .content = "m", .checksum = 7}),
          "record 'x/a' is damaged: its CRC-32 is 00000007");
}

TEST_CASE("safetensors' audit: a file of two kinds") {
  const std::string header = R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const std::string good = std::string(1, char(header.size())) + std::string(7, '\0') + header + "\1";
  CHECK(loaded(good).size() == 1);
  refused(good + with_floats(kTensor), "bytes");
  refused(with_floats(kTensor) + good, "without its directory at the end");
}

}  // namespace kiln
