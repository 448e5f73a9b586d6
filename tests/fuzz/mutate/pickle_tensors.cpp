// Tensors and what is made of them, by the functions that torch/_utils.py has for each.

#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/pickle_words.h"
#include "fuzz/mutate/small_files.h"

namespace kiln::fuzz {
namespace {

constexpr const char kUtils[] = "torch._utils";

std::string byte_number(size_t n) { return "K" + io::little_endian(n, 1); }
std::string word(std::string_view text) {
  return "\x8c" + io::little_endian(text.size(), 1) + std::string(text);
}
std::string dtype_of(Random& random) {
  constexpr const char* kNames[] = {"float32",  "int64",           "bool",     "qint8",
                                    "quint4x2", "float8_e5m2fnuz", "complex32"};
  return std::string("ctorch\n") + random.of(kNames) + "\n";
}

}  // namespace

std::string PickleWords::sizes(size_t rank) {
  std::string items;
  for (; rank > 0; --rank) items += random_.one_in(6) ? number() : byte_number(random_.below(5));
  return "(" + items + "t";
}

std::string PickleWords::tensor() {
  const size_t rank = random_.below(4);
  std::string arguments = storage() + (random_.one_in(6) ? number() : byte_number(random_.below(3))) +
                          sizes(rank) + sizes(rank) + "\x89" + "ccollections\nOrderedDict\n)R";
  if (random_.one_in(3)) arguments += "}(" + word("conj") + "\x88" + word("neg") + atom() + "u";
  switch (random_.below(6)) {
    case 0:
      return call(kUtils, "_rebuild_tensor", arguments);
    case 1:
      return call(kUtils, "_rebuild_tensor_v3",
                  storage() + byte_number(0) + sizes(1) + sizes(1) + "\x89N" + dtype_of(random_));
    case 2:
      return call(kUtils, "_rebuild_meta_tensor_no_storage",
                  dtype_of(random_) + sizes(rank) + sizes(rank) + "\x89");
    case 3:
      return call(kUtils, "_rebuild_parameter", recall() + "\x88N");
    default:
      return call(kUtils, "_rebuild_tensor_v2", arguments);
  }
}

std::string PickleWords::numpy() {
  constexpr const char* kTypes[] = {"f4", "f8",  "i8", "i1", "u2", "u8", "b1",
                                    "c8", "c16", "O8", "U2", "M8", "V4"};
  const std::string name = random_.of(kTypes);
  const std::string type = "cnumpy\ndtype\n(" + word(name) + "\x89\x88tR(K\x03" +
                           word(random_.one_in(3) ? ">" : "<") + "NNN" + number() + "J\xff\xff\xff\xff" +
                           byte_number(0) + "tb";
  const size_t bytes = random_.one_in(4) ? random_.below(17) : size_t(name.back() - '0');
  const std::string data = "C" + io::little_endian(bytes, 1) + std::string(bytes, '\1');
  if (random_.one_in(2)) return "cnumpy.core.multiarray\nscalar\n(" + type + data + "tR";
  const std::string shape = sizes(random_.below(3));
  if (random_.one_in(4))
    return "cnumpy._core.numeric\n_frombuffer\n(" + data + type + shape + word("C") + "tR";
  return "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + byte_number(0) + "\x85" + "C\1btR(K\1" +
         shape + type + "\x89" + data + "tb";
}

std::string PickleWords::quantised() {
  const std::string scheme = random_.one_in(2) ? "(ctorch\nper_tensor_affine\n" + atom() + number() + "t"
                                               : "(ctorch\nper_channel_affine\n" + tensor() + tensor() +
                                                     byte_number(random_.below(3)) + "t";
  return call(kUtils, "_rebuild_qtensor",
              storage() + byte_number(0) + sizes(2) + sizes(2) + scheme + "\x89N");
}

std::string PickleWords::sparse() {
  constexpr const char* kLayouts[] = {"torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc",
                                      "torch.sparse_bsr", "torch.sparse_bsc", "torch.strided"};
  const std::string layout = random_.of(kLayouts);
  std::string data = tensor() + tensor();
  if (layout != "torch.sparse_coo") data += tensor();
  data += sizes(2);
  if (random_.one_in(3)) data += "\x88";
  return call(kUtils, "_rebuild_sparse_tensor",
              "ctorch.serialization\n_get_layout\n" + word(layout) + "\x85R(" + data + "t");
}

// Of a class of its own: DTensor, torchao's, nested ones.
std::string PickleWords::subclass() {
  const std::string type = "c__main__\nT\n";
  switch (random_.below(4)) {
    case 0:
      return call(kUtils, "_rebuild_wrapper_subclass", type + dtype_of(random_) + sizes(2)) + state() + "b";
    case 1:
      return call("torch._tensor", "_rebuild_from_type_v2",
                  "ctorch._utils\n_rebuild_wrapper_subclass\n" + type + "(" + type + dtype_of(random_) +
                      sizes(2) + "t" + state());
    case 2:
      return call("torch._tensor", "_rebuild_from_type_v2",
                  "ctorch.nested._internal.nested_tensor\n_rebuild_njt\n" + type + "(" + value(1) + "t}(" +
                      word("_metadata_cache") + value(1) + key() + tensor() + "u");
    default:
      return call("torch._tensor", "_rebuild_from_type_v2",
                  "ctorch._utils\n_rebuild_tensor_v2\n" + type + "(" + storage() + byte_number(0) + sizes(1) +
                      sizes(1) + "\x89Nt" + state());
  }
}

std::string PickleWords::nested_file() {
  const std::string file = small_file(mutation_);
  return call("torch.storage", "_load_from_bytes", "B" + io::little_endian(file.size(), 4) + file);
}

std::string PickleWords::wrapped(const std::string& inner) {
  switch (random_.below(9)) {
    case 0:
      return call(kUtils, "_rebuild_parameter", inner + "\x88N");
    case 1:
      return call(kUtils, "_rebuild_parameter_with_state", inner + "\x88N" + state());
    case 2:
      return call("torch.nn.parameter", "Parameter", inner) + state() + "b";
    case 3:
      return call(kUtils, "_rebuild_device_tensor_from_numpy",
                  inner + dtype_of(random_) + word("cpu") + "\x89");
    case 4:
      return "}" + inner + atom() + "s";
    case 5:
      return "]" + inner + "a";
    case 6:
      return global() + inner + "\x85R";
    case 7:
      return call("torch._tensor", "_rebuild_from_type_v2", global() + global() + inner + "\x85" + state());
    default:
      return inner + "\x85";
  }
}

}  // namespace kiln::fuzz
