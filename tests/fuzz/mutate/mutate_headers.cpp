// Files of a header of JSON and data, and the index of shards, which is JSON alone.

#include <algorithm>

#include <kiln/io/bytes/crc32c.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/tensor/base/fail.h>

#include "fuzz/mutate/header_parts.h"
#include "fuzz/mutate/json_changes.h"
#include "fuzz/mutate/kiln_words.h"

namespace kiln::fuzz {
namespace {

constexpr const char* kDtypes[] = {"F32",         "F64", "F16",     "BF16",    "I64",     "I32",
                                   "I16",         "I8",  "U8",      "U16",     "U32",     "U64",
                                   "BOOL",        "C64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ",
                                   "F8_E5M2FNUZ", "F4",  "F6_E2M3", "F6_E3M2", "C128",    "f32"};
constexpr const char* kNames[] = {"dtype",  "shape", "data_offsets", "__metadata__", "kiln", "kiln.crc32c",
                                  "format", "x",     "a.b",          "a.b.c",        "a",    "kiln.filler.0",
                                  ""};
constexpr std::string_view kMetadata = "__metadata__";

// Entries as they may be; offsets are put right afterwards.
Json entry_of(Random& random) {
  std::vector<Json> shape;
  for (size_t left = random.below(4); left > 0; --left)
    shape.push_back(Json::number(int64_t(random.below(5))));
  return Json::object({{"dtype", Json::string(random.of(kDtypes))},
                       {"shape", Json::array(std::move(shape))},
                       {"data_offsets", Json::array({Json::number(0), Json::number(0)})}});
}

void change_entries(HeaderParts* parts, Mutation& mutation) {
  Random& random = mutation.random;
  auto& members = parts->header.members;
  mutation.did("entry");
  Json* const entry = members.empty() ? nullptr : &random.of(members).value;
  Json* const dtype = entry == nullptr ? nullptr : entry->find("dtype");
  if (dtype == nullptr || random.one_in(4))
    members.push_back({random.of(kNames), entry_of(random)});
  else if (random.one_in(3))
    *entry = entry_of(random);
  else
    dtype->text = random.of(kDtypes);
}

void change_header(HeaderParts* parts, Mutation& mutation) {
  const JsonWords words = {kNames, kDtypes, entry_of};
  Random& random = mutation.random;
  if (random.one_in(8)) {
    mutation.did("data");
    parts->data = mutation.blindly(parts->data);
  } else if (random.one_in(3)) {
    change_entries(parts, mutation);
  } else {
    change_json(&parts->header, words, mutation);
  }
  if (!random.one_in(3)) lay_out(parts);
}

std::string hex(uint32_t checksum) { return fmt::format("{:08x}", checksum); }

// Of each block that the header gives a place.
void put_checksums(const HeaderParts& parts, Json* document) {
  Json* const checksums = document->find("crc32c");
  if (checksums == nullptr) return;
  for (auto& [name, checksum] : checksums->members) {
    const Json* const entry = parts.header.find(name);
    size_t begin = 0, end = 0;
    if (entry != nullptr && data_of(*entry, parts.data.size(), &begin, &end))
      checksum = Json::string(hex(io::crc32c(parts.data.data() + begin, end - begin)));
  }
}

// Blocks that the tree does not have a checksum of would be fillers.
void name_blocks(const HeaderParts& parts, Json* document) {
  Json* const checksums = document->find("crc32c");
  if (checksums == nullptr || checksums->kind != Json::Kind::object) return;
  for (const auto& [name, entry] : parts.header.members)
    if (name != kMetadata && checksums->find(name) == nullptr)
      checksums->members.push_back({name, Json::string("")});
  std::erase_if(checksums->members,
                [&](const JsonMember& member) { return parts.header.find(member.name) == nullptr; });
}

// The header's own checksum, in the place where it has to be.
void put_own_checksum(std::string* file) {
  constexpr size_t kLengthBytes = 8, kDigits = 8;
  constexpr std::string_view kStart = R"({"__metadata__":{"kiln.crc32c":")";
  if (file->size() < kLengthBytes + kStart.size() + kDigits) return;
  if (file->compare(kLengthBytes, kStart.size(), kStart) != 0) return;
  const auto header = size_t(io::from_little_endian(*file, 0, kLengthBytes));
  const size_t at = kLengthBytes + kStart.size();
  file->replace(at, kDigits, kDigits, '0');
  file->replace(at, kDigits, hex(io::crc32c(file->data() + kLengthBytes, header)));
}

// The tree, and what says which blocks there are.
void change_document(HeaderParts* parts, Json* document, Mutation& mutation) {
  Random& random = mutation.random;
  Json* const value = document->find("value");
  if (value == nullptr || random.one_in(6)) return change_json(document, {kNames, kDtypes, {}}, mutation);
  if (Json* const version = document->find("version"); version != nullptr && !random.one_in(4))
    version->text = "2";
  change_json(value, kiln_words(parts->header), mutation);
}

}  // namespace

std::string mutate_safetensors(std::string_view bytes, Mutation& mutation) {
  HeaderParts parts;
  if (!read_header(bytes, &parts)) return "";
  change_header(&parts, mutation);
  return write_header(parts, mutation.random.one_in(2));
}

std::string mutate_kiln(std::string_view bytes, Mutation& mutation) {
  HeaderParts parts;
  if (!read_header(bytes, &parts)) return "";
  Random& random = mutation.random;
  Json* metadata = parts.header.find(kMetadata);
  Json document;
  const bool is_known = metadata != nullptr && metadata->find("kiln") != nullptr &&
                        read_json(metadata->find("kiln")->text, &document);
  if (!is_known || random.one_in(5)) {
    change_header(&parts, mutation);
    if (is_known && !random.one_in(4)) name_blocks(parts, &document);
  } else {
    change_document(&parts, &document, mutation);
  }
  metadata = parts.header.find(kMetadata);
  if (Json* const text = metadata == nullptr ? nullptr : metadata->find("kiln");
      text != nullptr && is_known) {
    if (!random.one_in(8)) put_checksums(parts, &document);
    text->text = write_json(document);
  }
  std::string file = write_header(parts, true);
  if (!random.one_in(16)) put_own_checksum(&file);
  return file;
}

std::string mutate_index(std::string_view bytes, Mutation& mutation) {
  constexpr const char* kMembers[] = {"weight_map", "metadata", "total_size", "x", "y", "z", "w"};
  constexpr const char* kFiles[] = {
      "a.safetensors", "b.pth", "c.npz", "x.index.json",  "none.pth", "../a.safetensors",
      "/dev/null",     "",      ".",     "a.safetensors/"};
  Json json;
  if (!read_json(bytes, &json)) return "";
  change_json(&json, {kMembers, kFiles, {}}, mutation);
  return write_json(json);
}

}  // namespace kiln::fuzz
