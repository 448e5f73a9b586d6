#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/version.h>

#include "support/archive.h"
#include "support/files.h"
#include "support/sanitizers.h"
#include "support/skip.h"
#include "tools/run_command.h"

namespace kiln {
namespace {

using namespace std::string_literals;
using test::Command;
using test::Ran;

const Tensor w = tensor({{1.f, 2.f}, {3.f, 4.f}});

Value checkpoint() {
  const Tensor turned = from_storage(w.impl()->storage, float32, {{2, 2}, {1, 2}, 0});
  return {
      {"model", {{"module.fc.weight", w}, {"module.fc.bias", tensor({0.5f, NAN})}, {"module.tied", turned}}},
      {"epoch", 7},
      {"params", Value::list(std::vector<Value>(20, Value(1)))},
      {"betas", Value::tuple({0.9, 0.999})}};
}

}  // namespace

TEST_CASE("kiln inspect: table") {
  const Command kiln;
  io::save(kiln / "a.kiln", checkpoint());
  const std::string text = kiln.out("inspect a.kiln --stats");
  CHECK(text.substr(0, text.find(',')) == "a.kiln");
  CHECK(text.substr(text.find('\n')) == R"(

model  dict of 3
  module.fc.weight  float32  [2,2]  16 B  1 .. 4, mean 2.5, std 1.118
  module.fc.bias    float32  [2]     8 B  0.5 .. 0.5, mean 0.5, std 0, 1 NaN
  module.tied       float32  [2,2]  16 B  1 .. 4, mean 2.5, std 1.118; strides [1,2]; shares memory with model.module.fc.weight
epoch  7
params  list of 20: 1, 1, .. 1
betas  (0.9, 0.999)

3 tensors, 6 elements, 24 B of float32; 1 share memory with others and are counted once
)");
}

TEST_CASE("kiln inspect: tsv and json") {
  const Command kiln;
  io::save(kiln / "a.kiln",
           Value{{"w", w}, {"a\tb", tensor(true)}, {"x", 0.5}, {"t", Value::tuple({"\"", nullptr})}});
  CHECK(kiln.out("inspect a.kiln --sha256 --format tsv") ==
        "#key\tdtype\tshape\tsha256\tstrides\toffset\tbytes\tshares\tstats\n"
        "w\tfloat32\t2x2\tad73b9acd6e4a74b2f5bb5386658ce3bb146cd040a1867646ab3b973fb6632b1\t2x1\t0\t16\t\t\n"
        "\"a\\tb\"\tbool\tscalar\t4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a\t\t0\t1"
        "\t\t\n");
  CHECK(kiln.out("inspect a.kiln --format json") ==
        "{\"file\":\"a.kiln\",\"value\":{"
        "\"w\":{\"dtype\":\"float32\",\"shape\":[2,2],\"strides\":[2,1],\"offset\":0,\"bytes\":16},"
        "\"a\\tb\":{\"dtype\":\"bool\",\"shape\":[],\"strides\":[],\"offset\":0,\"bytes\":1},"
        "\"x\":0.5,\"t\":[\"\\\"\",null]}}\n");
}

TEST_CASE("kiln: what hangs on a TorchScript module and is not in its state dict is told of") {
  const Command kiln;
  test::write_file(kiln / "x.pt", test::read_file("tests/io/fixtures/script_parts.pt"));
  const std::string table = kiln.out("inspect x.pt"), tsv = kiln.out("inspect x.pt --format tsv"),
                    json = kiln.out("inspect x.pt --format json");
  CHECK(test::contains(table, ": __torch__.___torch_mangle_0.Parts with 11 entries\n"));
  CHECK(test::contains(table, "\nnot in the state dict:\ntensor          float32  [3]  12 B\n"));
  CHECK(test::contains(table, "\n11 tensors, "));
  CHECK(test::contains(tsv, "\n#attribute: tensor\tfloat32\t3\t"));
  CHECK(test::contains(json, "\"value\":{\"class\":\"__torch__.___torch_mangle_0.Parts\",\"entries\":"));
  CHECK(test::contains(json, "}},\"attributes\":{\"tensor\":{\"dtype\":\"float32\",\"shape\":[3]"));
  CHECK(kiln.out("convert x.pt a.kiln --weights") ==
        "a.kiln: 11 tensors, 80 B; left out, as it is not in the state dict: tensor and 7 more\n");
}

TEST_CASE("kiln convert: the steps") {
  const Command kiln;
  io::save(kiln / "a.kiln", checkpoint());
  io::save(kiln / "head.kiln", Value{{"module.fc.bias", tensor({7.f})}, {"module.new", tensor({8.f})}});
  CHECK(kiln.out("convert a.kiln all.kiln").starts_with("all.kiln: 3 tensors, 24 B"));
  CHECK(io::load(kiln / "all.kiln") == checkpoint());
  kiln.out(
      "convert a.kiln out.safetensors --weights --merge head.kiln --strip module. --add net. "
      "--rename '\\.fc\\.' .linear. --keep 'linear|new|tied' --drop tied --cast float16");
  const Value out = io::load(kiln / "out.safetensors");
  CHECK(out.size() == 3);
  CHECK(out["net.linear.weight"].as_tensor().to_vector<float>() == std::vector<float>{1, 2, 3, 4});
  CHECK(out["net.linear.weight"].as_tensor().dtype() == float16);
  CHECK(out["net.linear.bias"].as_tensor().to_vector<float>() == std::vector<float>{7});
  CHECK(out["net.new"].as_tensor().to_vector<float>() == std::vector<float>{8});
}

TEST_CASE("kiln convert: the format of a file with any ending") {
  const Command kiln;
  io::save(kiln / "a.kiln", Value{{"w", w}});
  kiln.out("convert a.kiln a.model --format pth");
  CHECK(test::read_file(kiln / "a.model").starts_with("PK\3\4"));
  kiln.out("convert a.kiln a.ckpt");
  CHECK(io::load(kiln / "a.ckpt") == io::load(kiln / "a.model"));
}

TEST_CASE("kiln diff") {
  const Command kiln;
  io::save(kiln / "a.kiln", Value{{"w", w}, {"b", tensor({1.f})}, {"h", tensor({1, 2})}, {"epoch", 7}});
  io::save(kiln / "b.kiln", Value{{"w", tensor({{1.f, 2.f}, {3.f, 4.5f}})},
                                  {"h", tensor({1., 2.})},
                                  {"new", tensor({1.f})},
                                  {"epoch", 8}});
  const Ran ran = kiln.run("diff a.kiln b.kiln");
  CHECK(ran.status == 1);
  CHECK(ran.out ==
        "~ w: 1 of 4 elements differ, by 0.5 at most (relative 0.125)\n"
        "- b: float32 [1]\n~ h: int64 | float32\n~ epoch: 7 | 8\n+ new: float32 [1]\n0 equal, 5 differ\n");
  CHECK(kiln.out("diff a.kiln a.kiln") == "4 equal, 0 differ\n");
  io::save(kiln / "a.safetensors", Value{{"w", w}, {"b", tensor({1.f})}, {"h", tensor({1, 2})}});
  CHECK(kiln.run("diff a.kiln a.safetensors").status == 1);
  CHECK(kiln.out("diff a.kiln a.safetensors --tensors") == "3 equal, 0 differ\n");
}

TEST_CASE("kiln verify: a changed byte is found") {
  const Command kiln;
  io::save(kiln / "a.kiln", Value{{"w", w}});
  CHECK(kiln.out("verify a.kiln") == "a.kiln is whole: 1 tensor, 16 B\n");
  std::string bytes = test::read_file(kiln / "a.kiln");
  bytes.back() = char(bytes.back() ^ 1);
  test::write_file(kiln / "a.kiln", bytes);
  const Ran ran = kiln.run("verify a.kiln");
  CHECK(ran.status == 1);
  CHECK(ran.error.find("'w'") != std::string::npos);
}

TEST_CASE("kiln verify: what cannot be compared, and what is in the value of no use") {
  const Command kiln;
  test::write_file(kiln / "no_checksums.pt", test::read_file("tests/io/fixtures/no_checksums.pt"));
  CHECK(kiln.out("verify no_checksums.pt").starts_with("no_checksums.pt is whole as far as can be told: "));
}

// Deflated, though no smaller: stored blocks (RFC 1951, 3.2.4).
std::string in_deflate_blocks(const std::string& bytes) {
  constexpr size_t kMost = 65535;
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += kMost) {
    const size_t count = std::min(kMost, bytes.size() - at);
    out += char(at + count == bytes.size());
    for (const size_t word : {count, ~count}) out += {char(word), char(word >> 8)};
    out.append(bytes, at, count);
  }
  return out;
}

