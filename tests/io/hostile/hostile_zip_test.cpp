#include <doctest/doctest.h>

#include <utility>

#include <zlib.h>

#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

#include "support/archive.h"
#include "support/files.h"

// Archives that no honest program writes: each gives one Error that names the file, and the record or the
// byte.

namespace kiln {
namespace {

using namespace std::string_literals;
using test::Archive;
using test::Record;

// {"w": a float32 of 2 elements in storage "0"}
const std::string kPickle =
    "\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(("
    "X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    "X\x01\x00\x00\x00"
    "0X\x03\x00\x00\x00"
    "cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89"
    "ccollections\nOrderedDict\n)RtRs."s;

const std::string kData = "\0\0\x80\x3f\0\0\0\x40"s;

Archive with(Record record) {
  return Archive()
      .add("x/data.pkl", kPickle)
      .add("x/data/0", kData)
      .add("x/version", "3\n")
      .add(std::move(record));
}

std::string deflated(const std::string& content) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = uInt(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = uInt(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// The end record, changed at an offset.
std::string with_end(size_t at, const std::string& bytes) {
  std::string archive = with({.name = "x/more", .content = "m"}).finish();
  return archive.replace(archive.size() - 22 + at, bytes.size(), bytes);
}

// With a zip64 end record and locator that say `count` records.
std::string with_zip64(uint64_t count) {
  const std::string archive =
      Archive().add("x/data.pkl", kPickle).add("x/data/0", kData).add("x/version", "3\n").finish();
  const std::string all = archive.substr(0, archive.size() - 22), end = archive.substr(archive.size() - 22);
  const auto le = [](uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += char(value >> (8 * i));
    return out;
  };
  const uint64_t size = uint8_t(end[12]) + 256u * uint8_t(end[13]),
                 begin = uint8_t(end[16]) + 256u * uint8_t(end[17]);
  return all + "PK\6\6" + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) + le(count, 8) +
         le(size, 8) + le(begin, 8) + "PK\6\7" + le(0, 4) + le(all.size(), 8) + le(1, 4) + end;
}

struct Row {
  const char* id;  // what it is about
  std::string bytes;
  const char* message;
};

void check(const std::vector<Row>& rows) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pt";
  for (const Row& row : rows) {
    test::write_file(path, row.bytes);
    for (const bool map : {false, true}) {
      const std::string error = test::error_of([&] { io::load(path, {.map = map}); });
      CAPTURE(row.id);
      CHECK_MESSAGE(test::contains(error, row.message), error);
      CHECK(error.starts_with("load: '" + path + "'"));
    }
  }
}

}  // namespace

TEST_CASE("hostile zip: the good one is read") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pt";
  for (const std::string& bytes :
       {Archive().add("x/data.pkl", kPickle).add("x/data/0", kData).add("x/version", "3\n").finish(),
        with_zip64(3),
        with({.name = "x/byteorder", .content = deflated("little"), .method = 8, .size = 6}).finish()}) {
    test::write_file(path, bytes);
    CHECK(io::load(path) == Value{{"w", tensor({1.f, 2.f})}});
  }
}

TEST_CASE("hostile zip: headers") {
  check({
      {"checksum", with({.name = "x/byteorder", .content = "little", .checksum = 7}).finish(),
       "record 'x/byteorder' is damaged: its CRC-32 is 00000007"},
      {"two names", with({.name = "x/a", .content = "b", .local_name = "x/b"}).finish(),
       "record 'x/a' is described differently by the directory and by its header at byte"},
      {"two sizes", with({.name = "x/a", .content = "b", .local_size = 2}).finish(),
       "record 'x/a' is described differently"},
      {"encrypted", with({.name = "x/a", .content = "b", .flags = 1}).finish(), "record 'x/a' is encrypted"},
      {"encrypted by its header only", with({.name = "x/a", .content = "b", .local_flags = 1}).finish(),
       "record 'x/a' is described differently"},
      {"encrypted directory", with({.name = "x/a", .content = "b", .flags = 1 << 13}).finish(),
       "record 'x/a' is encrypted"},
      {"one name twice", with({.name = "x/data/0", .content = kData}).finish(),
       "record 'x/data/0' is there twice"},
      {"above", with({.name = "x/../../y", .content = "b"}).finish(), "has a name that is not a plain path"},
      {"backslash", with({.name = "x/\\y", .content = "b"}).finish(), "has a name that is not a plain path"},
      {"zero byte", with({.name = "x/a\0b"s, .content = "b"}).finish(),
       "has a name that is not a plain path"},
      {"absolute", with({.name = "/x", .content = "b"}).finish(), "has a name that is not a plain path"},
      {"no name", with({.name = "", .content = "b"}).finish(), "has a name that is not a plain path"},
      {"two folders", with({.name = "y/a", .content = "b"}).finish(),
       "'x/data.pkl' and 'y/a' are not in one folder"},
      {"no folder", with({.name = "a", .content = "b"}).finish(),
       "'x/data.pkl' and 'a' are not in one folder"},
      {"method", with({.name = "x/a", .content = "b", .method = 12}).finish(),
       "record 'x/a' is compressed by method 12; Kiln reads stored (0) and deflated (8)"},
      {"stored in another size", with({.name = "x/a", .content = "b", .size = 2}).finish(),
       "record 'x/a' is stored in 1 bytes but has 2"},
  });
}

