// Files that are pickles with data between them: torch.save's old stream and, in a tar archive, its older
// one.

#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/mutation.h"
#include "fuzz/mutate/pickle_ops.h"
#include "fuzz/mutate/small_files.h"
#include "fuzz/mutate/storages.h"
#include "fuzz/mutate/tar_parts.h"

namespace kiln::fuzz {
namespace {

struct Piece {
  bool is_pickle = false;
  std::string bytes;
};

// At the front pickles may be of any protocol; behind data they are known by their first opcode.
std::vector<Piece> pieces_of(std::string_view bytes) {
  constexpr size_t kFront = 5;
  std::vector<Piece> pieces;
  Ops ops;
  size_t consumed = 0;
  while (!bytes.empty()) {
    const bool may_be = pieces.size() < kFront && (pieces.empty() || pieces.back().is_pickle);
    const bool begins = bytes.size() > 1 && bytes[0] == '\x80' && uint8_t(bytes[1]) <= 5;
    if ((may_be || begins) && split_pickle(bytes, &ops, &consumed)) {
      pieces.push_back({true, std::string(bytes.substr(0, consumed))});
      bytes.remove_prefix(consumed);
      continue;
    }
    if (pieces.empty() || pieces.back().is_pickle) pieces.push_back({});
    pieces.back().bytes += bytes[0];
    bytes.remove_prefix(1);
  }
  return pieces;
}

constexpr size_t kObjectAt = 3, kKeysAt = 4;  // in torch.save's stream

// The list of keys and the data, as the object's pickle names them.
void lay_storages(std::vector<Piece>* pieces) {
  std::string keys = "\x80\x02](", data;
  for (const NamedStorage& storage : named_storages((*pieces)[kObjectAt].bytes)) {
    keys += "X" + io::little_endian(storage.key.size(), 4) + storage.key;
    data += io::little_endian(uint64_t(storage.count), 8) + std::string(storage.bytes, filling(storage.key));
  }
  pieces->resize(kKeysAt);
  pieces->push_back({true, keys + "e."});
  pieces->push_back({false, data});
}

// A number of 8 bytes and the data that it counts.
void change_data(std::string* data, Mutation& mutation) {
  constexpr size_t kCountBytes = 8;
  Random& random = mutation.random;
  mutation.did("data");
  if (data->size() < kCountBytes || random.one_in(4)) {
    *data = mutation.blindly(*data);
    return;
  }
  const size_t change = 4 * (1 + random.below(4));
  switch (random.below(4)) {
    case 0:
      data->resize(data->size() + change);
      break;
    case 1:
      data->resize(data->size() - std::min(change, data->size()));
      break;
    case 2:
      data->replace(0, kCountBytes, io::little_endian(uint64_t(odd_number(random)), kCountBytes));
      break;
    default:  // with its count, as far as one storage goes
      const uint64_t count = io::from_little_endian(*data, 0, kCountBytes);
      data->replace(0, kCountBytes, io::little_endian(count + change / 4, kCountBytes));
      data->insert(kCountBytes, std::string(change, '\1'));
  }
}

void change_piece(std::vector<Piece>* pieces, Mutation& mutation) {
  Random& random = mutation.random;
  Piece& piece = random.of(*pieces);
  if (random.one_in(12)) {
    mutation.did("piece");
    if (random.one_in(2)) return std::swap(piece.bytes, random.of(*pieces).bytes);
    const Piece copy = piece;
    pieces->insert(pieces->begin() + ptrdiff_t(random.below(pieces->size())), copy);
    return;
  }
  // The largest pickle is that of the tensors.
  Piece* chosen = &piece;
  if (!random.one_in(4))
    for (Piece& other : *pieces)
      if (other.is_pickle && (!chosen->is_pickle || other.bytes.size() > chosen->bytes.size()))
        chosen = &other;
  if (!chosen->is_pickle) return change_data(&chosen->bytes, mutation);
  if (std::string made = mutate_pickle(chosen->bytes, mutation); !made.empty())
    chosen->bytes = std::move(made);
}

void change_members(TarParts* tar, Mutation& mutation) {
  constexpr const char* kNames[] = {"sys_info", "pickle", "tensors", "storages", "other", "a/pickle"};
  Random& random = mutation.random;
  TarMember& member = random.of(tar->members);
  mutation.did("member");
  switch (random.below(7)) {
    case 0:
      tar->members.push_back(member);
      break;
    case 1:
      member.name = random.of(kNames);
      break;
    case 2:
      member.type = "05xgL"[random.below(5)];
      break;
    case 3:
      tar->members.erase(tar->members.begin() + (&member - tar->members.data()));
      break;
    case 4:
      member.content = small_file(mutation);
      break;
    case 5:
      std::swap(member.content, random.of(tar->members).content);
      break;
    default:
      tar->members.push_back({.name = random.of(kNames), .content = small_file(mutation), .type = 'x'});
  }
}

}  // namespace

std::string mutate_stream(std::string_view bytes, Mutation& mutation) {
  std::vector<Piece> pieces = pieces_of(bytes);
  if (pieces.empty() || !pieces[0].is_pickle) return "";
  const std::string object = pieces.size() > kKeysAt ? pieces[kObjectAt].bytes : "";
  change_piece(&pieces, mutation);
  const bool is_changed = pieces.size() > kKeysAt && pieces[kObjectAt].bytes != object;
  if (is_changed && !mutation.random.one_in(6)) lay_storages(&pieces);
  std::string out;
  for (const Piece& piece : pieces) out += piece.bytes;
  return out;
}

std::string mutate_tar(std::string_view bytes, Mutation& mutation) {
  TarParts tar;
  if (!read_tar(bytes, &tar)) return "";
  if (mutation.random.one_in(6)) {
    change_members(&tar, mutation);
  } else {
    TarMember& member = mutation.random.of(tar.members);
    std::string made = mutate_stream(member.content, mutation);
    member.content = made.empty() ? mutation.blindly(member.content) : std::move(made);
  }
  return write_tar(tar);
}

}  // namespace kiln::fuzz
