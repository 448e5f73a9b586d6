#include "fuzz/mutate/pickle_words.h"

#include <bit>
#include <cmath>
#include <limits>

#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/small_files.h"

namespace kiln::fuzz {
namespace {

using io::little_endian;

constexpr const char* kGlobals[][2] = {
    {"collections", "OrderedDict"},
    {"collections", "defaultdict"},
    {"collections", "Counter"},
    {"builtins", "set"},
    {"builtins", "list"},
    {"builtins", "complex"},
    {"builtins", "bytearray"},
    {"__builtin__", "frozenset"},
    {"copyreg", "_reconstructor"},
    {"copy_reg", "__newobj__"},
    {"_codecs", "encode"},
    {"torch", "Size"},
    {"torch", "device"},
    {"torch", "float16"},
    {"torch", "float8_e4m3fnuz"},
    {"torch", "Tensor"},
    {"torch", "FloatTensor"},
    {"torch", "sparse_csr"},
    {"torch", "per_tensor_affine"},
    {"torch", "per_channel_affine"},
    {"torch.serialization", "_get_layout"},
    {"torch.storage", "_load_from_bytes"},
    {"torch.storage", "TypedStorage"},
    {"torch.storage", "UntypedStorage"},
    {"torch._tensor", "_rebuild_from_type_v2"},
    {"torch._utils", "_rebuild_tensor"},
    {"torch._utils", "_rebuild_tensor_v2"},
    {"torch._utils", "_rebuild_tensor_v3"},
    {"torch._utils", "_rebuild_parameter"},
    {"torch._utils", "_rebuild_parameter_with_state"},
    {"torch._utils", "_rebuild_qtensor"},
    {"torch._utils", "_rebuild_sparse_tensor"},
    {"torch._utils", "_rebuild_sparse_csr_tensor"},
    {"torch._utils", "_rebuild_nested_tensor"},
    {"torch._utils", "_rebuild_wrapper_subclass"},
    {"torch._utils", "_rebuild_meta_tensor_no_storage"},
    {"torch._utils", "_rebuild_device_tensor_from_numpy"},
    {"torch.nested._internal.nested_tensor", "NestedTensor"},
    {"torch.nested._internal.nested_tensor", "_rebuild_njt"},
    {"torch.nn.parameter", "Parameter"},
    {"torch.nn.parameter", "Buffer"},
    {"torch.nn.modules.linear", "Linear"},
    {"torch.jit._pickle", "build_tensorlist"},
    {"torch.jit._pickle", "restore_type_tag"},
    {"torchao.dtypes", "AffineQuantizedTensor"},
    {"numpy", "ndarray"},
    {"numpy", "dtype"},
    {"numpy.core.multiarray", "scalar"},
    {"numpy.core.multiarray", "_reconstruct"},
    {"numpy._core.numeric", "_frombuffer"},
    {"__main__", "A"},
};
constexpr const char* kTypes[] = {"Float",   "Double",      "Half",          "BFloat16", "Long",
                                  "Int",     "Char",        "Byte",          "Bool",     "ComplexFloat",
                                  "UInt16",  "QInt8",       "QUInt4x2",      "QInt32",   "Float8_e8m0fnu",
                                  "Untyped", "ComplexHalf", "Float8_e4m3fn", "Bits1x8",  "Float4_e2m1fn_x2"};
constexpr const char* kTexts[] = {"storage",
                                  "cpu",
                                  "cuda:0",
                                  "meta",
                                  "0",
                                  "1",
                                  "3",
                                  "_parameters",
                                  "_modules",
                                  "_buffers",
                                  "state_dict",
                                  "weight",
                                  "_args",
                                  "_kwargs",
                                  "_items",
                                  "_state",
                                  "__dict__",
                                  "a.b",
                                  "a/b",
                                  "",
                                  "values",
                                  "shape",
                                  "dtype",
                                  "_metadata",
                                  "_metadata_cache",
                                  "torch.sparse_coo",
                                  "torch.sparse_bsr",
                                  "conj",
                                  "neg",
                                  "latin1",
                                  "<",
                                  ">",
                                  "f4",
                                  "i8",
                                  "b1",
                                  "c16",
                                  "O8",
                                  "M8",
                                  "U3"};
constexpr const char* kDtypes[] = {"float16",        "float32",   "int64",  "bool",  "quint4x2",
                                   "float8_e8m0fnu", "complex64", "bits16", "uint16"};

std::string short_text(std::string_view text) {
  return "\x8c" + little_endian(text.size(), 1) + std::string(text.substr(0, 255));
}
std::string global_of(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
std::string tuple_of(const std::string& items) { return "(" + items + "t"; }
std::string real_of(double value) {
  const std::string bytes = little_endian(std::bit_cast<uint64_t>(value), 8);
  return "G" + std::string(bytes.rbegin(), bytes.rend());
}

}  // namespace

std::string PickleWords::number() {
  const int64_t n = odd_number(random_);
  switch (random_.below(5)) {
    case 0:
      return "J" + little_endian(uint64_t(n), 4);
    case 1:
      return "K" + little_endian(uint64_t(n), 1);
    case 2:  // more than 64 bits, and without a sign
      return "\x8a\x09" + little_endian(uint64_t(n), 8) + std::string(1, '\0');
    case 3:
      return "I" + std::to_string(n) + "\n";
    default:
      return "\x8a\x08" + little_endian(uint64_t(n), 8);
  }
}

std::string PickleWords::text() {
  const std::string_view word = random_.of(kTexts);
  switch (random_.below(6)) {
    case 0:
      return "X" + little_endian(word.size(), 4) + std::string(word);
    case 1:
      return "U" + little_endian(word.size(), 1) + std::string(word);
    case 2:
      return "C" + little_endian(word.size(), 1) + std::string(word);
    case 3:
      return "V" + std::string(word) + "\n";
    case 4:
      return "S'" + std::string(word) + "'\n";
    default:
      return short_text(word);
  }
}

std::string PickleWords::global() {
  if (random_.one_in(4)) return global_of("torch", std::string(random_.of(kTypes)) + "Storage");
  if (random_.one_in(6)) return global_of("torch", random_.of(kDtypes));
  const auto& [module, name] = random_.of(kGlobals);
  if (random_.one_in(5)) return short_text(module) + short_text(name) + "\x93";
  return global_of(module, name);
}

std::string PickleWords::atom() {
  constexpr double kReals[] = {0, -0.0, 1.5, 1e300};
  switch (random_.below(9)) {
    case 0:
      return "N";
    case 1:
      return random_.one_in(2) ? "\x88" : "\x89";
    case 2:
      return real_of(random_.of(kReals));
    case 3:
      return real_of(random_.one_in(2) ? std::nan("") : std::numeric_limits<double>::infinity());
    case 4:
      return "\x96" + little_endian(3, 8) + "abc";
    case 5:
    case 6:
      return text();
    default:
      return number();
  }
}

std::string PickleWords::many(int depth) {
  std::string items;
  for (size_t left = random_.below(4); left > 0; --left) items += value(depth - 1);
  return items;
}

std::string PickleWords::container(int depth) {
  std::string pairs;
  for (size_t left = random_.below(3); left > 0; --left) pairs += key() + value(depth - 1);
  switch (random_.below(8)) {
    case 0:
      return "](" + many(depth) + "e";
    case 1:
      return tuple_of(many(depth));
    case 2:
      return "}(" + pairs + "u";
    case 3:
      return "(" + pairs + "d";
    case 4:
      return "\x8f(" + many(depth) + "\x90";
    case 5:
      return "(" + many(depth) + "\x91";
    case 6:
      return value(depth - 1) + "\x85";
    default:
      return global_of("collections", "OrderedDict") + ")R(" + pairs + "u";
  }
}

std::string PickleWords::call(const char* module, const char* name, const std::string& arguments) {
  return global_of(module, name) + tuple_of(arguments) + (random_.one_in(6) ? "\x81" : "R");
}

std::string PickleWords::object(int depth) {
  switch (random_.below(9)) {
    case 0:
      return global() + tuple_of(many(depth)) + "R";
    case 1:
      return global() + ")\x81" + state() + "b";
    case 2:
      return global() + tuple_of(many(depth)) + "}\x92";
    case 3:
      return call("builtins", "complex", real_of(1) + atom());
    case 4:
      return call("collections", "defaultdict", global()) + "(" + key() + value(depth - 1) + "u";
    case 5:
      return call("builtins", "set", "](" + many(depth) + "e");
    case 6:
      return call("torch", "Size", sizes(random_.below(4)));
    case 7:
      return call("torch", "device", short_text("cuda") + number());
    default:
      return call("copyreg", "_reconstructor", global() + global() + atom()) + state() + "b";
  }
}

std::string PickleWords::value(int depth) {
  if (depth <= 0) return random_.one_in(4) ? recall() : atom();
  switch (random_.below(14)) {
    case 0:
    case 1:
      return atom();
    case 2:
    case 3:
      return container(depth);
    case 4:
    case 5:
      return object(depth);
    case 6:
      return recall();
    case 7:
      return numpy();
    case 8:
      return global();
    case 9:
      return own(map_.values);
    case 10:
      return random_.one_in(3) ? nested_file() : subclass();
    case 11:
      return random_.one_in(2) ? sparse() : quantised();
    default:
      return tensor();
  }
}

std::string PickleWords::key() {
  switch (random_.below(8)) {
    case 0:
      return "\x8a\x09" + little_endian(random_.next(), 8) + std::string(1, '\0');
    case 1:
      return value(2);
    case 2:
      return tuple_of(atom() + recall());
    case 3:
      return tensor();
    case 4:
      return numpy();
    case 5:
      return global();
    default:
      return atom();
  }
}

std::string PickleWords::state() {
  const auto dict = [&] { return "}(" + key() + value(1) + short_text("a") + value(1) + "u"; };
  switch (random_.below(6)) {
    case 0:
      return "N" + dict() + "\x86";
    case 1:
      return dict() + dict() + "\x86";
    case 2:
      return value(2);
    case 3:
      return tuple_of(storage() + number() + sizes(1) + sizes(1));  // of a tensor of PyTorch 0.1
    default:
      return dict();
  }
}

std::string PickleWords::recall() {
  if (random_.one_in(16)) return get_op(uint32_t(random_.below(40)));
  return map_.memo.empty() ? atom() : get_op(random_.of(map_.memo));
}

std::string PickleWords::own(const std::vector<Span>& spans) {
  constexpr size_t kLongest = 200;  // opcodes: the input may not grow by its own length again and again
  if (spans.empty()) return atom();
  const Span span = random_.of(spans);
  if (span.end - span.begin > kLongest) return atom();
  std::string bytes;
  for (size_t i = span.begin; i < span.end; ++i) bytes += ops_[i];
  return bytes;
}

std::string PickleWords::storage() {
  if (!map_.persistent.empty() && !random_.one_in(3)) return own(map_.persistent);
  const size_t number_of = random_.below(4);
  const int64_t count = random_.one_in(6) ? odd_number(random_) : int64_t(random_.below(17));
  std::string id = short_text("storage") + global_of("torch", std::string(random_.of(kTypes)) + "Storage") +
                   short_text(std::to_string(number_of)) + short_text(random_.one_in(4) ? "cuda:0" : "cpu") +
                   "\x8a\x08" + little_endian(uint64_t(count), 8);
  if (random_.one_in(8)) id += random_.one_in(2) ? "N" : tuple_of(text() + number() + number());
  return tuple_of(id) + "Q";
}

}  // namespace kiln::fuzz
