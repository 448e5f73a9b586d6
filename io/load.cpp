#include <kiln/io/load.h>

#include <algorithm>

#include <kiln/io/bytes/placement.h>
#include <kiln/io/format.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr Format kFormats[] = {
    {is_state_file, read_state_file}, {is_zip_file, read_zip_file}, {is_legacy_file, read_legacy_file},
    {is_tar_file, read_tar_file},     {is_npy_file, read_npy_file}, {is_pickle_file, read_pickle_file},
    {is_index_file, read_index_file},
};

// What people give to load() by accident.
struct Stranger {
  std::string_view begins;
  const char* what;
};
constexpr Stranger kStrangers[] = {
    {"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with 'git lfs pull'"},
    {"<!DOC", "an HTML page; the download went wrong"},
    {"<html", "an HTML page; the download went wrong"},
    {"PYTORCH1", "of the preview format of PyTorch 1.0; save it again with PyTorch 1.0 or later"},
    {"\x89HDF", "an HDF5 file, which Kiln does not read"},
    {"\x1f\x8b", "compressed with gzip; unpack it first"},
    {"GGUF", "a GGUF file, which Kiln does not read"},
};

constexpr int64_t kHead = 512;  // reaches the mark of a tar archive at 257

const Format& format_of(const InputFile& file) {
  const std::string& path = file.path();
  if (file.size() == 0) fail("load: '{}' is empty", path);
  const std::string head = file.read(0, std::min(kHead, file.size()));
  for (const Format& format : kFormats)
    if (format.matches(head, file.size())) return format;
  for (const Stranger& stranger : kStrangers)
    if (head.starts_with(stranger.begins)) fail("load: '{}' is {}", path, stranger.what);
  if (std::ranges::all_of(head, [](char c) { return c == 0; }))
    fail("load: '{}' begins with {} zero bytes; it was not written to the end", path, head.size());
  fail("load: '{}' is not a file of weights (or it is damaged): its first bytes are of no kind that is known",
       path);
}

}  // namespace

Value read_any_file(const InputFile& file, const ReadOptions& options) {
  return format_of(file).read(file, options);
}

Value load(const std::string& path, const LoadOptions& options) {
  check_options(path, options);
  const InputFile file(path);
  ReadOptions reading = {options};
  // Converted or sent to a GPU from the mapping, there is one copy and not two.
  const bool placed = options.dtype || !options.device.is_cpu();
  if (placed) reading.map = true;
  int64_t total = file.size();
  if (options.progress)
    reading.progress = [&](int64_t done, int64_t all) { options.progress(done, total = all); };
  Value value = read_any_file(file, reading);
  if (placed) place(value, options);
  if (options.progress) options.progress(total, total);
  return value;
}

}  // namespace kiln::io
