#include <kiln/io/strangers.h>

#include <algorithm>
#include <cctype>

#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/io/zip/zip.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

using namespace std::string_view_literals;

struct Mark {
  std::string_view begins;
  const char* what;
};
constexpr Mark kMarks[] = {
    {"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'"},
    {"PYTORCH1", "of the preview format of PyTorch 1.0; save it again with PyTorch 1.0 or later"},
    {"\x89HDF", "an HDF5 file (as Keras writes them), which Kiln does not read"},
    {"GGUF", "a GGUF file, which Kiln does not read"},
    {"\x1f\x8b", "compressed with gzip, perhaps by joblib; unpack it first"},
    {"BZh", "compressed with bzip2, perhaps by joblib; unpack it first"},
    {"\xFD"
     "7zXZ\0"sv,
     "compressed with xz, perhaps by joblib; unpack it first"},
    {"]\0\0"sv, "compressed with lzma, perhaps by joblib; unpack it first"},
    {"\x28\xB5\x2F\xFD", "compressed with zstd; unpack it first"},
    {"\x04\x22\x4D\x18", "compressed with lz4, perhaps by joblib; unpack it first"},
    {"7z\xBC\xAF\x27\x1C", "a 7z archive; unpack it first"},
    {"Rar!\x1A\x07", "a RAR archive; unpack it first"},
    {"model_checkpoint_path:", "the list of a TensorFlow checkpoint's files, which Kiln does not read"},
};

// Marks at byte 4 of FlatBuffers.
constexpr Mark kFlatBuffers[] = {
    {"TFL3", "a model of TensorFlow Lite, which Kiln does not read"},
    {"PTMF", "a model of PyTorch Mobile, which Kiln does not read"},
    {"ET12", "a program of ExecuTorch, which Kiln does not read"},
};

constexpr const char* kOnnx =
    "an ONNX model, which Kiln does not read; save the weights of the module that it was exported from";
constexpr const char* kSavedModel = "a SavedModel of TensorFlow, which Kiln does not read";
constexpr const char* kCoreMl = "a Core ML model, which Kiln does not read";
constexpr const char* kCheckpoint = "a part of a TensorFlow checkpoint, which Kiln does not read";

// RFC 1950: deflate with a window of up to 32 KiB, and a sum that is a multiple of 31.
bool is_zlib(std::string_view head) {
  return head.size() > 2 && head[0] == 'x' && (uint8_t(head[0]) * 256 + uint8_t(head[1])) % 31 == 0 &&
         (uint8_t(head[1]) & 0x20) == 0;
}

// Models that begin with a small version, field 1 of a protobuf. Then ONNX has texts (the producer), numbers
// or the graph; Core ML and TensorFlow have messages in field 2.
const char* protobuf(std::string_view head, std::string_view name) {
  constexpr size_t kShortest = 6;
  constexpr uint8_t kNewest = 30;
  if (head.size() < kShortest || head[0] != '\x08' || head[1] < 1 || uint8_t(head[1]) > kNewest)
    return nullptr;
  const auto tag = uint8_t(head[2]);
  if (tag == 0x12) {
    size_t at = 3;
    while (at < head.size() && (uint8_t(head[at]) & 0x80) != 0) ++at;
    const char first = at + 1 < head.size() ? head[at + 1] : '\0';
    if (first > ' ') return kOnnx;
    return head[1] == 1 && !name.ends_with(".mlmodel") ? kSavedModel : kCoreMl;
  }
  constexpr uint8_t kFields[] = {0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42};
  return std::ranges::find(kFields, tag) != std::end(kFields) ? kOnnx : nullptr;
}

// What a server says instead of a file.
const char* markup(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  std::string word(head.substr(0, 5));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (word == "<!doc" || word == "<html" || word.starts_with("<!--"))
    return "an HTML page; the download went wrong";
  return word == "<?xml" ? "an XML page; the download went wrong" : nullptr;
}

// The footer of a table of LevelDB, which the index of a TensorFlow checkpoint is.
bool is_table(const InputFile& file) {
  constexpr int64_t kFooter = 48, kMarkBytes = 8;
  return file.size() > kFooter &&
         file.read(file.size() - kMarkBytes, kMarkBytes) == "\x57\xfb\x80\x8b\x24\x75\x47\xdb"sv;
}

}  // namespace

std::string stranger(std::string_view head, const InputFile& file) {
  const std::string_view name = std::string_view(file.path()).substr(file.path().rfind('/') + 1);
  for (const Mark& mark : kMarks)
    if (head.starts_with(mark.begins)) return mark.what;
  for (const Mark& mark : kFlatBuffers)
    if (head.size() > 8 && head.substr(4, mark.begins.size()) == mark.begins) return mark.what;
  if (const char* what = markup(head)) return what;
  if (is_zlib(head)) return "compressed with zlib, perhaps by joblib; unpack it first";
  if (const char* what = protobuf(head, name)) return what;
  if (is_table(file) || name.find(".data-0000") != name.npos) return kCheckpoint;
  return "";
}

std::string stranger(const ZipArchive& archive) {
  const auto any = [&](auto&& f) {
    const auto found = std::ranges::find_if(archive.records(), f);
    return found == archive.records().end() ? nullptr : &*found;
  };
  const auto ends = [&](std::string_view ending) {
    return any([=](const ZipArchive::Record& record) {
             return record.name.ends_with(ending) &&
                    (record.name.size() == ending.size() ||
                     record.name[record.name.size() - ending.size() - 1] == '/');
           }) != nullptr;
  };
  const auto has = [&](std::string_view part) {
    return any([=](const ZipArchive::Record& record) {
             return record.name.find(part) != record.name.npos;
           }) != nullptr;
  };
  const std::string_view first = archive.records()[0].name;
  const std::string folder(first.substr(0, first.find('/') + 1));
  for (const char* name : {"data.pkl", "model.json"})
    if (archive.find(folder + name) != nullptr) return "";
  if (has("data/aotinductor/"))
    return "a package of AOTInductor, the compiled code of a model; save the module's state_dict() instead";
  if (ends("archive_format") || ends("serialized_exported_program.json"))
    return "an archive of torch.export (.pt2), which Kiln does not read; save "
           "torch.export.load(...).state_dict "
           "with torch.save";
  if (ends(".data/extern_modules"))
    return "an archive of torch.package, which Kiln does not read; save the module's state_dict() with "
           "torch.save";
  if (ends("model.weights.h5") || (ends("config.json") && ends("metadata.json")))
    return "a Keras model, which Kiln does not read: its weights are an HDF5 file";
  constexpr std::string_view kEndings[] = {".pth",         ".pt",  ".ckpt", ".bin",
                                           ".safetensors", ".npz", ".kiln", ".npy"};
  const auto* file = any([&](const ZipArchive::Record& record) {
    return std::ranges::any_of(kEndings, [&](auto ending) { return record.name.ends_with(ending); });
  });
  if (file != nullptr && !ends("version"))
    return fmt::format("a zip archive with the file '{}' in it; unpack it first", shown_name(file->name));
  return "";
}

}  // namespace kiln::io
