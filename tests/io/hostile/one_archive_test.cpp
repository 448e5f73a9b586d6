#include <doctest/doctest.h>

#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/load.h>
#include <kiln/io/open.h>

#include "support/archive.h"
#include "support/files.h"

// One file is one archive: what Kiln does not look at is nowhere in it. Other programs find the directory or
// the records in other ways, and would see there what Kiln does not.

namespace kiln {
namespace {

using namespace std::string_literals;
using test::Archive;

std::string u16(uint64_t value) { return io::little_endian(value, 2); }
std::string u32(uint64_t value) { return io::little_endian(value, 4); }
std::string u64(uint64_t value) { return io::little_endian(value, 8); }

// The first bytes of an npy file are enough: an array of no elements.
const std::string kHeader = "{'descr': '|u1', 'fortran_order': False, 'shape': (0,), }\n";
const std::string kArray = "\x93NUMPY\1\0"s + u16(kHeader.size()) + kHeader;

Archive one(int flags = 0) { return Archive().add({.name = "a.npy", .content = kArray, .flags = flags}); }
Archive& with_b(Archive& archive) { return archive.add("b.npy", kArray); }

constexpr int kDescriptor = 1 << 3;
std::string sizes(int width) {
  return io::little_endian(kArray.size(), width) + io::little_endian(kArray.size(), width);
}

// A zip64 end record and its locator before the end record: of `rest` bytes more, and `between` before the
// locator.
std::string with_zip64(const std::string& rest, const std::string& between, int64_t shift = 0) {
  const std::string archive = one().finish(), all = archive.substr(0, archive.size() - 22),
                    end = archive.substr(archive.size() - 22);
  const uint64_t bytes = io::from_little_endian(end, 12, 4), begin = io::from_little_endian(end, 16, 4);
  return all + "PK\6\6" + u64(44 + rest.size()) + u16(45) + u16(45) + u64(0) + u64(1) + u64(1) + u64(bytes) +
         u64(begin) + rest + between + "PK\6\7" + u32(0) + u64(all.size() + uint64_t(shift)) + u32(1) + end;
}

std::string error_of(const std::string& bytes) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.npz", bytes);
  const std::string error = test::error_of([&] { io::load(path); });
  CHECK(test::error_of([&] { io::load(path, {.map = true}); }) == error);
  CHECK(test::error_of([&] { io::open(path); }) == error);
  CHECK((error.empty() || error.starts_with("load: '" + path + "'")));
  return error;
}

std::string field(const std::string& id, const std::string& bytes) { return id + u16(bytes.size()) + bytes; }

// What is reported of bytes that nobody looks at; the same however it is read.
std::string unknown_of(const std::string& bytes) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.npz", bytes), begin = "load: '" + path + "': ";
  const auto said = [&](bool map) {
    std::string found;
    const auto warn = [&](const std::string& text) {
      if (text.ends_with("are left out")) found += text.substr(begin.size());
    };
    CHECK(io::load(path, {.map = map, .warn = warn}).size() == 1);
    return found;
  };
  CHECK(said(true) == said(false));
  return said(false);
}

void refused(const std::string& id, const std::string& bytes, const char* message) {
  const std::string error = error_of(bytes);
  CAPTURE(id);
  CHECK_MESSAGE(test::contains(error, message), error);
}

}  // namespace

TEST_CASE("one archive: files that are laid end to end") {
  const std::string a = one().finish(), b = Archive().add("b.npy", kArray).finish();
  refused("plain", a + b, "two files may have been laid end to end");
  refused("zip64, of one size", with_zip64("", "") + with_zip64("", ""),
          "two files may have been laid end to end");
  const std::string zip = test::read_file("tests/io/fixtures/zip.pt");
  refused("torch.save's", zip + zip, "two files may have been laid end to end");
  refused("after something else", "PK\3\4 is no header" + a, "two files may have been laid end to end");
}

