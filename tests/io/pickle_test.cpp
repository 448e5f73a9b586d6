#include <doctest/doctest.h>

#include <cstdio>

#include <kiln/io/pickle/pickle.h>
#include <kiln/io/pickle/pickle_numpy.h>
#include <kiln/tensor/base/error.h>

#include "support/skip.h"

using kiln::Error;
using namespace kiln::io;
using Id = PickleGraph::Id;
using Kind = PickleGraph::Kind;

namespace {

// A readable form: {'a': [1, 2.5], 'b': call(collections.OrderedDict)}. Test inputs are small and without
// cycles.
std::string show(const PickleGraph& g, Id id) {
  const auto join = [&](std::span<const Id> items, bool pairs) {
    std::string text;
    for (size_t i = 0; i < items.size(); ++i)
      text += (i == 0 ? "" : pairs && i % 2 == 1 ? ": " : ", ") + show(g, items[i]);
    return text;
  };
  char number[40];
  switch (g.kind(id)) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return g.integer(id) != 0 ? "True" : "False";
    case Kind::integer:
      return std::to_string(g.integer(id));
    case Kind::big_integer:
      return "big" + std::to_string(g.text(id).size());
    case Kind::real:
      return std::snprintf(number, sizeof number, "%g", g.real(id)), number;
    case Kind::text:
      return "'" + std::string(g.text(id)) + "'";
    case Kind::bytes:
      return "b'" + std::string(g.text(id)) + "'";
    case Kind::byte_string:
      return "s'" + std::string(g.text(id)) + "'";
    case Kind::tuple:
      return "(" + join(g.items(id), false) + ")";
    case Kind::list:
      return "[" + join(g.items(id), false) + "]";
    case Kind::dict:
      return "{" + join(g.pairs(id), true) + "}";
    case Kind::set:
    case Kind::frozen_set:
      return "set(" + join(g.items(id), false) + ")";
    case Kind::global:
      return g.global(id);
    case Kind::persistent:
      return "ref(" + show(g, g.persistent(id)) + ")";
    case Kind::object:
      break;
  }
  const PickleGraph::Object& object = g.object(id);
  std::string text = show(g, object.callable) + show(g, object.arguments);
  if (!object.items.empty()) text += "[" + join(object.items, false) + "]";
  if (!object.pairs.empty()) text += "{" + join(object.pairs, true) + "}";
  if (object.state != PickleGraph::kNothing) text += "<" + show(g, object.state) + ">";
  return text;
}

template <size_t N>
std::string bytes(const char (&literal)[N]) {
  return {literal, N - 1};
}

std::string read(const std::string& pickle, const PickleLimits& limits = {}) {
  try {
    const PickleGraph graph = parse_pickle(pickle, "test", limits);
    return show(graph, graph.root());
  } catch (const Error& error) {
    return error.what();
  }
}

struct Row {
  std::string pickle, expected;
};

}  // namespace

