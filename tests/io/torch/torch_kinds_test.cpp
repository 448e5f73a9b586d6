#include <doctest/doctest.h>

#include <cstdlib>

#include <kiln/autograd/ops.h>
#include <kiln/io/open.h>
#include <kiln/tensor/value/state_dict.h>
#include <kiln/tensor/value/value_walk.h>

#include "support/files.h"
#include "support/skip.h"

// Keys, attributes and tensors of kinds that only newer PyTorch writes. The fixtures were written by
// tests/io/make_new_fixtures.py.

namespace kiln {
namespace {

std::string fixture(const std::string& name) { return "tests/io/fixtures/" + name; }

// By each of the ways to read a file.
std::vector<Value> read_all_ways(const std::string& name) {
  return {io::load(fixture(name)), io::load(fixture(name), {.map = true}), io::open(fixture(name)).value()};
}

std::vector<double> numbers(const Value& value, const char* path) {
  return value.at(path).as_tensor().to_vector<double>();
}

std::string raw(const Value& value, const char* path) {
  const Tensor x = value.at(path).at("values").as_tensor().contiguous();
  return {static_cast<const char*>(x.raw_data()), size_t(x.numel() * size_of(x.dtype()))};
}

}  // namespace

TEST_CASE("torch kinds: keys of every kind stay apart, and so do an optimiser's parameters") {
  for (const Value& all : read_all_ways("keys.pth")) {
    const Value& values = all.at("values");
    const char* const names[] = {"1",
                                 "\"1\"",
                                 "2.5",
                                 "\"2.5\"",
                                 "None",
                                 "\"None\"",
                                 "b'a'",
                                 "a",
                                 "(1, 2)",
                                 "\"(1, 2)\"",
                                 "(1, (\"x\", None))",
                                 "9223372036854775808",
                                 "1180591620717411303424",
                                 "-1180591620717411303424",
                                 "7",
                                 "0.5",
                                 "torch.dtype(\"torch.float32\")",
                                 "torch.float32",
                                 "torch.device(\"cpu\")",
                                 "[3]"};
    REQUIRE(values.size() == std::size(names));
    const std::vector<double> expected = {2,  1,  3,  4,  5,  6,  7,  8,  9,  10,
                                          11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    size_t next = 0;
    ValueWalk walk(values, '/');
    walk.next();
    for (; walk.next(); ++next) {
      CHECK(walk.path() == names[next]);
      CHECK(walk.value().as_tensor().item<double>() == expected[next]);
    }
    CHECK(values[7].as_tensor().item<double>() == 15);  // numpy.int64
    CHECK(values[Value::Key(Value(0.5))].as_tensor().item<double>() == 16);
    CHECK(values[uint64_t(1) << 63].as_tensor().item<double>() == 12);
    CHECK(values.entries()[0].key.value().is_int());  // {1: x, True: y} has one key

    const Value& tensors = all.at("tensors");
    CHECK(tensors.size() == 3);
    const Value::Key first(tensors.at("list").items()[0]);  // the same tensor is the same key
    CHECK(tensors[first].as_tensor().item<double>() == 0);
    CHECK(tensors.at("tensor#2").as_tensor().item<double>() == 1);

    const Value& items = all.at("items");
    CHECK(items.type() == "__main__.Items");
    CHECK(items.at("scale").as_tensor().item<double>() == 0);
    CHECK(items.at("@scale").as_tensor().item<double>() == 1);

    const Value& optimizer = all.at("optimizer");
    CHECK(optimizer.type() == "torch.optim.adam.Adam");
    REQUIRE(optimizer.at("state").size() == 4);
    for (const Value& parameter : optimizer.at("param_groups/0/params").items()) {
      const Value& state = optimizer.at("state")[Value::Key(parameter)];
      CHECK(state.at("exp_avg").as_tensor().shape() == parameter.as_tensor().shape());
    }
  }
}

TEST_CASE("torch kinds: attributes, tensors of tensors, raw elements") {
  for (const Value& all : read_all_ways("kinds.pth")) {
    CHECK(numbers(all, "parameter") == std::vector<double>{1, 1, 1});
    CHECK(numbers(all, "parameter/@absmax") == std::vector<double>{0.5, 0.5});
    CHECK(all.at("parameter/@quant_type").as_string() == "nf4");
    CHECK(all.at("parameter").attributes().is_dict());
    CHECK(numbers(all, "subclass/@scale") == std::vector<double>{0.25, 0.25});
    CHECK(all.at("subclass").attributes().type() == "__main__.Sub");
    CHECK(all.at("two").type() == "torch.testing._internal.two_tensor.TwoTensor");
    CHECK(numbers(all, "two/a") == std::vector<double>{1, 1});
    CHECK(numbers(all, "two/b") == std::vector<double>{0, 0});
    CHECK(all.at("two/@dtype").as_string() == "torch.float32");
    // 1 + 2i, -3 - 4i as halves; the sign is the highest bit
    CHECK(all.at("half").type() == "torch.complex32");
    CHECK(raw(all, "half") == std::string("\x00\x3c\x00\x40\x00\xc2\x00\xc4", 8));
    CHECK(raw(all, "half_conj") == std::string("\x00\x3c\x00\xc0\x00\xc2\x00\x44", 8));
    CHECK(raw(all, "half_neg") == std::string("\x00\xbc\x00\xc0\x00\x42\x00\x44", 8));
    const Tensor& expanded = all.at("expanded").as_tensor();
    CHECK(expanded.strides() == Strides{0});
    CHECK(static_cast<const float*>(expanded.raw_data())[1] == -2);
    CHECK(all.at("e8m0").type() == "torch.float8_e8m0fnu");
    CHECK(raw(all, "e8m0") == "\x7f\x80");
    CHECK(raw(all, "fnuz") == "@A");
    CHECK(raw(all, "f4") == "\x21\x43");
    CHECK(all.at("quint4/values").as_tensor().to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2, 3, 4, 5});
    CHECK(all.at("meta").as_tensor().shape() == Shape{2, 3});
    CHECK(to_string(all.at("meta").as_tensor().device()) == "meta");
    CHECK(all.at("sparse/coalesced").as_bool());
    CHECK(numbers(all, "w") == std::vector<double>{1, 1});
  }
  for (const Value& nested : read_all_ways("njt.pth")) {
    CHECK(nested.type() == "torch.nested._internal.nested_tensor.NestedTensor");
    CHECK(nested.at("_values").as_tensor().shape() == Shape{6, 3});
    CHECK(nested.at("_offsets").as_tensor().to_vector<int64_t>() == std::vector<int64_t>{0, 2, 6});
    CHECK(nested.attributes().at("__dict__/_metadata_cache/min_seqlen").as_tensor().shape() == Shape{2, 0});
  }
}

using namespace std::string_literals;

TEST_CASE("torch kinds: all of it comes back from a .kiln, and what PyTorch knows from a .pth") {
  const test::TemporaryFolder folder;
  for (const char* name : {"keys.pth", "kinds.pth", "njt.pth", "special.pt", "module.pt"}) {
    CAPTURE(name);
    const Value value = io::load(fixture(name));
    io::save(folder / "x.kiln", value);
    for (const Value& back : {io::load(folder / "x.kiln"), io::open(folder / "x.kiln").value()})
      CHECK(back == value);
    if (name == "keys.pth"s) {  // a tensor is still the key that it was
      const Value tensors = io::load(folder / "x.kiln").at("tensors");
      CHECK(tensors[Value::Key(tensors.at("list/1"))].as_tensor().item<double>() == 1);
    }
    const io::File file = io::open(folder / "x.kiln");
    CHECK(file.names() == io::open(fixture(name)).names());
  }
  Value kinds = io::load(fixture("kinds.pth"));
  for (const char* name : {"subclass", "two"}) CHECK(kinds.erase(name));
  io::save(folder / "kinds.pth", kinds);
  CHECK(io::load(folder / "kinds.pth") == kinds);
  Value values = io::load(fixture("keys.pth")).at("values");
  Value known = Value::dict();
  for (const auto& [key, value] : values.entries())
    if (const Value plain = key.value();
        !plain.is_list() && !(plain.is_object() && plain.type() != "builtins.int"))
      known[key] = value;
  io::save(folder / "keys.pth",
           Value{{"values", known}, {"tensors", io::load(fixture("keys.pth")).at("tensors")}});
  const Value back = io::load(folder / "keys.pth");
  CHECK(back.at("values") == known);
  CHECK(back.at("tensors")[Value::Key(back.at("tensors/list/0"))].as_tensor().item<double>() == 0);
  const Value special = io::load(fixture("special.pt"));
  io::save(folder / "special.pth", special);
  CHECK(io::load(folder / "special.pth") == special);
}

TEST_CASE("torch kinds: PyTorch reads what is written of them") {
  if (std::system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0)
    return test::skip("python3-torch is not installed");
  const test::TemporaryFolder folder;
  Value all = io::load(fixture("special.pt"));
  const Tensor x = tensor({1.f, 2.f});
  Value marked = x;
  marked.set_attributes({{"absmax", tensor({0.5f})}, {"kind", "nf4"}});
  all["marked"] = marked;
  all["quint4"] = io::load(fixture("kinds.pth")).at("quint4");
  CHECK(all.erase("csr"));  // needs PyTorch 2, and so do the attributes
  all["keys"] = Value::dict({{Value::Key(Value::tuple({1, 2})), 1},
                             {Value::Key(Value(2.5)), 2},
                             {Value::Key(Value()), 3},
                             {UINT64_MAX, 4},
                             {Value::Key(Value(x)), 5},
                             {"same", x}});
  io::save(folder / "x.pth", all);
  const std::string command =
      "/usr/bin/python3 -c \"import sys, torch; v = torch.load(sys.argv[1]); "
      "print(v['coo'].to_dense().tolist(), v['channels'].int_repr().tolist(), "
      "v['channels'].q_per_channel_axis()); "
      "print(v['marked'].tolist()); k = v['keys']; "
      "print(k[(1, 2)], k[2.5], k[None], k[2**64 - 1], k[k['same']]); "
      "print(v['quint4'].dtype, v['quint4'].shape, "
      "bytes(v['quint4'].storage().untyped().tolist()).hex())\" " +
      (folder / "x.pth") + " > " + (folder / "out.txt");
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(test::read_file(folder / "out.txt") ==
        "[[0.0, 2.0], [3.0, 0.0]] [[2, 2, 2], [5, 5, 5]] 0\n[1.0, 2.0]\n1 2 3 4 5\n"
        "torch.quint4x2 torch.Size([2, 3]) 10325400\n");
}

TEST_CASE("torch kinds: safetensors hold the raw elements") {
  const test::TemporaryFolder folder;
  const Value kinds = io::load(fixture("kinds.pth"));
  const Value state = {
      {"e8m0", kinds.at("e8m0")}, {"fnuz", kinds.at("fnuz")}, {"f4", kinds.at("f4")}, {"w", kinds.at("w")}};
  io::save(folder / "x.safetensors", state);
  const std::string bytes = test::read_file(folder / "x.safetensors");
  for (const char* part :
       {R"("e8m0":{"dtype":"F8_E8M0","shape":[2])", R"("fnuz":{"dtype":"F8_E4M3FNUZ","shape":[2])",
        R"("f4":{"dtype":"F4","shape":[1,4])", R"("w":{"dtype":"F32","shape":[2])"})
    CHECK_MESSAGE(test::contains(bytes, part), bytes);
  const Value back = io::load(folder / "x.safetensors");
  CHECK(back == state);
  CHECK(back.attributes().at("__metadata__/format").as_string() == "pt");
  CHECK(io::open(folder / "x.safetensors").value() == state);
  Value own = state;
  own.set_attributes({{"__metadata__", {{"format", "np"}, {"k", "v"}}}});
  for (const char* name : {"y.safetensors", "y.kiln", "y.pth"}) {
    io::save(folder / name, own);
    CHECK(io::load(folder / name).attributes() == own.attributes());
  }
  own.set_attributes({{"__metadata__", {{"k", 3}}}});
  CHECK(test::contains(test::error_of([&] { io::save(folder / "z.safetensors", own); }),
                       "'k' in its __metadata__"));
  CHECK(test::contains(test::error_of([&] { io::save(folder / "z.npz", state); }),
                       "'e8m0': NumPy has no torch.float8_e8m0fnu"));
}

TEST_CASE("torch kinds: what many refer to is no bomb, and a bomb is one") {
  const test::TemporaryFolder folder;
  // names = ["a", ..]; [{"names": names}, ..]
  std::string names = "(", many = "(";
  for (int i = 0; i < 300; ++i) names += "U\1a";
  for (int i = 0; i < 5000; ++i) many += "}U\5namesh\1s";
  io::load(folder.write("x.pkl", "\x80\2" + names + "lq\0010" + many + "l."));
  const Value value = io::load(folder / "x.pkl");
  CHECK(value.size() == 5000);
  CHECK(&std::as_const(value).items()[0].at("names").items()[7] ==
        &value.items()[4999].at("names").items()[7]);
  std::string bomb = "\x80\2]q\1";
  for (int i = 0; i < 40; ++i) bomb += "0h\1h\1\x86q\1";
  CHECK(test::contains(test::error_of([&] { io::load(folder.write("b.pkl", bomb + ".")); }),
                       "refer to each other so often that nobody could walk through them"));
}

TEST_CASE("torch kinds: a folder of torch.distributed.checkpoint is put together") {
  const Value whole = io::load(fixture("sharded"));
  for (const Value& value :
       {whole, io::open(fixture("sharded")).value(), io::load(fixture("sharded"), {.map = true})}) {
    CHECK(numbers(value, "model/w") == std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(numbers(value, "model/column") == std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(value.at("model/w").as_tensor().shape() == Shape{5, 2});
    CHECK(numbers(value, "model/b") == std::vector<double>{3});
    CHECK(numbers(value, "a.b") == std::vector<double>{4});
    CHECK(value.at("list").is_list());
    CHECK(numbers(value, "list/0") == std::vector<double>{5});
    CHECK(value.at("list/1").as_string() == "text");
    CHECK(value.at("step").as_int() == 7);
  }
  const test::TemporaryFolder folder;
  const auto copy = [&](const std::string& index) {
    test::write_file(folder / ".metadata", index);
    for (const char* name : {"__0_0.distcp", "__1_0.distcp"})
      test::write_file(folder / name, test::read_file(fixture("sharded/") + name));
  };
  const std::string index = test::read_file(fixture("sharded/.metadata"));
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = index;
    REQUIRE(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
  };
  const auto error = [&] { return test::error_of([&] { io::load(folder.path()); }); };
  copy(index);
  CHECK(error().empty());
  copy(changed("__0_0.distcp", "../0.distcp!"));
  CHECK_MESSAGE(test::contains(error(), "the file '../0.distcp!', which is not in its folder"), error());
  copy(changed("__0_0.distcp", "__2_0.distcp"));
  CHECK_MESSAGE(test::contains(error(), "__2_0.distcp"), error());
  copy(changed("float32", "float64"));
  CHECK_MESSAGE(test::contains(error(), "has other things there"), error());
  copy(index);
  test::write_file(folder / "__1_0.distcp", "");
  CHECK_MESSAGE(test::contains(error(), "the file has 0"), error());
  for (size_t bytes = 0; bytes < index.size(); bytes += 7) {
    copy(index.substr(0, bytes));
    CHECK(!error().empty());
  }
  for (size_t at = 0; at < index.size(); ++at) {  // nothing crashes
    std::string text = index;
    text[at] = char(text[at] ^ 1);
    copy(text);
    error();
  }
}

}  // namespace kiln