TEST_CASE("hostile zip: places") {
  const std::string good = with({.name = "x/a", .content = "b"}).finish(),
                    end = good.substr(good.size() - 22);
  std::string no_header = good;
  no_header[good.rfind("PK\3\4") + 3] = 5;
  const std::string one = Archive().add("x/b", "c").finish(), inner = one.substr(0, one.find("PK\1\2"));
  check({
      {"overlap",
       with({.name = "x/a", .content = inner})
           .add({.name = "x/b", .content = "c", .offset_shift = -int64_t(inner.size())})
           .finish(),
       "record 'x/b' overlaps record 'x/a'"},
      {"behind the directory", with({.name = "x/a", .content = "b", .offset_shift = 200}).finish(),
       "record 'x/a'"},
      {"far away", with({.name = "x/a", .content = "b", .offset_shift = 1 << 30}).finish(),
       "record 'x/a' reaches beyond the file"},
      {"no header", no_header, "record 'x/a' has no header at byte"},
      {"a header beside its place", with({.name = "x/a", .content = "b", .offset_shift = 1}).finish(),
       "1 bytes that belong to no record lie between record 'x/version' and record 'x/a'"},
      {"end record twice", good + end, "which does not end at its end record at"},
      {"bytes behind the end", good + "x", "without its directory at the end"},
      {"bytes before the directory's end", good.substr(0, good.size() - 22) + "x" + end,
       "which does not end at its end record at"},
      {"another disk", with_end(4, "\1"), "of several disks"},
      {"fewer records here than in all", with_end(8, "\1"), "of several disks"},
      {"more records than there are", with_end(8, "\5\0\5\0"s),
       "has a zip directory of 5 entries in 217 bytes at byte"},
      {"fewer records than there are", with_end(8, "\3\0\3\0"s), "bytes too many in its zip directory"},
      {"65534 records", with_end(8, "\xfe\xff\xfe\xff"), "has a zip directory of 65534 entries in"},
      {"directory elsewhere", with_end(16, "\xff\xff\xff\x7f"), "has a zip directory of 4 entries"},
      {"zip64 of another count", with_zip64(4), "has two zip end records that disagree"},
      {"a record's zip64 sizes are missing",
       with({.name = "x/a", .content = "b", .size = 0xFFFFFFFF}).finish(),
       "record 'x/a' lacks its zip64 sizes"},
  });
}

TEST_CASE("hostile zip: deflate") {
  const std::string zeros = deflated(std::string(1 << 20, '\0'));
  const auto packed = [](const std::string& content, int64_t size) {
    return with({.name = "x/byteorder", .content = content, .method = 8, .size = size}).finish();
  };
  check({
      {"more than deflate can hold", packed(zeros, int64_t(1) << 31), "claims 2147483648 bytes in"},
      {"less than it says", packed(deflated("big"), 6), "its deflated bytes do not give 6 bytes"},
      {"more than it says", packed(deflated("little, big"), 6), "its deflated bytes do not give 6 bytes"},
      {"cut off", packed(deflated("little").substr(0, 4), 6), "its deflated bytes do not give 6 bytes"},
      {"followed by more", packed(deflated("little") + "x", 6), "its deflated bytes do not give 6 bytes"},
      {"not deflated", packed("\xff\xff\xff\xff", 6), "its deflated bytes do not give 6 bytes"},
  });
}