TEST_CASE("pickle: every opcode") {
  const Row rows[] = {
      {"N.", "None"},
      {bytes("\x80\x02\x88."), "True"},
      {bytes("\x89."), "False"},
      {"I01\n.", "True"},
      {"I00\n.", "False"},
      {"I-42\n.", "-42"},
      {bytes("J\xFE\xFF\xFF\xFF."), "-2"},
      {bytes("K\xFF."), "255"},
      {bytes("M\x01\x02."), "513"},
      {bytes("\x8A\x00."), "0"},
      {bytes("\x8A\x01\xFF."), "-1"},
      {bytes("\x8A\x09\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00."), "9223372036854775807"},
      {bytes("\x8A\x08\x00\x00\x00\x00\x00\x00\x00\x80."), "-9223372036854775808"},
      {bytes("\x8A\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."), "big9"},
      {bytes("\x8B\x02\x00\x00\x00\x00\x01."), "256"},
      {"L123L\n.", "123"},
      {"L-9223372036854775808L\n.", "-9223372036854775808"},
      {"L119547037146038801333356L\n.", "big11"},
      {bytes("G\x3F\xF8\x00\x00\x00\x00\x00\x00."), "1.5"},
      {"F-2.5e3\n.", "-2500"},
      {"Finf\n.", "inf"},
      {bytes("X\x02\x00\x00\x00\xC3\xA9."), "'\xC3\xA9'"},
      {bytes("\x8C\x02hi."), "'hi'"},
      {bytes("\x8D\x02\x00\x00\x00\x00\x00\x00\x00hi."), "'hi'"},
      {"Va\\u00e9\\U0001f600\xE9\n.", "'a\xC3\xA9\xF0\x9F\x98\x80\xC3\xA9'"},
      {bytes("\x8C\x03\xED\xA0\x80."), "'\xED\xA0\x80'"},
      {bytes("U\x02\xFFx."), "s'\xFFx'"},
      {bytes("T\x02\x00\x00\x00hi."), "s'hi'"},
      {"S'it\\'s \\x41\\n'\n.", "s'it's A\n'"},
      {bytes("C\x02hi."), "b'hi'"},
      {bytes("B\x02\x00\x00\x00hi."), "b'hi'"},
      {bytes("\x8E\x02\x00\x00\x00\x00\x00\x00\x00hi."), "b'hi'"},
      {bytes("\x96\x02\x00\x00\x00\x00\x00\x00\x00hi."), "b'hi'"},
      {").", "()"},
      {bytes("NN\x88\x87."), "(None, None, True)"},
      {bytes("NK\x01\x86."), "(None, 1)"},
      {bytes("N\x85."), "(None)"},
      {"(NNt.", "(None, None)"},
      {"(NNl.", "[None, None]"},
      {"]NaNa.", "[None, None]"},
      {"](NNe.", "[None, None]"},
      {"(NNd.", "{None: None}"},
      {bytes("}K\x01Ns."), "{1: None}"},
      {bytes("}(K\x01NK\x02Nu."), "{1: None, 2: None}"},
      {bytes("\x8F(NN\x90."), "set(None, None)"},
      {bytes("(N\x91."), "set(None)"},
      {bytes("]q\x07h\x07\x86."), "([], [])"},
      {bytes("]r\xFF\xFF\xFF\xFFj\xFF\xFF\xFF\xFF\x86."), "([], [])"},
      {bytes("]p12\ng12\n\x86."), "([], [])"},
      {bytes("]\x94h\x00\x86."), "([], [])"},
      {bytes("]q\x00Na0h\x00."), "the stack"},  // see below: POP takes the list off, the memo keeps it
      {"N(1.", "None"},
      {"N(0.", "None"},
      {bytes("N2\x86."), "(None, None)"},
      {"cos\nsystem\n.", "os.system"},
      {bytes("\x8C\x02os\x8C\x06system\x93."), "os.system"},
      {"cos\nsystem\n(S'ls'\ntR.", "os.system(s'ls')"},
      {bytes("ca\nB\n)\x81}b."), "a.B()<{}>"},
      {bytes("ca\nB\n)}\x92."), "a.B()"},
      {"(Nia\nB\n.", "a.B(None)"},
      {"(ca\nB\nNo.", "a.B(None)"},
      {bytes("cc\nOrderedDict\n)RK\x01NsNa."), "c.OrderedDict()[None]{1: None}"},
      {"Pkey\n.", "ref('key')"},
      {"NQ.", "ref(None)"},
      {bytes("c_codecs\nencode\nX\x02\x00\x00\x00\xC3\xBFX\x06\x00\x00\x00latin1\x86R."), "b'\xFF'"},
      {"c__builtin__\nbytes\n)R.", "b''"},
      {bytes("\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00N."), "None"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pickle);
    CHECK(read(row.pickle) == (row.expected == "the stack" ? "[None]" : row.expected));
  }
}

TEST_CASE("pickle: shared and cyclic values are one node") {
  const std::string pickle = bytes(
      "]q\x00h\x00"
      "a}q\x01h\x01\x86\x86.");  // l = []; l.append(l); (l, (d, d))
  const PickleGraph graph = parse_pickle(pickle, "test");
  const Id list = graph.items(graph.root())[0], pair = graph.items(graph.root())[1];
  CHECK(graph.items(list)[0] == list);
  CHECK(graph.items(pair)[0] == graph.items(pair)[1]);
}

TEST_CASE("pickle: the last of equal keys counts, and the end of the pickle is told") {
  const std::string pickle = bytes("}(U\x01xK\x01X\x01\x00\x00\x00xK\x02u.more");
  const PickleGraph graph = parse_pickle(pickle, "test");
  CHECK(graph.integer(graph.find(graph.root(), "x")) == 2);
  CHECK(graph.find(graph.root(), "y") == PickleGraph::kNothing);
  CHECK(pickle.substr(graph.consumed()) == "more");
}

