#include <doctest/doctest.h>

#include <cstring>

#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>

#include "support/files.h"

// Streams, tar archives, arrays and accidents that are no files of weights: each gives one Error that names
// the file and what is wrong where.

namespace kiln {
namespace {

using namespace std::string_literals;

std::string fixture(const std::string& name) { return test::read_file("tests/io/fixtures/" + name); }

std::string changed(std::string bytes, const std::string& from, const std::string& to) {
  const size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  return bytes.replace(at, from.size(), to);
}

std::string le64(int64_t value) { return std::string(reinterpret_cast<const char*>(&value), 8); }

void check(const std::vector<std::pair<std::string, const char*>>& rows) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.pt";
  int number = 0;
  for (const auto& [bytes, message] : rows) {
    test::write_file(path, bytes);
    const std::string error = test::error_of([&] { io::load(path); });
    CAPTURE(number);
    ++number;
    CHECK_MESSAGE(test::contains(error, message), error);
    CHECK_MESSAGE(test::contains(error, path), error);
  }
}

// A stream of torch.save before 1.6 with one storage, "7", of 2 floats.
std::string stream(const std::string& object, const std::string& keys, const std::string& data) {
  return "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.\x80\x02M\xE9\x03.\x80\x02}.\x80\x02" +
         object + ".\x80\x02" + keys + "." + data;
}
std::string named(const std::string& view) {
  return "(U\x07storagectorch\nFloatStorage\nU\1"s + "7U\3cpuK\2" + view + "tQ";
}
const std::string kOne = "]U\1"s + "7a", kTwoFloats = le64(2) + std::string(8, '\1');

// A member of a tar archive.
std::string member(const std::string& name, const std::string& content, char type = '0',
                   const char* size = nullptr, const std::string& prefix = "") {
  std::string head(512, '\0');
  head.replace(345, prefix.size(), prefix);
  head.replace(0, name.size(), name);
  const std::string octal = size != nullptr ? size : fmt::format("{:011o}", content.size());
  head.replace(124, octal.size(), octal);
  head[156] = type;
  head.replace(257, 8, "ustar\0\60\60"s);
  head.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char c : head) sum += uint8_t(c);
  head.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
  return head + content + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string i32(int32_t value) { return std::string(reinterpret_cast<const char*>(&value), 4); }
// Storage 9 of 4 floats and tensor 5 on it.
std::string tar(const std::string& tensor, const std::string& storages_end = "\x80\x02].",
                const std::string& object =
                    "\x80\x02U\1"
                    "5Q.",
                const std::string& system = "\x80\x02}.") {
  const std::string storage =
      "\x80\x02K\x09U\3cpuctorch\nFloatStorage\n\x87." + le64(4) + std::string(16, '\1');
  return member("sys_info", system) + member("pickle", object) +
         member("tensors",
                "\x80\x02K\1.\x80\x02K\5K\x09"
                "ctorch\nFloatTensor\n\x87." +
                    tensor) +
         member("storages", "\x80\x02K\1." + storage + storages_end);
}
std::string tar_tensor(int32_t rank, const std::vector<int64_t>& numbers) {
  std::string bytes = i32(rank) + i32(0);
  for (const int64_t n : numbers) bytes += le64(n);
  return bytes;
}

std::string npy(const std::string& header, const std::string& data) {
  return "\x93NUMPY\1\0"s + char(header.size()) + char(header.size() >> 8) + header + data;
}

}  // namespace

