#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/mutation.h"

namespace kiln::fuzz {
namespace {

constexpr const char* kTypes[] = {"'<f4'",    "'>f8'",  "'|b1'", "'<i8'",
                                  "'<u2'",    "'>c16'", "'|O'",  "'<U3'",
                                  "'<M8[s]'", "'|V4'",  "'|S5'", "[('x', '<i4'), ('y', '<f4')]",
                                  "'<f4",     ""};
constexpr size_t kMagicBytes = 6, kLengthAt = 8;

// What stands behind a member's name up to the next one, in place and length.
void replace_member(std::string* header, std::string_view name, const std::string& value) {
  const size_t at = header->find(name);
  if (at == header->npos) return;
  const size_t begin = at + name.size(), next = header->find(", '", begin),
               end = std::min(next, header->rfind('}'));
  if (end != header->npos && end >= begin) header->replace(begin, end - begin, value);
}

std::string shape_of(Random& random) {
  std::string text = "(";
  for (size_t left = random.below(random.one_in(8) ? 12 : 4); left > 0; --left)
    text += std::to_string(random.one_in(4) ? odd_number(random) : int64_t(random.below(5))) + ", ";
  return text + ")";
}

void change_header(std::string* header, Mutation& mutation) {
  Random& random = mutation.random;
  switch (random.below(6)) {
    case 0:
      mutation.did("type");
      return replace_member(header, "'descr': ", random.of(kTypes));
    case 1:
      mutation.did("order");
      return replace_member(header, "'fortran_order': ",
                            random.one_in(4)   ? "1"
                            : random.one_in(2) ? "True"
                                               : "False");
    case 2:
    case 3:
      mutation.did("shape");
      return replace_member(header, "'shape': ", shape_of(random));
    case 4:
      mutation.did("repeat");
      *header = "{'shape': " + shape_of(random) + ", " + (header->empty() ? "" : header->substr(1));
      return;
    default:
      mutation.did("header");
      *header = mutation.blindly(*header);
  }
}

}  // namespace

std::string mutate_npy(std::string_view bytes, Mutation& mutation) {
  if (bytes.size() < kLengthAt + 4 || !bytes.starts_with("\x93NUMPY")) return "";
  Random& random = mutation.random;
  int version = bytes[kMagicBytes];
  const size_t length_bytes = version == 1 ? 2 : 4, head = kLengthAt + length_bytes,
               length = io::from_little_endian(bytes, kLengthAt, length_bytes);
  if (length > bytes.size() - head) return "";
  std::string header(bytes.substr(head, length)), data(bytes.substr(head + length));
  if (random.one_in(8)) {
    mutation.did("version");
    version = int(1 + random.below(3));
  } else if (random.one_in(4)) {
    mutation.did("data");
    data.resize(random.one_in(2) ? data.size() + 4 * random.below(5) : random.below(33));
  } else {
    change_header(&header, mutation);
  }
  if (header.size() > 0xFFFF) return "";
  return std::string(bytes.substr(0, kMagicBytes)) + char(version) + '\0' +
         io::little_endian(header.size(), version == 1 ? 2 : 4) + header + data;
}

}  // namespace kiln::fuzz
