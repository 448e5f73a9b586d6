#include <doctest/doctest.h>

#include <kiln/io/load.h>
#include <kiln/io/open.h>
#include <kiln/tensor/meta.h>
#include <kiln/tensor/value/state_dict.h>

#include "support/archive.h"
#include "support/files.h"

// TorchScript: the state dict that PyTorch gives of the module, and beside it what else hangs on the module.

namespace kiln {
namespace {

using namespace std::string_literals;

const std::string kParts = "tests/io/fixtures/script_parts.pt";

std::string names_of(const Value& value) {
  std::string names;
  for (const auto& [key, child] : value.entries()) names += (names.empty() ? "" : " ") + to_string(key);
  return names;
}

// As PyTorch 1.13 and 2.15 give them, buffers that were not persistent too.
const std::string kState =
    "weight scale scratch inner.weight inner.scale inner.scratch inner.inner.weight inner.inner.bias "
    "inner.inner.running_mean inner.inner.running_var inner.inner.num_batches_tracked";
const std::string kBeside =
    "tensor listed.0 listed.1 named.a inner.tensor inner.listed.0 inner.listed.1 inner.named.a";

// A module of a class "__torch__.Net" with four tensors, all of one storage of a float; and its code.
std::string archive(const std::string& code) {
  const auto tensor = [](const std::string& name) {
    return "X" + std::string(1, char(name.size())) + "\0\0\0"s + name +
           "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"s +
           "0X\3\0\0\0cpuK\1tQK\0)"s + ")\x89" + "ccollections\nOrderedDict\n)RtR";
  };
  test::Archive archive;
  archive.add("x/data.pkl", "\x80\2c__torch__\nNet\n)\x81}(" + tensor("w") + tensor("b") + tensor("t") +
                                tensor("a.b") + "ub.");
  if (!code.empty()) archive.add("x/code/__torch__.py", code);
  return archive.add("x/data/0", "\0\0\x80\x3f"s)
      .add("x/constants.pkl", "\x80\2).")
      .add("x/version", "3")
      .finish();
}

}  // namespace

TEST_CASE("script: the state dict alone; other tensors are in the attributes") {
  for (const bool map : {false, true}) {
    const Value value = io::load(kParts, {.map = map});
    CHECK(value.type() == "__torch__.___torch_mangle_0.Parts");
    CHECK(names_of(value) == kState);
    REQUIRE(value.attributes().is_dict());
    const Value& beside = value.attributes().at("__dict__");
    CHECK(names_of(beside) == kBeside);
    CHECK(beside.at("tensor") == Value(tensor({0.f, 1.f, 2.f})));
    CHECK(value.as_state_dict().size() == 11);
    // What shares memory shares it still.
    CHECK(beside.at("listed.1").as_tensor().raw_data() == value.at("weight").as_tensor().raw_data());
  }
}

TEST_CASE("script: attributes have elements and dtype as the state dict has") {
  const io::File file = io::open(kParts, {.dtype = float64});
  CHECK(file.outline().attributes().at("__dict__/tensor").as_tensor().device() == meta);
  for (const Value& value : {file.value(), io::load(kParts, {.dtype = float64})}) {
    const Value& beside = value.attributes().at("__dict__");
    CHECK(beside.at("tensor") == Value(tensor({0, 1, 2}, {.dtype = float64})));
    CHECK(value.at("scale").as_tensor().dtype() == float64);
    CHECK(beside.at("listed.1").as_tensor().raw_data() == value.at("weight").as_tensor().raw_data());
  }
}

TEST_CASE("script: what the code says, whatever it is") {
  const std::string head = "class Net(Module):\n", parameters = "  __parameters__ = [\"w\", ]\n",
                    buffers = "  __buffers__ = [\"b\", ]\n", method = "  def forward(self) -> int:\n";
  const struct {
    const char* about;
    std::string code;
    const char* state;
    const char* beside;
  } rows[] = {
      {"as PyTorch prints it", head + parameters + buffers + method, "w b", "t a.b"},
      {"behind another class",
       "class Y(Interface):\n  def f(self):\n    pass\n" + head + parameters + buffers, "w b", "t a.b"},
      {"1.4 to 1.6 printed no buffers", "op_version_set = 1\n" + head + parameters + method, "w b t a.b", ""},
      {"in a method", head + parameters + method + buffers, "w b t a.b", ""},
      {"in their own order", head + "  __parameters__ = [\"t\", \"w\", ]\n" + buffers, "t w b", "a.b"},
      {"twice", head + parameters + buffers + parameters + "  __buffers__ = [\"t\", ]\n", "w b", "t a.b"},
      {"twice the class", head + parameters + buffers + head + "  __parameters__ = [\"t\", ]\n", "w b",
       "t a.b"},
      {"of no module", head + "  x : int\n", "w b t a.b", ""},
      {"no code", "", "w b t a.b", ""},
      {"no such class", "class Other(Module):\n" + parameters + buffers, "w b t a.b", ""},
      {"names that are not there", head + "  __parameters__ = [\"w\", \"x\", \"w\", ]\n" + buffers, "w b",
       "t a.b"},
      {"cut off", head + "  __parameters__ = [\"w\", \"b", "w b t a.b", ""},
      {"without an end", "class Net", "w b t a.b", ""},
      {"not text", head + "\0\xff\n"s + parameters + "  __buffers__ = []", "w", "b t a.b"},
  };
  const test::TemporaryFolder folder;
  for (const auto& [about, code, state, beside] : rows) {
    CAPTURE(std::string(about));
    const Value value = io::load(folder.write("x.pt", archive(code)));
    CHECK(names_of(value) == state);
    CHECK((value.attributes().is_none() ? "" : names_of(value.attributes().at("__dict__"))) == beside);
  }
}

TEST_CASE("script: damaged code is an error, and too much of it") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.pt", archive(std::string(100, '\n')));
  const std::string error = test::error_of([&] { io::load(path, {.limits = {.string_bytes = 99}}); });
  CHECK_MESSAGE(error == "load: '" + path +
                             "', record 'x/code/__torch__.py' has 100 bytes, the limit is 99 "
                             "(limits.string_bytes)",
                error);
}

}  // namespace kiln