TEST_CASE("hostile streams: what is wrong in a stream") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "x.pt", stream(named("N"), kOne, kTwoFloats));
  CHECK(io::load(folder / "x.pt").as_tensor().numel() == 2);
  const int64_t huge = int64_t(1) << 61;
  check({
      {stream(named("N"), kOne, le64(3) + std::string(12, '\1')),
       "storage '7' at byte 79 has 3 elements, its persistent id says 2"},
      {stream(named("N"), kOne, le64(huge) + std::string(8, '\1')), "has 2305843009213693952 elements"},
      {stream(named("N"), kOne, le64(-1)), "has -1 elements"},
      {stream(named("N"), kOne, le64(2) + "1234567"),
       "is incomplete: storage '7' at byte 79 needs 2 elements of 4 bytes, 7 bytes follow"},
      {stream(named("N"), kOne, "1234567"), "8 bytes are needed at byte 79, it has 86 in all"},
      {stream(named("N"), kOne, kTwoFloats + "x"), "1 bytes follow its last storage, which ends at byte 95"},
      {stream(named("N"), "](U\1"s + "7U\1" + "7e", kTwoFloats + kTwoFloats), "lists the storage '7' twice"},
      {stream(named("N"), "](U\1"s + "7U\1" + "8e", kTwoFloats + kTwoFloats),
       "lists the storage '8', which nothing uses"},
      {stream(named("N"), "]", ""), "storage '7' is not in the file"},
      {stream(named("N"), "N", ""), "its list of storages is missing"},
      {stream(named("N"), "]Na", ""), "holds None"},
      {stream("(" + named("N") + changed(named("N"), "Float", "Int") + "t", kOne, kTwoFloats),
       "is named with two types or sizes"},
      {stream(named("(U\1vK\1K\2t"), kOne, kTwoFloats),
       "a view of 2 elements from 1 reaches beyond storage '7' of 2"},
      {stream(named("(U\1vJ\xff\xff\xff\xffK\1t"), kOne, kTwoFloats), "a view of 1 elements from -1"},
      {stream(named("K\1"), kOne, kTwoFloats), "is not a tuple of 3 items"},
      {changed(stream(named("N"), kOne, kTwoFloats), "M\xE9\x03", "M\xEA\x03"),
       "is of version 1002 of torch.save's stream, Kiln reads 1001"},
      {changed(stream(named("N"), kOne, kTwoFloats), "\x80\x02}.", "\x80\x02}U\x0Dlittle_endian\x89s."),
       "big-endian machine"},
      {changed(stream(named("N"), kOne, kTwoFloats), "\x6C\xFC\x9C", "\x6C\xFC\x9D"),
       "bytes follow the pickle, which ends at byte"},
      {stream(named("N"), kOne, kTwoFloats).substr(0, 60),
       "object at byte 25: pickle, byte 35: the input ends without STOP"},
  });
}

TEST_CASE("hostile streams: a storage that nothing in the value refers to is reported") {
  const std::string module =
      "cmodels\nNet\n)\x81}(U\x0b_parameters}U\x08_modules}U\x0e"
      "_forward_hooks" +
      named("N") + "ub";
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.pt", stream(module, kOne, kTwoFloats));
  std::string said;
  CHECK(io::load(path, {.warn = [&](const std::string& text) { said += text; }}).type() == "models.Net");
  CHECK_MESSAGE(
      said == "load: '" + path + "': 1 of 1 storages belong to nothing in the value, '7' is the first", said);
}

TEST_CASE("hostile streams: what is wrong in a tar archive") {
  const std::string good = tar_tensor(2, {2, 2, 2, 1, 0});
  const test::TemporaryFolder folder;
  test::write_file(folder / "x.pt", tar(good));
  CHECK(io::load(folder / "x.pt").as_tensor().shape() == Shape{2, 2});
  const std::string whole = tar(good);
  check({
      {member("../../etc/passwd", "x") + whole, "with the member '../../etc/passwd'; PyTorch's have"},
      {member("/etc/passwd", "x") + whole, "with the member '/etc/passwd'"},
      {member("more", "x") + whole, "with the member 'more'"},
      {member("pickle", "", '1') + whole, "with the member 'pickle'"},  // a link
      {member("pickle", "", '2') + whole, "with the member 'pickle'"},
      {member("tensors", "x", 'S') + whole, "with the member 'tensors'"},  // sparse
      {member("pickle", "x") + whole, "has the member 'pickle' twice"},
      {member("sys_info", "x", '0', "77777777777"), "'sys_info' at byte 0 should have 8589934591 bytes"},
      {member("sys_info", "x", '0', "9"), "'sys_info' at byte 0 should have -1 bytes"},
      {member("sys_info", "x"), "without the member 'pickle'"},
      {changed(whole, "sys_info", "sys-info"), "has a damaged tar header at byte 0"},
      {whole.substr(0, 1540), "is incomplete"},
      {tar(tar_tensor(-1, {0})), "a tensor has -1 dimensions"},
      {tar(tar_tensor(9, {0})), "a tensor has 9 dimensions, Kiln holds up to 8"},
      {tar(tar_tensor(2, {2, 2})), "is incomplete: 8 bytes are needed"},
      {tar(tar_tensor(1, {5, 1, 0})), "reaches beyond its storage of 4 elements"},
      {tar(tar_tensor(1, {-5, 1, 0})), "reaches beyond its storage"},
      {tar(tar_tensor(1, {1, 1, 4})), "reaches beyond its storage"},
      {tar(good, "\x80\x02](K\3K\x09K\1K\4ta."),
       "a view of 4 elements from 1 reaches beyond its storage of 4"},
      {tar(good, "\x80\x02](K\x09K\x09K\1K\2ta."), "storage 9 is there twice"},
      {changed(whole, le64(4), le64(int64_t(1) << 60)),
       "is incomplete: a storage of 1152921504606846976 elements"},
  });
}

