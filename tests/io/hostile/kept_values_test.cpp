#include <doctest/doctest.h>

#include <kiln/io/look.h>

#include "support/archive.h"
#include "support/files.h"
#include "support/pickle_pieces.h"

// No value of a pickle is lost: not a state that only its class understands, nor one of two of the same name.

namespace kiln {
namespace {

using test::call, test::global, test::number, test::numbers, test::storage, test::text, test::tuple;

// A row of floats, all `count`.
std::string row(int64_t count) {
  return call("torch._utils", "_rebuild_tensor_v2",
              {storage("Float", std::to_string(count), count), number(0), numbers({count}), numbers({1}),
               "\x89", global("collections", "OrderedDict") + ")R"});
}
Value loaded(const std::string& pickle) {
  test::Archive archive;
  archive.add("x/data.pkl", "\x80\2" + pickle + ".").add("x/version", "3");
  for (int64_t count = 1; count <= 5; ++count) {
    std::string data;
    for (int64_t i = 0; i < count; ++i) {
      const float x = float(count);
      data.append(reinterpret_cast<const char*>(&x), sizeof x);
    }
    if (pickle.find(storage("Float", std::to_string(count), count)) != pickle.npos)
      archive.add("x/data/" + std::to_string(count), data);
  }
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.pth", archive.finish());
  std::string warnings;
  io::verify(path, {.warn = [&](const std::string& warning) {
               if (!test::contains(warning, "no checksum")) warnings += warning;
             }});
  CHECK(warnings.empty());
  return io::load(path);
}
// The same without tensors.
Value plain(const std::string& pickle) {
  const test::TemporaryFolder folder;
  return io::load(folder.write("x.pkl", "\x80\2" + pickle + "."));
}
bool is_row(const Value& value, int64_t count) {
  return value.is_tensor() && value.as_tensor().shape() == Shape{count} &&
         value.as_tensor().to_vector<float>()[0] == float(count);
}
std::string dict(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string made = "}(";
  for (const auto& [name, value] : fields) made += text(name) + value;
  return made + "u";
}
std::string subclass(const std::string& tensor_arguments, const std::string& state) {
  return call("torch._tensor", "_rebuild_from_type_v2",
              {global("torch._utils", "_rebuild_tensor_v2"), global("m", "T"), tensor_arguments, state});
}
const std::string kArguments = tuple({storage("Float", "3", 3), number(0), numbers({3}), numbers({1}), "\x89",
                                      global("collections", "OrderedDict") + ")R"});

}  // namespace

TEST_CASE("kept values: a state that only the class understands") {
  Value x = loaded(subclass(kArguments, tuple({row(1), row(2)})));
  CHECK(is_row(x, 3));
  CHECK(x.attributes().type() == "m.T");
  CHECK(is_row(x.attributes().at("_state/0"), 1));
  CHECK(is_row(x.attributes().at("_state/1"), 2));
  x = loaded(subclass(kArguments, "](" + row(1) + "e"));
  CHECK(is_row(x.attributes().at("_state/0"), 1));
  x = loaded(subclass(kArguments, row(1)));
  CHECK(is_row(x.attributes().at("_state"), 1));
  CHECK(loaded(subclass(kArguments, "N")).attributes().size() == 0);
  x = loaded(row(3) + row(1) + "b");
  CHECK(is_row(x.attributes().at("_state"), 1));
  x = loaded(global("collections", "OrderedDict") + ")R" + row(1) + "b");
  CHECK(is_row(x.attributes().at("_state"), 1));
  x = loaded(global("m", "C") + ")\x81" + row(1) + "b");
  CHECK(is_row(x.at("_state"), 1));
}

TEST_CASE("kept values: attributes of a Parameter that is a tensor of a class with its own") {
  const Value x =
      loaded(call("torch._utils", "_rebuild_parameter_with_state",
                  {subclass(kArguments, dict({{"a", row(1)}})), "\x89", "N", dict({{"a", row(2)}})}));
  CHECK(is_row(x, 3));
  CHECK(x.attributes().type() == "m.T");
  CHECK(is_row(x.attributes().at("a"), 1));
  CHECK(is_row(x.attributes().at("a#2"), 2));
}

TEST_CASE("kept values: a module's own state, and what makes a defaultdict's values") {
  const std::string part = global("torch.nn", "Module") + ")\x81" +
                           dict({{"_parameters", "}"}, {"_buffers", "}"}, {"_modules", "}"}, {"b", row(1)}}) +
                           "b";
  const std::string state = dict({{"_parameters", dict({{"w", row(2)}})},
                                  {"_buffers", "}"},
                                  {"_modules", dict({{"a", part}})},
                                  {"a.b", row(4)},
                                  {"_backend", row(3)}});
  const std::string module = global("m", "Net") + ")\x81" + tuple({state, row(5), number(7)}) + "b";
  const Value net = loaded(module);
  CHECK(net.size() == 1);
  CHECK(is_row(net["w"], 2));
  const Value& beside = net.attributes()["__dict__"];
  CHECK(is_row(beside["_state.1"], 5));
  CHECK(is_row(beside["a.b"], 4));
  CHECK(is_row(beside["a.b#2"], 1));
  CHECK(is_row(beside["_backend"], 3));  // before PyTorch 1.5 every module's, which held none
  CHECK(beside.size() == 4);

  const std::string partial = global("functools", "partial") + tuple({global("m", "f")}) + "R" +
                              tuple({global("m", "f"), tuple({row(1)}), "}", "N"}) + "b";
  const Value made =
      loaded(global("collections", "defaultdict") + tuple({partial}) + "R(" + text("a") + row(2) + "u");
  CHECK(made.size() == 1);
  CHECK(is_row(made.attributes().at("default_factory/_state/1/0"), 1));
}

TEST_CASE("kept values: of two with one name the second is another") {
  Value x = plain(global("m", "C") + "(K\1t\x81(" + text("_args") + "K\7" + text("_items") + "K\x08" +
                  "u(K\x09" + "e");
  CHECK(x.at("_args/0").as_int() == 1);
  CHECK(x["_args#2"].as_int() == 7);
  CHECK(x["_items"].as_int() == 8);
  CHECK(x.at("_items#2/0").as_int() == 9);
  x = plain(
      global("m", "C") + ")\x81" +
      tuple({dict({{"a", "K\1"}, {"a#2", "K\2"}}), dict({{"a", "K\3"}, {"a", "K\4"}, {"a#3", "K\5"}})}) +
      "b");
  CHECK(x["a"].as_int() == 1);
  CHECK(x["a#2"].as_int() == 2);
  CHECK(x["a#3"].as_int() == 4);  // in one dict the last counts
  CHECK(x["a#3#2"].as_int() == 5);
  CHECK(x.size() == 4);
}

TEST_CASE("kept values: what is added to containers that are called") {
  const Value both = Value::list({1, 2});
  for (const char* name : {"list", "set"}) {
    CHECK(plain(global("builtins", name) + "](K\1e\x85R(K\2e") == both);
    CHECK(plain(global("builtins", name) + ")R(K\1K\2e") == both);
    const Value more = plain(global("builtins", name) + "](K\1e\x85R" + dict({{"a", "K\5"}}) + "b");
    CHECK(more.at("_args/0/0").as_int() == 1);
    CHECK(more.attributes().at("a").as_int() == 5);
  }
  CHECK(plain(global("builtins", "list") + "K\7\x85R(K\2e").at("_items/0").as_int() == 2);
  const Value ordered = plain(global("collections", "OrderedDict") + ")R(K\1K\2u(K\3e");
  CHECK(ordered.size() == 1);
  CHECK(ordered.attributes().at("_items/0").as_int() == 3);
  CHECK(plain(global("builtins", "dict") + global("m", "C") + ")R\x85R").attributes().at("_args/0").type() ==
        "m.C");
}

TEST_CASE("kept values: an array of a class of its own, with what numpy documents behind its state") {
  const auto array = [](const std::string& type, const std::string& data) {
    const std::string dtype = global("numpy", "dtype") + tuple({text(type), "\x89", "\x88"}) + "R" +
                              tuple({"K\3", text("<"), "N", "N", "N", number(-1), number(-1), number(0)}) +
                              "b";
    return global("numpy.core.multiarray", "_reconstruct") +
           tuple({global("m", "Array"), "K" + std::string(1, '\0') + "\x85", text("b")}) + "R" +
           tuple({"K\1", numbers({1}), dtype, "\x89", data, row(2), text("more")}) + "b";
  };
  const std::string eight = call("_codecs", "encode", {text(std::string(8, '\1')), text("latin1")});
  for (const auto& [type, data] : {std::pair(std::string("f8"), eight), {"O8", "](K\1e"}}) {
    const Value x = loaded(array(type, data));
    CHECK(x.is_tensor() == (type == "f8"));
    CHECK(is_row(x.attributes().at("_state.5"), 2));
    CHECK(x.attributes().at("_state.6").as_string() == "more");
  }
}

TEST_CASE("kept values: a sparse tensor of elements of no dtype here") {
  const auto part = [](const std::string& type, const std::string& key, int64_t count,
                       const std::vector<int64_t>& size) {
    return call(
        "torch._utils", "_rebuild_tensor_v2",
        {storage(type, key, count), number(0), numbers(size), numbers(std::vector<int64_t>(size.size(), 1)),
         "\x89", global("collections", "OrderedDict") + ")R"});
  };
  const auto sparse = [&](char index) {
    const std::string layout = call("torch.serialization", "_get_layout", {text("torch.sparse_coo")});
    const std::string made =
        call("torch._utils", "_rebuild_sparse_tensor",
             {layout,
              tuple({part("Long", "0", 1, {1, 1}), part("ComplexHalf", "1", 1, {1}), numbers({3}), "\x89"})});
    return test::Archive()
        .add("x/data.pkl", "\x80\2" + made + ".")
        .add("x/version", "3")
        .add("x/data/0", index + std::string(7, '\0'))
        .add("x/data/1", "abcd")
        .finish();
  };
  const test::TemporaryFolder folder;
  const Value x = io::load(folder.write("x.pth", sparse(2)));
  CHECK(x.type() == "torch.sparse_coo");
  CHECK(x["values"].type() == "torch.complex32");
  CHECK(x.at("values/values").as_tensor().shape() == Shape{1});
  CHECK(io::look(folder / "x.pth").at("shape/0").as_int() == 3);
  io::verify(folder / "x.pth");
  io::save(folder / "again.pth", x);
  CHECK(io::load(folder / "again.pth") == x);
  folder.write("y.pth", sparse(3));
  CHECK(test::contains(test::error_of([&] { io::verify(folder / "y.pth"); }), "do not fit it"));
}

TEST_CASE("kept values: a module of torch.fx has the names of its state dict") {
  const std::string linear = global("torch.nn", "Linear") + ")\x81" +
                             dict({{"_parameters", dict({{"weight", row(1)}})}, {"_modules", "}"}}) + "b";
  const Value net = loaded(call("torch.fx.graph_module", "reduce_graph_module",
                                {dict({{"_parameters", "}"},
                                       {"_buffers", dict({{"b", row(2)}})},
                                       {"_modules", dict({{"0", linear}})},
                                       {"plain", row(3)}}),
                                 text("import torch")}));
  CHECK(net.type() == "torch.fx.graph_module.GraphModule");
  CHECK(net.size() == 2);
  CHECK(is_row(net["0.weight"], 1));
  CHECK(is_row(net["b"], 2));
  CHECK(is_row(net.attributes().at("__dict__/plain"), 3));
}

TEST_CASE("kept values: one large object is the key of many dicts") {
  std::string key = global("m", "Key") + ")\x81](", many = "(";
  for (int i = 0; i < 3000; ++i) key += "N", many += "}h\1K\1s";
  const Value value = plain(key + "ebq\0010" + many + "l");
  CHECK(value.size() == 3000);
  std::string bomb;
  for (int i = 0; i < 40; ++i) bomb += "0h\1h\1\x86q\1";
  CHECK(!test::error_of([&] { plain(")q\1" + bomb + "0}h\1Ns"); }).empty());
}

}  // namespace kiln
