#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include <kiln/io/bytes/crc32.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/load.h>

#include "fuzz/mutate/header_parts.h"
#include "fuzz/mutate/pickle_ops.h"
#include "fuzz/mutate/tar_parts.h"
#include "fuzz/mutate/zip_parts.h"
#include "fuzz/targets.h"
#include "support/files.h"

namespace kiln {
namespace {

using namespace std::string_view_literals;

constexpr int kMutations = 2000;

// In the place of libFuzzer: one byte changed, or one more or less.
fuzz::Blind simple(uint64_t seed) {
  return [random = fuzz::Random(seed)](std::string bytes, size_t most) mutable {
    const size_t at = random.below(bytes.size());
    if (bytes.size() < most && random.one_in(3))
      bytes.insert(at, 1, char(random.next()));
    else if (!bytes.empty() && random.one_in(2))
      bytes.erase(at, 1);
    else if (!bytes.empty())
      bytes[at] = char(random.next());
    return bytes;
  };
}

// Of the mutations of a fixture, how many are still of its format and how often each kind was made.
struct Made {
  int parsed = 0, different = 0;
  std::map<std::string_view, int> kinds;
};
Made mutations(std::string_view target, const std::string& input, bool (*parses)(const std::string&)) {
  Made made;
  const std::vector<std::string> others = {input};
  fuzz::Mutation mutation = {
      .random = fuzz::Random(7), .blind = simple(8), .whole = input, .others = others, .kinds = &made.kinds};
  for (int i = 0; i < kMutations; ++i) {
    const std::string next = fuzz::find_target(target)->mutate(input, mutation);
    made.parsed += parses(next);
    made.different += next != input;
  }
  return made;
}

void check(const Made& made, std::initializer_list<std::string_view> kinds, double least_parsed) {
  MESSAGE(made.parsed, " of ", kMutations, " are of the format, ", made.different, " are new");
  CHECK(made.parsed >= kMutations * least_parsed);
  CHECK(made.different >= kMutations * 8 / 10);
  for (const std::string_view kind : kinds) {
    CAPTURE(kind);
    const auto found = made.kinds.find(kind);
    CHECK((found != made.kinds.end() && found->second >= 10));
  }
}

bool is_pickle(const std::string& bytes) {
  fuzz::Ops ops;
  size_t consumed = 0;
  return fuzz::split_pickle(bytes, &ops, &consumed) && consumed == bytes.size();
}

// By its directory, and each checksum is that of the content or left out.
bool is_zip(const std::string& bytes) {
  fuzz::ZipParts zip;
  if (!fuzz::read_zip_parts(bytes, &zip)) return false;
  size_t at = bytes.find("PK\1\2"sv);
  for (const fuzz::ZipPart& part : zip.parts) {
    const uint32_t crc = uint32_t(io::from_little_endian(bytes, at + 16, 4));
    if (crc != 0 && crc != io::crc32(part.content.data(), part.content.size())) return false;
    at = bytes.find("PK\1\2"sv, at + 1);
  }
  return true;
}

bool is_tar(const std::string& bytes) {
  fuzz::TarParts tar;
  return fuzz::read_tar(bytes, &tar) && fuzz::write_tar(tar) == bytes;
}

bool has_header(const std::string& bytes) {
  fuzz::HeaderParts parts;
  return fuzz::read_header(bytes, &parts);
}

std::string fixture(const std::string& name) { return test::read_file("tests/io/fixtures/" + name); }

std::string pickle_of(const std::string& archive) {
  fuzz::ZipParts zip;
  REQUIRE(fuzz::read_zip_parts(archive, &zip));
  const auto found =
      std::ranges::find_if(zip.parts, [](const auto& part) { return part.name.ends_with("data.pkl"); });
  REQUIRE(found != zip.parts.end());
  return found->content;
}

}  // namespace

TEST_CASE("fuzz: what is taken apart is put together again") {
  for (const char* name : {"zip.pt", "zip4.pt", "keys.pth", "kinds.pth", "njt.pth", "zip64.pt"}) {
    CAPTURE(name);
    const std::string pickle = pickle_of(fixture(name));
    fuzz::Ops ops;
    size_t consumed = 0;
    REQUIRE(fuzz::split_pickle(pickle, &ops, &consumed));
    CHECK(consumed == pickle.size());
    CHECK(fuzz::join_pickle(ops) == pickle);
    CHECK(!fuzz::map_of(ops).keys.empty());
    CHECK(!fuzz::map_of(ops).persistent.empty());
  }
  CHECK(is_tar(fixture("tar.pt")));
}

TEST_CASE("fuzz: an archive is written again so that it loads as before") {
  for (const char* name : {"zip.pt", "keys.pth", "arrays.npz", "zip64.pt"}) {
    CAPTURE(name);
    fuzz::ZipParts zip;
    REQUIRE(fuzz::read_zip_parts(fixture(name), &zip));

    const test::TemporaryFolder folder;
    const std::string before = to_string(io::load("tests/io/fixtures/" + std::string(name)));
    CHECK(to_string(io::load(folder.write("again.zip", fuzz::write_zip(zip)))) == before);
    for (fuzz::ZipPart& part : zip.parts) part.deflated = true;
    const std::string packed = fuzz::write_zip(zip);
    CHECK(to_string(io::load(folder.write("packed.zip", packed))) == before);
    fuzz::ZipParts again;
    REQUIRE(fuzz::read_zip_parts(packed, &again));
    CHECK(again.parts.back().content == zip.parts.back().content);
  }
}

TEST_CASE("fuzz: mutations of pickles") {
  check(mutations("pickle", pickle_of(fixture("keys.pth")), is_pickle),
        {"opcode", "run", "value", "key", "attribute", "put into", "memo", "wrap", "storage", "number",
         "bytes", "global", "splice", "argument", "cycle", "blind opcode"},
        0.95);
}

TEST_CASE("fuzz: mutations of archives") {
  check(mutations("zip", fixture("zip.pt"), is_zip),
        {"content", "name", "new record", "repeat", "remove", "swap", "method", "form", "gap",
         "archive in archive", "two archives", "records of another", "value", "key", "attribute"},
        0.9);
  check(mutations("zip", fixture("arrays.npz"), is_zip), {"content", "shape", "type"}, 0.9);
}

TEST_CASE("fuzz: mutations of pickles with data between them") {
  check(
      mutations("legacy", fixture("legacy.pt"), [](const std::string& bytes) { return bytes.size() > 100; }),
      {"data", "piece", "value", "key"}, 0.95);
  check(mutations("tar", fixture("tar.pt"), is_tar), {"member", "data", "piece", "value", "key"}, 0.95);
}

TEST_CASE("fuzz: mutations of headers") {
  const std::initializer_list<std::string_view> kinds = {"replace", "number", "word",   "repeat",
                                                         "remove",  "swap",   "insert", "rename",
                                                         "nest",    "copy",   "entry",  "data"};
  check(mutations("safetensors", fixture("plain.safetensors"), has_header), kinds, 0.98);
  check(mutations("kiln", fixture("checkpoint.kiln"), has_header), kinds, 0.98);
}

TEST_CASE("fuzz: mutations of an index and of an array") {
  check(mutations("shards",
                  R"({"metadata": {"total_size": 24}, "weight_map": {"x": "a.safetensors", "y": "b.pth"}})",
                  [](const std::string& bytes) {
                    fuzz::Json json;
                    return fuzz::read_json(bytes, &json);
                  }),
        {"replace", "number", "word", "repeat", "remove", "swap", "insert", "rename", "nest", "copy"}, 0.98);
  check(mutations("npy", fixture("fortran.npy"),
                  [](const std::string& bytes) { return bytes.starts_with("\x93NUMPY"); }),
        {"type", "order", "shape", "repeat", "header", "version", "data"}, 0.98);
}

// Each mutator takes what it made itself, and what is none of its files.
TEST_CASE("fuzz: mutations of mutations") {
  constexpr int kSteps = 1000;
  const std::string inputs[] = {fixture("zip.pt"),
                                fixture("legacy.pt"),
                                fixture("tar.pt"),
                                fixture("plain.safetensors"),
                                fixture("checkpoint.kiln"),
                                fixture("fortran.npy"),
                                pickle_of(fixture("kinds.pth")),
                                R"({"weight_map": {"x": "b.pth"}})"};
  for (const fuzz::Target& target : fuzz::all_targets()) {
    fuzz::Mutation mutation = {.random = fuzz::Random(9), .blind = simple(10), .others = inputs};
    std::string now;
    int made = 0;
    for (int i = 0; i < kSteps; ++i) {
      constexpr size_t kLongest = 20'000;
      if (now.empty() || now.size() > kLongest) now = mutation.random.of(inputs);
      mutation.whole = now;
      std::string next = target.mutate(now, mutation);
      made += !next.empty();
      now = std::move(next);
    }
    CAPTURE(target.name);
    CHECK(made > kSteps / 20);
  }
}

TEST_CASE("fuzz: mutations of pictures") {
  const auto is_kept = [](const std::string& bytes) { return bytes.size() > 100; };
  const std::initializer_list<std::string_view> kinds = {"content", "repeat", "remove", "move"};
  for (const char* name : {"pngx3.png", "jpeg_2_true.jpeg"})
    check(mutations("picture", test::read_file("tests/image/fixtures/" + std::string(name)), is_kept), kinds,
          0.8);
}

}  // namespace kiln