TEST_CASE("hostile streams: nothing hides in a tar archive") {
  const std::string good = tar_tensor(2, {2, 2, 2, 1, 0}), whole = tar(good), zeros(1024, '\0');
  const test::TemporaryFolder folder;
  for (const std::string& bytes :
       {whole + zeros, whole + std::string(2050, '\0'), member("x", "20 mtime=123456.789\n", 'x') + whole}) {
    test::write_file(folder / "x.pt", bytes);
    CHECK(io::load(folder / "x.pt").as_tensor().shape() == Shape{2, 2});
  }
  std::string padded = whole;
  padded.back() = 'x';
  check({
      {whole + zeros + "x", "1025 bytes at byte 4096, behind its members, that are not zero"},
      {whole + zeros + whole, "bytes at byte 4096, behind its members, that are not zero"},
      {whole + "x", "bytes at byte 4096, behind its members, that are not zero"},
      {padded, "bytes behind the member 'storages' that are not zero"},
      {member("pickle", "", '0', nullptr, "dir") + whole, "'pickle' at byte 0 has a prefix to its name"},
      {member("x", "15 path=pickle\n", 'x') + whole, "has an extended tar header with 'path'"},
      {member("x", "9 size=5\n", 'x') + whole, "has an extended tar header with 'size'"},
      {member("x", "23 GNU.sparse.name=abc\n", 'g') + whole, "extended tar header with 'GNU.sparse.name'"},
      {member("x", "99 mtime=5\n", 'x') + whole, "has a damaged extended tar header at byte 0"},
      {member("x", "mtime=5\n", 'x') + whole, "has a damaged extended tar header at byte 0"},
      {member("x", "9 mtime=5\n", 'x') + whole, "has a damaged extended tar header at byte 0"},
      {tar(good + "x"), "tensors at byte 80: 1 bytes follow"},
      {tar(good, "\x80\x02].x"), "storages at byte 64: 1 bytes follow"},
      {tar(good, "\x80\x02].",
           "\x80\x02U\1"
           "5Q.x"),
       "member 'pickle': 1 bytes follow"},
      {tar(good, "\x80\x02].",
           "\x80\x02U\1"
           "5Q.",
           "\x80\x02}.x"),
       "member 'sys_info': 1 bytes follow"},
      {tar(good, "\x80\x02].",
           "\x80\x02U\1"
           "5Q.",
           "\x80\x02}U\x0Dlittle_endian\x89s."),
       "was written on a big-endian machine"},
  });
}