TEST_CASE("kiln: a file that is larger than the memory there is") {
  if (test::kUnderAddressSanitizer)
    return test::skip("AddressSanitizer's own memory is larger than the limit");
  const Command kiln;
  constexpr int64_t kBytes = int64_t(256) << 20;
  const std::string header =
      fmt::format(R"({{"w":{{"dtype":"U8","shape":[{}],"data_offsets":[0,{}]}}}})", kBytes, kBytes);
  const auto length = uint64_t(header.size());
  test::write_file(kiln / "big.safetensors", std::string(reinterpret_cast<const char*>(&length), 8) + header);
  REQUIRE(::truncate((kiln / "big.safetensors").c_str(), off_t(8 + header.size()) + kBytes) == 0);
  const auto with_64_mib = [&](const std::string& arguments) {
    return std::system(fmt::format("cd {} && bash -c 'ulimit -d 65536; exec {} {} > out.txt 2> error.txt'",
                                   kiln.path(), KILN_COMMAND, arguments)
                           .c_str());
  };
  CHECK_MESSAGE(with_64_mib("verify big.safetensors") == 0, test::read_file(kiln / "error.txt"));
  CHECK(test::read_file(kiln / "out.txt") == "big.safetensors is whole: 1 tensor, 256.0 MiB\n");
  for (const char* out : {"big.kiln", "big.pth", "other.safetensors"}) {
    CHECK_MESSAGE(with_64_mib("convert big.safetensors "s + out) == 0, test::read_file(kiln / "error.txt"));
    CHECK_MESSAGE(with_64_mib("verify "s + out) == 0, test::read_file(kiln / "error.txt"));
    std::filesystem::remove(kiln / out);
  }

  // Where they cannot stay as they lie, the memory is enough for the largest tensors: deflated, at odd
  // places, of another type.
  test::Archive parts;
  const Tensor part = full({1 << 20}, 31);
  io::save(kiln / "part.npy", part);
  const std::string packed = in_deflate_blocks(test::read_file(kiln / "part.npy"));
  for (int i = 0; i < 64; ++i)
    parts.add({.name = fmt::format("{}.npy", i),
               .content = packed,
               .method = 8,
               .size = int64_t(test::read_file(kiln / "part.npy").size())});
  test::write_file(kiln / "parts.npz", parts.finish());
  for (const char* arguments : {"convert parts.npz parts.kiln", "convert parts.npz half.pth --cast float16",
                                "convert parts.kiln double.kiln --cast float64", "diff parts.npz parts.kiln"})
    CHECK_MESSAGE(with_64_mib(arguments) == 0, arguments, test::read_file(kiln / "error.txt"));
  CHECK(io::load(kiln / "double.kiln").at("31").as_tensor().to_vector<double>().back() == 31);
}

