#include "fuzz/mutate/small_files.h"

#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/tar_parts.h"
#include "fuzz/mutate/zip_parts.h"

namespace kiln::fuzz {
namespace {

using namespace std::string_literals;
using io::little_endian;

// {"x": a tensor of 2 floats}, which lie in storage "0".
std::string pickle_of_a_tensor() {
  return "\x80\x02}X\1\0\0\0xctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"s
         "0X\3\0\0\0cpuK\2tQK\0K\2\x85K\1\x85\x89Nt"s
         "Rs."s;
}

std::string checkpoint() {
  ZipParts zip;
  zip.parts = {{.name = "a/data.pkl", .content = pickle_of_a_tensor()},
               {.name = "a/data/0", .content = std::string(8, '\1')},
               {.name = "a/version", .content = "3\n"}};
  return write_zip(zip);
}

std::string array() {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  return "\x93NUMPY\1\0"s + little_endian(header.size(), 2) + header + std::string(8, '\1');
}

std::string arrays() {
  ZipParts zip;
  zip.parts = {{.name = "x.npy", .content = array()}};
  return write_zip(zip);
}

std::string stream() {
  return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}."s +
         pickle_of_a_tensor() + "\x80\x02]X\1\0\0\0"s + "0a."s + little_endian(2, 8) + std::string(8, '\1');
}

std::string named_tensors() {
  const std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  return little_endian(header.size(), 8) + header + std::string(8, '\1');
}

std::string tar() {
  TarParts tar;
  tar.members = {{.name = "sys_info", .content = "\x80\x02}."},
                 {.name = "pickle", .content = "\x80\x02}."},
                 {.name = "tensors", .content = "\x80\x02K\0."s},
                 {.name = "storages", .content = "\x80\x02K\0.\x80\x02]."s}};
  return write_tar(tar);
}

}  // namespace

std::string small_file(Mutation& mutation) {
  constexpr size_t kSmall = 4096;
  const std::string_view other = mutation.other();
  if (!other.empty() && other.size() <= kSmall && mutation.random.one_in(3)) return std::string(other);
  switch (mutation.random.below(7)) {
    case 0:
      return arrays();
    case 1:
      return array();
    case 2:
      return stream();
    case 3:
      return named_tensors();
    case 4:
      return tar();
    case 5:
      return pickle_of_a_tensor();
    default:
      return checkpoint();
  }
}

}  // namespace kiln::fuzz