TEST_CASE("one archive: bytes before, between and behind records") {
  Archive before = Archive().raw("PK\3\4hidden");
  refused("before", before.add("a.npy", kArray).finish(), "has 10 bytes before its first record 'a.npy'");
  Archive between = one().raw("hidden");
  refused("between", with_b(between).finish(),
          "6 bytes that belong to no record lie between record 'a.npy' "
          "and record 'b.npy', at byte 103");
  refused("behind", one().raw("hidden").finish(),
          "6 bytes that belong to no record lie between record "
          "'a.npy' and the directory, at byte 103");
  Archive whole = one().raw("PK\3\4" + std::string(26, '\0'));
  refused("a record that the directory does not know", with_b(whole).finish(), "30 bytes that belong to no");
  refused("without records", Archive().raw("PK\3\4hidden").finish(), "has 10 bytes before its directory");
}

TEST_CASE("one archive: the descriptor of a record is its own") {
  for (const std::string& good : {u32(0) + sizes(4), "PK\7\x08" + u32(0) + sizes(4), u32(0) + sizes(8),
                                  "PK\7\x08" + u32(0) + sizes(8)}) {
    Archive archive = one(kDescriptor).raw(good);
    CHECK(error_of(with_b(archive).finish()) == "");
    CHECK(error_of(one(kDescriptor).raw(good).finish()) == "");
    refused("without the flag", one().raw(good).finish(), "bytes that belong to no record lie between");
    std::string bad = good;
    bad.back() = 1;
    refused("of another size", one(kDescriptor).raw(bad).finish(), "bytes that belong to no record lie");
    refused("and more", one(kDescriptor).raw(good + "x").finish(), "bytes that belong to no record lie");
  }
  CHECK(error_of(one(kDescriptor).finish()) == "");
  refused("of another checksum", one(kDescriptor).raw("PK\7\x08" + u32(7) + sizes(4)).finish(),
          "16 bytes that belong to no record lie between record 'a.npy' and the directory");
}

TEST_CASE("one archive: bytes about the end records") {
  CHECK(error_of(with_zip64("", "")) == "");
  refused("a longer zip64 record", with_zip64("hidden", ""), "has a zip64 end record of 62 bytes");
  refused("before the locator", with_zip64("", "hidden"), "has a damaged zip64 end record at byte");
  refused("a locator that points elsewhere", with_zip64("", "", 1), "has a damaged zip64 end record at byte");
  refused("a locator that points back", with_zip64("", "", -9), "has a damaged zip64 end record at byte");
  const std::string good = one().finish();
  refused("behind the end", good + "hidden", "without its directory at the end");
  refused("before the end", good.substr(0, good.size() - 22) + "hidden" + good.substr(good.size() - 22),
          "which does not end at its end record");
}

TEST_CASE("one archive: a comment is a text, and no place for an archive") {
  const test::TemporaryFolder folder;
  std::string warnings;
  const std::string path = folder.write("x.npz", one().finish("made by hand"));
  CHECK(io::load(path, {.warn = [&](const std::string& text) { warnings += text; }}).size() == 1);
  CHECK(test::contains(warnings, "load: '" + path + "': its comment of 12 bytes is left out"));
  for (const char* mark : {"PK\1\2", "PK\3\4", "PK\5\6", "PK\6\6", "PK\6\7"}) {
    std::string comment = mark;
    comment += " and more";
    refused("a mark", one().finish(comment), "has a comment with a mark of zip in it, at byte");
  }
}

TEST_CASE("one archive: entries of folders hold nothing") {
  Archive archive = one().add("x/", "").add("x/y/", "");
  CHECK(error_of(with_b(archive).finish()) == "");
  refused("with content", one().add("x/", "hidden").finish(), "record 'x/' is a folder with 6 bytes");
  refused("and a file", one().add("a.npy/", "").finish(), "record 'a.npy/' is there twice");
  refused("above", one().add("x/../", "").finish(), "record 'x/../' has a name that is not a plain path");
  refused("no name", one().add("/", "").finish(), "record '/' has a name that is not a plain path");
  refused("folders alone", Archive().add("x/", "").finish(), "is a zip archive without records");
}