TEST_CASE("hostile zip: records of PyTorch") {
  const auto archive = [](const std::string& pickle, const std::string& data, const std::string& version) {
    return Archive().add("x/data.pkl", pickle).add("x/data/0", data).add("x/version", version).finish();
  };
  check({
      {"no data.pkl", Archive().add("x/data/0", kData).add("x/version", "3\n").finish(),
       "lacks the record 'x/data.pkl'"},
      {"no version", Archive().add("x/data.pkl", kPickle).finish(), "lacks the record 'x/version'"},
      {"version 0", archive(kPickle, kData, "0\n"),
       "record 'x/version' says version '0?', Kiln reads 1 to 10"},
      {"version 11", archive(kPickle, kData, "11"), "record 'x/version' says version '11'"},
      {"version of words", archive(kPickle, kData, "three"), "record 'x/version' says version 'three'"},
      {"byte order", with({.name = "x/byteorder", .content = "middle"}).finish(),
       "record 'x/byteorder' says 'middle', expected 'little' or 'big'"},
      {"no storage", Archive().add("x/data.pkl", kPickle).add("x/version", "3").finish(),
       "record 'x/data.pkl': there is no record 'x/data/0'"},
      {"short storage", archive(kPickle, "\0\0\x80\x3f"s, "3"),
       "record 'x/data/0' has 4 bytes where 2 float32 elements are expected"},
      {"long storage", archive(kPickle, kData + kData, "3"), "record 'x/data/0' has 16 bytes"},
      {"a storage that nothing uses", with({.name = "x/data/1", .content = kData}).finish(),
       "record 'x/data/1' belongs to no tensor"},
      {"a pickle behind the pickle", archive(kPickle + kPickle, kData, "3"), "bytes follow the pickle"},
      {"no pickle", archive("", kData, "3"),
       "record 'x/data.pkl': pickle, byte 0: the input ends without STOP"},
      {"only arrays by name", Archive().add("a.npy", "x").finish(), "record 'a.npy' is not an npy file"},
  });
}

// libtorch finds a record by its name in whatever case.
TEST_CASE("hostile zip: PyTorch's names differ in more than case") {
  const auto both = [](const char* name) { return with({.name = name, .content = kData}).finish(); };
  const auto first = [](const char* name) {
    return Archive()
        .add(name, kData)
        .add("x/data.pkl", kPickle)
        .add("x/data/0", kData)
        .add("x/version", "3\n")
        .finish();
  };
  const char* const message = "too for PyTorch, which does not tell upper from lower case";
  for (const char* name : {"x/DATA/0", "x/Data.pkl", "x/VERSION"})
    check({{name, both(name), message}, {name, first(name), message}});
  check({
      {"two of one", with({.name = "x/Code", .content = "a"}).add("x/cOde", "b").finish(),
       "record 'x/cOde' is 'x/code' too for PyTorch"},
      {"what Kiln would not find", both("x/ByteOrder"), "record 'x/ByteOrder' is 'x/byteorder' too"},
      {"a script", both("x/constants.PKL"), message},
      {"another version", both("x/.data/Version"), message},
  });
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.pt", with({.name = "x/Notes", .content = "a"}).finish());
  CHECK(io::load(path).size() == 1);
  const std::string array = test::read_file("tests/io/fixtures/fortran.npy");
  const std::string arrays =
      folder.write("x.npz", Archive().add("a.npy", array).add("A.npy", array).finish());
  CHECK(io::load(arrays).size() == 2);
}

TEST_CASE("hostile zip: records that nobody looks at are reported") {
  const test::TemporaryFolder folder;
  const auto warnings = [&](const std::string& bytes) {
    const std::string path = folder.write("x.pt", bytes);
    std::string said;
    const auto warn = [&](const std::string& text) { said += text + "\n"; };
    CHECK(io::load(path, {.warn = warn}).size() == 1);
    const std::string loaded = std::exchange(said, "");
    io::load(path, {.map = true, .warn = warn});
    CHECK(said == loaded);
    return test::contains(loaded, "not looked at") ? loaded : "";
  };
  for (const char* name : {"x/.data/serialization_id", "x/.format_version", "x/.storage_alignment"})
    CHECK(warnings(with({.name = name, .content = "1"}).finish()) == "");
  for (const char* name : {"x/extra/a", "x/a.npy", "x/data.pkl.bak", "x/.data/a", "x/code/a.py", "x/data"})
    CHECK(test::contains(warnings(with({.name = name, .content = "1"}).add("x/more", "m").finish()),
                         fmt::format("2 of 5 records are not looked at ('{}' is the first)", name)));
  const auto of_fixture = [&](const char* name) {
    std::string said;
    io::load(std::string("tests/io/fixtures/") + name,
             {.warn = [&](const std::string& text) { said += text; }});
    return said;
  };
  for (const char* name : {"script.pt", "script_parts.pt", "model_json.pt", "zip.pt", "module.pt"})
    CHECK(!test::contains(of_fixture(name), "not looked at"));
}

}  // namespace kiln
