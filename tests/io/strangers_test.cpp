#include <doctest/doctest.h>

#include <kiln/io/load.h>
#include <kiln/io/open.h>

#include "support/archive.h"
#include "support/files.h"

// What people give that is no file of weights: each is called what it is, in one sentence with its name.

namespace kiln {
namespace {

using namespace std::string_literals;
using test::Archive;

void named(const test::TemporaryFolder& folder, const std::string& name, const std::string& bytes,
           const std::string& what) {
  const std::string path = folder.write(name, bytes);
  const std::string error = test::error_of([&] { io::load(path); });
  CHECK_MESSAGE(error.starts_with("load: '" + path + "' is " + what), error);
  CHECK(test::error_of([&] { io::open(path); }) == error);
}

// The first bytes of small files that their programs made.
const std::string kBzip2 = "BZh91AY&SY\x59\xcc\xdc\x55",
                  kXz =
                      "\xFD"
                      "7zXZ\0\0\x04\xe6\xd6\xb4\x46"s,
                  kLzma = "]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x34"s,
                  kZstd = "\x28\xB5\x2F\xFD\x60\xf8\x29\x9d\0\0"s,
                  kLz4 = "\x04\x22\x4D\x18\x68\x40\xf8\x2a\0\0"s;

}  // namespace

TEST_CASE("strangers: compressed files") {
  const test::TemporaryFolder folder;
  named(folder, "a.bz2", kBzip2, "compressed with bzip2, perhaps by joblib; unpack it first");
  named(folder, "a.xz", kXz, "compressed with xz, perhaps by joblib; unpack it first");
  named(folder, "a.lzma", kLzma, "compressed with lzma, perhaps by joblib; unpack it first");
  named(folder, "a.zst", kZstd, "compressed with zstd; unpack it first");
  named(folder, "a.lz4", kLz4, "compressed with lz4, perhaps by joblib; unpack it first");
  named(folder, "a.gz", "\x1f\x8b\x08\0\0"s, "compressed with gzip, perhaps by joblib; unpack it first");
  named(folder, "a.z", "\x78\x5e\xb5\x50\xcb", "compressed with zlib, perhaps by joblib; unpack it first");
  named(folder, "a.z", "\x78\x9c\xed\xc6\xb1", "compressed with zlib");
  named(folder, "a.7z", "7z\xBC\xAF\x27\x1C\0\4"s, "a 7z archive; unpack it first");
  named(folder, "a.rar", "Rar!\x1A\x07\x01\0"s, "a RAR archive; unpack it first");
  named(folder, "a", "x is no mark", "not a file of weights");
}

TEST_CASE("strangers: joblib's pickles have arrays between their opcodes") {
  const test::TemporaryFolder folder;
  const std::string array =
      "\x80\4\x8c\x12joblib.numpy_pickle\x94\x8c\x11NumpyArrayWrapper\x94\x93)\x81\x94}b";
  named(folder, "a.joblib", array + "\3\xff\xff\xff\0\0\x80\x3f."s, "of joblib, which lays arrays between");
  const std::string path = folder.write("b.joblib", "\x80\4\x8c\x06joblib\x94\x0A."s);
  CHECK(test::contains(test::error_of([&] { io::load(path); }), "opcode 0x0A is unknown"));
}

TEST_CASE("strangers: other programs' models") {
  const test::TemporaryFolder folder;
  named(folder, "a.onnx", "\x08\x0e\x12\x07pytorch:L\x0a\x0e\x0a\1x", "an ONNX model");
  named(folder, "b.onnx", "\x08\x0e:L\x0a\x0e\x0a\1x\x0a\1w", "an ONNX model");
  named(folder, "saved_model.pb", "\x08\x01\x12\xad\x0b\x0a\x84\x01\x12", "a SavedModel of TensorFlow");
  named(folder, "a.mlmodel", "\x08\x01\x12\x2d\x0a\x15\x0a\1x", "a Core ML model");
  named(folder, "a.mlmodel", "\x08\x04\x12\x2d\x0a\x15\x0a\1x", "a Core ML model");
  named(folder, "a.tflite", "\x1c\0\0\0TFL3\x14\0\x20"s, "a model of TensorFlow Lite");
  named(folder, "a.ptl", "\x1c\0\0\0PTMF\x14\0\x20"s, "a model of PyTorch Mobile");
  named(folder, "checkpoint", "model_checkpoint_path: \"ckpt-1\"\n", "the list of a TensorFlow checkpoint's");
  named(folder, "ckpt-1.index", "\0\0\4"s + std::string(60, '\1') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb",
        "a part of a TensorFlow checkpoint");
  named(folder, "ckpt-1.data-00000-of-00001", "\1\2\3\4\5\6\7", "a part of a TensorFlow checkpoint");
  named(folder, "a.h5", "\x89HDF\r\n\x1a\n", "an HDF5 file (as Keras writes them), which Kiln does not read");
}

TEST_CASE("strangers: zip archives of other kinds") {
  const test::TemporaryFolder folder;
  const auto zip = [](std::initializer_list<const char*> names) {
    Archive archive;
    for (const char* name : names) archive.add(name, "x");
    return archive.finish();
  };
  named(folder, "a.pt2", zip({"a/data/weights/weight_0", "a/models/model.json", "a/archive_format"}),
        "an archive of torch.export (.pt2)");
  named(folder, "old.pt2", zip({"serialized_exported_program.json", "serialized_state_dict.json", "version"}),
        "an archive of torch.export (.pt2)");
  named(folder, "b.pt2", zip({"b/archive_format", "b/data/aotinductor/model/c.so"}),
        "a package of AOTInductor");
  named(folder, "p.pt", zip({"p/.data/0.storage", "p/model/model.pkl", "p/.data/extern_modules"}),
        "an archive of torch.package");
  named(folder, "a.keras", zip({"metadata.json", "config.json", "model.weights.h5"}), "a Keras model");
  named(folder, "a.zip", zip({"readme.txt", "net/model.safetensors"}),
        "a zip archive with the file 'net/model.safetensors' in it; unpack it first");
  named(folder, "a.jar", zip({"a.class", "b.class"}),
        "a zip archive whose record 'a.class' is in no folder, as PyTorch's are");
  // Files that somebody put beside a module in its archive say nothing about it.
  const std::string path = folder.write("a.pt", Archive()
                                                    .add("a/data.pkl", "\x80\2}.")
                                                    .add("a/version", "3")
                                                    .add("a/extra/config.json", "x")
                                                    .add("a/extra/metadata.json", "x")
                                                    .add("a/extra/archive_format", "x")
                                                    .finish());
  CHECK(io::load(path) == Value::dict());
}

TEST_CASE("strangers: parts of a checkpoint of torch.distributed.checkpoint") {
  const test::TemporaryFolder folder;
  const std::string zip = test::read_file("tests/io/fixtures/zip.pt");
  const char* const kPart = "a part of a torch.distributed.checkpoint folder; give the folder";
  named(folder, "dcp/__0_0.distcp", zip, kPart);
  named(folder, "dcp/__1_0.distcp", zip + zip, kPart);
  named(folder, "dcp/.metadata", "\x80\2ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81}U\1a}sb.",
        "the table of contents of a torch.distributed.checkpoint folder; give the folder");
  std::string error = test::error_of([&] { io::load(folder / "dcp"); });
  CHECK_MESSAGE(error.starts_with("load: '" + (folder / "dcp") + "/.metadata' has no '"), error);
  REQUIRE(std::remove((folder / "dcp/.metadata").c_str()) == 0);
  error = test::error_of([&] { io::load(folder / "dcp"); });
  CHECK_MESSAGE(
      error == "load: cannot read '" + (folder / "dcp") +
                   "': it is a folder, a checkpoint of torch.distributed.checkpoint without '.metadata', its "
                   "table of contents",
      error);
}

TEST_CASE("strangers: a folder is told of by what could be loaded of it") {
  const test::TemporaryFolder folder;
  const auto error_of = [&](const std::string& name) {
    const std::string path = folder / name, error = test::error_of([&] { io::load(path); });
    CHECK(test::error_of([&] { io::open(path); }) == error);
    CHECK_MESSAGE(error.starts_with("load: cannot read '" + path + "': it is a folder"), error);
    return error.substr(std::min(error.size(), error.find("it is a folder") + 14));
  };
  folder.write("none/readme.txt", "hello");
  folder.write("none/empty.pth", "");
  CHECK(error_of("none") == "; none of its 2 files is one that Kiln reads");
  for (const char* name : {"some/b.npz", "some/a.pth", "some/c"})
    io::save(folder.write(name, ""), Value::dict());
  folder.write("some/readme.txt", "hello");
  folder.write("some/deeper/d.pth", "");
  CHECK(error_of("some") == "; give a file in it: 'a.pth', 'b.npz', 'c'");
  for (int i = 0; i < 9; ++i) io::save(folder.write("some/" + std::to_string(i) + ".pth", ""), Value::dict());
  CHECK(test::contains(error_of("some"), "'7.pth' and 4 more"));
  folder.write("some/model.safetensors.index.json", "{}");
  CHECK(error_of("some") == "; give an index in it: 'model.safetensors.index.json'");
  folder.write("tf/saved_model.pb", "x");
  CHECK(error_of("tf") == ", a SavedModel of TensorFlow, which Kiln does not read");
  folder.write("a.mlpackage/Manifest.json", "{}");
  folder.write("a.mlpackage/Data/x", "");
  CHECK(error_of("a.mlpackage") == ", a Core ML package, which Kiln does not read");
}

}  // namespace kiln