TEST_CASE("pickle: bad input") {
  const Row rows[] = {
      {"", "test: pickle, byte 0: the input ends without STOP"},
      {"N", "byte 1: the input ends without STOP"},
      {".", "STOP with 0 values"},
      {"NN.", "STOP with 2 values"},
      {"N(.", "STOP with 1 values"},
      {bytes("\x80\x06N."), "protocol 6 is unknown"},
      {bytes("\xFF."), "opcode 0xFF is unknown"},
      {bytes("N\x82\x01."), "opcode 0x82"},
      {bytes("\x97."), "opcode 0x97"},
      {bytes("X\xFF\xFF\xFF\xFFx."), "byte 0: needs 4294967295 bytes, 2 are left"},
      {bytes("\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFx."), "needs 18446744073709551615 bytes, 2 are left"},
      {bytes("\x8B\xFF\xFF\xFF\xFF."), "an int of -1 bytes"},
      {bytes("T\xFF\xFF\xFF\xFF."), "a string of -1 bytes"},
      {bytes("\x95\x09\x00\x00\x00\x00\x00\x00\x00N."), "a frame of 9 bytes, 2 are left"},
      {"J12", "needs 4 bytes, 2 are left"},
      {"Ix\n.", "'x' is not an int"},
      {"I\n.", "'' is not an int"},
      {"I1", "needs a line"},
      {"L" + std::string(2000, '9') + "\n.", "is not an int"},
      {"Fx\n.", "'x' is not a float"},
      {bytes("F1\x00\n."), "is not a float"},
      {bytes("\x8C\x01\xFF."), "not UTF-8"},
      {bytes("\x8C\x02\xC0\x80."), "not UTF-8"},
      {"V\\u12\n.", "raw-unicode-escape"},
      {"V\\U00110000\n.", "raw-unicode-escape"},
      {"Sx\n.", "quoted string"},
      {"S'\\q'\n.", "quoted string"},
      {"S'\\'\n.", "quoted string"},
      {"a.", "the stack is empty"},
      {"(a.", "the stack is empty"},
      {bytes("N\x86."), "the stack is empty"},
      {"N(\x85.", "the stack is empty"},
      {"t.", "there is no mark"},
      {"(Nd.", "1 keys and values"},
      {"}(Nu.", "1 keys and values"},
      {"NNa.", "items are added to None, expected list"},
      {bytes("](N\x90."), "items are added to list, expected set"},
      {"]NNs.", "keys are set in list, expected dict"},
      {bytes("h\x01."), "memo key 1 was never put"},
      {"g-1\n.", "'-1' is not a memo key"},
      {bytes("q\x01."), "the stack is empty"},
      {"N)R.", "None cannot be called"},
      {"ca\nb\nNR.", "arguments must be a tuple, not None"},
      {bytes("ca\nb\n)N\x92."), "named arguments must be a dict"},
      {bytes("NN\x93."), "names must be strings"},
      {"NNb.", "a state is given to None"},
      {"ca\nb\n)RNbNb.", "a state twice"},
      {"(o.", "OBJ without a class"},
      {bytes("c_codecs\nencode\nX\x02\x00\x00\x00\xC4\x80X\x06\x00\x00\x00latin1\x86R."), "not latin1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pickle);
    const std::string message = read(row.pickle);
    CAPTURE(message);
    CHECK(message.find(row.expected) != std::string::npos);
    CHECK(message.starts_with("test: pickle, byte "));
  }
}

TEST_CASE("pickle: limits") {
  const std::string deep(100'000, '('), lists(1000, ']');
  const std::string nested =
      std::string(1'000'000, ']') + std::string(999'999, 'a') + ".";  // a list in a list ...
  CHECK(parse_pickle(nested, "test").size() == 1'000'000);
  CHECK(read(lists + ".", {.nodes = 100}).find("more than 100 values") != std::string::npos);
  CHECK(read(deep + ".", {.opcodes = 1000}).find("more than 1000 opcodes") != std::string::npos);
  CHECK(read(bytes("\x8C\x03xyz."), {.string_bytes = 2}).find("a string of 3 bytes, the limit is 2") !=
        std::string::npos);
  // One long text that is encoded again and again.
  const std::string length = bytes("\x10\x27\x00\x00");  // 10,000
  std::string bomb = "X" + length + std::string(10'000, 'x') +
                     bytes(
                         "q\x00"
                         "0X\x06\x00\x00\x00latin1q\x01"
                         "0]");
  for (int i = 0; i < 1000; ++i) bomb += bytes("c_codecs\nencode\nh\x00h\x01\x86Ra");
  CHECK(read(bomb + ".").find("decode to more than four times its size") != std::string::npos);
}

TEST_CASE("pickle: every prefix of a pickle is refused, every change of a byte read or refused") {
  const std::string good = bytes(
      "\x80\x02}q\x00(U\x04"
      "dataq\x01"
      "cnumpy.core.multiarray\n_reconstruct\nq\x02"
      "cnumpy\nndarray\nq\x03K\x00"
      "\x85U\x01"
      "b\x87Rq\x04(K\x01K\x02K\x03\x86"
      "cnumpy\ndtype\nq\x05U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xFF"
      "\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\x00tb\x89U\x06"
      "abcdeftbU\x06labels]q\x06(K\x01K\x02"
      "eu.");
  const PickleGraph graph = parse_pickle(good, "test");
  const Id data = graph.find(graph.root(), "data");
  REQUIRE(is_numpy_array(graph, data));
  CHECK(numpy_array(graph, data).shape() == kiln::Shape{2, 3});
  CHECK(numpy_array(graph, data).to_vector<int64_t>()[5] == 'f');
  const auto survives = [](const std::string& pickle) {
    try {
      const PickleGraph g = parse_pickle(pickle, "test");
      numpy_array(g, g.find(g.root(), "data"));
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  for (size_t cut = 0; cut < good.size(); ++cut) CHECK(!survives(good.substr(0, cut)));
  int read_anyway = 0;
  for (size_t at = 0; at < good.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      std::string changed = good;
      changed[at] = char(value);
      read_anyway += survives(changed);
    }
  CHECK(read_anyway > int(good.size()));
}