TEST_CASE("hostile streams: what is wrong in an array") {
  const auto of = [](const std::string& type, const std::string& shape, const std::string& data) {
    return npy("{'descr': " + type + ", 'fortran_order': False, 'shape': " + shape + ", }", data);
  };
  check({
      {of("'<f4'", "(2,)", "1234567"), "has 7 bytes of data, which does not fit float32 of shape [2]"},
      {of("'<f4'", "(2,)", "123456789"), "has 9 bytes of data"},
      {of("'<f4'", "(4611686018427387904, 4)", ""), "has a shape that is too large"},
      {of("'<f4'", "(0, 4611686018427387904, 4)", ""), "has a shape that is too large"},
      {of("'<f4'", "(99999999999999999999,)", ""),
       "has a header without proper descr, fortran_order and shape"},
      {of("'<f4'", "(-1,)", ""), "has a header without proper"},
      {of("'<f4'", "(1,1,1,1,1,1,1,1,1)", "1234"), "at most 8 dimensions"},
      {npy("{'descr': '<f4', 'shape': (1,)}", "1234"), "has a header without proper"},
      // numpy takes the last of two
      {npy("{'descr': '<f4', 'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", "1234"),
       "has a header without proper"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'fortran_order': True}", "1234"),
       "has a header without proper"},
      {"\x93NUMPY\4\0\1\0{"s, "is not an npy file of version 1 to 3"},
      {"\x93NUMPY\1"s, "is not an npy file of version 1 to 3"},
      {"\x93NUMPY\1\0\xff\xff{"s, "is incomplete: its header should have 65535 bytes"},
      {"\x93NUMPY\2\0\xff\xff\xff\xff{"s, "is incomplete: its header should have 4294967295 bytes"},
  });
  // Objects and structures are shown, not read; strict loading refuses the objects.
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.npy";
  test::write_file(path, of("'|O'", "(1,)", "\x80\x02N."));
  CHECK(io::load(path).type() == "numpy.ndarray");
  CHECK(test::contains(test::error_of([&] { io::load(path, {.strict = true}); }), "holds Python objects"));
  test::write_file(path, of("[('x', '<i4')]", "(2,)", "12345678"));
  CHECK(io::load(path).at("dtype") == Value("|V4"));
}

TEST_CASE("hostile streams: arrays in pickles") {
  const auto array = [](const std::string& shape, const std::string& type, const std::string& raw) {
    return "\x80\x02"
           "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1"s +
           shape + "cnumpy\ndtype\nU\2" + type +
           "K\0K\1\x87R(K\3U\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89"s + raw + "tb.";
  };
  check({
      {array("K\2\x85", "f4",
             "U\7"
             "1234567"),
       "numpy array: float32 [2] does not fit its 7 bytes"},
      {array("(\x8a\x08" + le64(int64_t(1) << 62) + "K\4t", "f4", "U\1x"), "does not fit its 1 bytes"},
      {array("J\xff\xff\xff\xff\x85", "f4", "U\0"s), "numpy array: its shape is damaged"},
      {array("U\1x\x85", "f4", "U\0"s), "numpy array: its shape is damaged"},
      {array("K\2\x85", "f4", "]"), "numpy array: its data are list, expected bytes"},
  });
}

TEST_CASE("hostile streams: what people give by accident") {
  const std::string zip = fixture("zip.pt"), legacy = fixture("legacy.pt");
  check({
      {"", "is empty"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
       "is a Git LFS pointer, not the file itself; fetch it"},
      {"<!DOCTYPE html><html>", "is an HTML page; the download went wrong"},
      {"<html><body>404", "is an HTML page"},
      {"\n  <!doctype html>", "is an HTML page"},
      {"\xEF\xBB\xBF<!-- x --><html>", "is an HTML page"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "is an XML page"},
      {std::string(4096, '\0'), "begins with 512 zero bytes; it was not written to the end"},
      {zip.substr(0, zip.size() / 2) + std::string(zip.size() / 2, '\0'),
       "without its directory at the end; it was not written"},
      {zip.substr(0, zip.size() - 1), "without its directory at the end"},
      {legacy.substr(0, legacy.size() - 1), "is incomplete"},
      {"\x1f\x8b\x08", "is compressed with gzip"},
      {"\x89HDF\r\n", "is an HDF5 file"},
      {"GGUF\3", "is a GGUF file"},
      {"PYTORCH1", "is of the preview format of PyTorch 1.0"},
      {"7z\xBC\xAF\x27", "is not a file of weights"},
  });
}

}  // namespace kiln