TEST_CASE("kiln: bad input gives status 1 and one message") {
  const Command kiln;
  io::save(kiln / "a.kiln", checkpoint());
  io::save(kiln / "two.kiln", Value{{"a", {{"w", w}}}, {"b", {{"w", w}}}});
  test::write_file(kiln / "empty.pth", "");
  io::save(kiln / "tensor.npy", w);
  test::write_file(kiln / "module.pt", test::read_file("tests/io/fixtures/module.pt"));
  test::write_file(kiln / "script.pt", test::read_file("tests/io/fixtures/script_parts.pt"));
  const struct {
    const char* arguments;
    const char* message;
  } rows[] = {
      {"",
       "kiln: a command is needed: inspect, convert, diff, verify, models, data, annotate, train, evaluate, "
       "predict, serve, store\nkiln --help tells more\n"},
      {"frobnicate", "kiln: there is no command 'frobnicate'\nkiln --help tells more\n"},
      {"inspekt a.kiln", "kiln: there is no command 'inspekt'; did you mean 'inspect'?\n"},
      {"con", "did you mean 'convert'?"},
      {"-v", "kiln: there is no option '-v'; did you mean '-h'?"},
      {"--versoin", "kiln: there is no option '--versoin'; did you mean '--version'?"},
      {"inspect", "kiln inspect: file is required\nkiln inspect --help tells more\n"},
      {"inspect a.kiln --stat", "kiln inspect: there is no option '--stat'; did you mean '--stats'?"},
      {"inspect a.kiln b.kiln", "kiln inspect: 'b.kiln' is one word too many"},
      {"verify --sha a.kiln", "kiln verify: there is no option '--sha'\n"},
      {"inspect ''", "kiln: load: cannot open '': No such file or directory"},
      {"inspect .", "kiln: load: cannot read '.': it is a folder"},
      {"convert a.kiln", "kiln convert: out is required"},
      {"convert a.kiln nowhere/b.kiln",
       "kiln: convert 'a.kiln': save: cannot write 'nowhere/b.kiln': No such file or directory"},
      {"convert a.kiln b.pth --format doc",
       "kiln: convert 'a.kiln': save: there is no format 'doc' for 'b.pth'"},
      {"convert a.kiln b.pth --rename x", "--rename"},
      {"convert a.kiln b.pth --shard -1",
       "kiln: convert 'a.kiln': save: shards of -1 bytes cannot be written"},
      {"convert a.kiln b.pth --shard 1.5.5", "--shard"},
      {"diff a.kiln", "kiln diff: b is required"},
      {"diff a.kiln a.kiln --atol x", "--atol"},
      {"diff a.kiln a.kiln --atol -1", "--atol"},
      {"diff a.kiln a.kiln --rtol nan", "--rtol"},
      {"inspect none.pth", "kiln: load: cannot open 'none.pth': No such file or directory"},
      {"inspect empty.pth", "kiln: load: 'empty.pth' is empty"},
      {"inspect a.kiln --format xml", "--format"},
      {"inspect a.kiln > /dev/full", "kiln: cannot write to the standard output: No space left on device"},
      {"convert a.kiln b.doc",
       "kiln: convert 'a.kiln': save: 'b.doc' ends in '.doc', which names no kind of file"},
      {"convert a.kiln b.safetensors",
       "'epoch' is 7; choose the weights, or save to .kiln or .pth; 'model' holds 3 tensors"},
      {"convert module.pt b.safetensors",
       "kiln: convert 'module.pt': save: 'b.safetensors' holds tensors only, 'net' is an object of the class "
       "__main__.Net; choose the weights, or save to .kiln or .pth; 'net' holds 7 tensors\n"},
      {"convert script.pt b.safetensors",
       "kiln: convert 'script.pt': save: 'b.safetensors' holds tensors by name, the value is an object of "
       "the "
       "class __torch__.___torch_mangle_0.Parts; choose its weights: weights_of(value), or `kiln convert "
       "--weights`\n"},
      {"convert script.pt b.npz", "convert 'script.pt': save: 'b.npz' holds tensors by name"},
      {"convert tensor.npy b.npz",
       "'b.npz' holds tensors by name, the value is float32 [2,2]; give a dict of tensors, or save to"},
      {"convert a.kiln b.pth --merge none.pth", "kiln: convert 'a.kiln': load: cannot open 'none.pth'"},
      {"convert two.kiln b.pth --weights", "choose one by its path:\n  'a' with 1 tensors\n  'b' with 1"},
      {"convert a.kiln b.pth --strip net.", "no name begins with 'net.'; the first is 'module.fc.weight'"},
      {"convert a.kiln b.pth --rename x y", "no name matches 'x', there is nothing to rename"},
      {"convert a.kiln b.pth --drop '('", "the pattern '(' is not a regular expression"},
      {"convert a.kiln b.pth --keep x", "no tensor is left"},
      {"convert a.kiln b.pth --cast float99", "'float99'"},
      {"convert a.kiln b.pth --path optimizer", "there is no 'optimizer'"},
      {"diff a.kiln none.pth", "cannot open 'none.pth'"},
  };
  for (const auto& [arguments, message] : rows) {
    const Ran ran = kiln.run(arguments);
    CHECK_MESSAGE(ran.status == 1, arguments);
    CHECK_MESSAGE(ran.error.find(message) != std::string::npos, arguments, ": ", ran.error);
    // Each message of convert, once its words are understood, names the file.
    const std::string words = arguments;
    const bool ran_convert = words.starts_with("convert ") && ran.error.find("--help") == std::string::npos;
    CHECK_MESSAGE((!ran_convert ||
                   ran.error.find("'" + words.substr(8, words.find(' ', 8) - 8) + "'") != std::string::npos),
                  ran.error);
  }
  CHECK(kiln.run("inspect --help").status == 0);
  CHECK(kiln.out("--help").find("convert") != std::string::npos);
  CHECK(kiln.out("--version") == fmt::format("kiln {}\n", version()));
}

}  // namespace kiln