TEST_CASE("one archive: a record has one name") {
  constexpr uint32_t kSumOfA = 0x2dd8c39b;  // CRC-32 of "a.npy"
  const auto with = [](uint32_t sum, const std::string& name) {
    return one()
        .add({.name = "b.npy",
              .content = kArray,
              .extra = "up" + u16(5 + name.size()) + "\1" + u32(sum) + name})
        .finish();
  };
  CHECK(error_of(with(kSumOfA, "b.npy")) == "");
  refused("two", with(kSumOfA, "c.npy"), "record 'b.npy' has a second name, 'c.npy'");
  refused("two, of whatever checksum", with(0, "c.npy"), "record 'b.npy' has a second name");
  const auto local = [](const std::string& extra) {
    return Archive().add({.name = "a.npy", .content = kArray, .local_extra = extra}).finish();
  };
  CHECK(error_of(local(field("up", "\1" + u32(kSumOfA) + "a.npy"))) == "");
  refused("before its data", local(field("up", "\1" + u32(kSumOfA) + "b.npy")),
          "record 'a.npy' has a second name, 'b.npy'");
  refused("no name", local(field("up", "")), "record 'a.npy' has a second name, ''");
  refused("behind others", local(field("UT", "\0"s) + field("up", "\1" + u32(0) + "b.npy")),
          "has a second name");
}

TEST_CASE("one archive: extra fields and comments of records hide nothing unsaid") {
  const std::string long_name(300, 'n');
  const auto places = [&](const std::string& extra) {
    const std::string name = long_name + ".npy";
    return std::vector{Archive().add({.name = "a.npy", .content = kArray, .extra = extra}).finish(),
                       Archive().add({.name = "a.npy", .content = kArray, .local_extra = extra}).finish(),
                       Archive().add({.name = name, .content = kArray, .local_extra = extra}).finish()};
  };
  for (const std::string& known :
       {field("FB", std::string(63, 'Z')), field("FB", ""), std::string(3, '\0'), field("UT", "\3" + u64(7)),
        field("\x35\xd9", u16(0)), field("\1\0"s, ""), field("\xfe\xca", "")})
    for (const std::string& archive : places(known)) CHECK(unknown_of(archive) == "");
  for (const std::string& text :
       {field("FB", "hidden"), field("ab", "hidden"), field("UT", "\3" + std::string(40, 't'))})
    for (const std::string& archive : places(text))
      CHECK(unknown_of(archive) == std::to_string(text.size() - 4) +
                                       " bytes in comments and extra fields of its records are left out");
  for (const std::string& damaged : {"x"s, "abc"s, "ab"s + u16(1), "ab"s + u16(500) + "and less"})
    for (const std::string& archive : places(damaged))
      refused("damaged", archive, "' has damaged extra fields");
  for (const std::string& archive : places(field("ab", "more PK\3\4")))
    refused("an archive", archive, "has a comment or extra field with a mark of zip in it");
  for (const std::string& archive : places(field("\1\0"s, "") + field("\1\0"s, "")))
    refused("sizes twice", archive, "has two fields of zip64 sizes");
  const auto commented = [](const std::string& comment) {
    return Archive().add({.name = "a.npy", .content = kArray, .comment = comment}).finish();
  };
  CHECK(unknown_of(commented("by hand")) ==
        "7 bytes in comments and extra fields of its records are left out");
  refused("a comment", commented("PK\5\6"), "has a comment or extra field with a mark of zip in it");
}

// The directory counts; some programs take the sizes that stand before the data.
TEST_CASE("one archive: zip64 sizes before the data are those of the directory") {
  const auto with = [](const std::string& sizes) {
    std::string archive =
        Archive().add({.name = "a.npy", .content = kArray, .local_extra = field("\1\0"s, sizes)}).finish();
    return archive.replace(18, 8, 8, '\xff');
  };
  CHECK(error_of(with(u64(kArray.size()) + u64(kArray.size()))) == "");
  refused("another size", with(u64(kArray.size() + 1) + u64(kArray.size())), "is described differently");
  refused("another count of bytes", with(u64(kArray.size()) + u64(0)), "is described differently");
  refused("one of both", with(u64(kArray.size())), "is described differently");
}

}  // namespace kiln
