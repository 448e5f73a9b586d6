#include <kiln/io/load.h>

#include <algorithm>

#include <kiln/io/format.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

constexpr Format kFormats[] = {
    {is_state_file, read_state_file},
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
    {"PK\3\4", "a zip archive (a PyTorch checkpoint or an npz file), which this version does not read"},
    {"\x93NUMPY", "a NumPy array, which this version does not read"},
    {"\x89HDF", "an HDF5 file, which Kiln does not read"},
    {"\x1f\x8b", "compressed with gzip; unpack it first"},
    {"GGUF", "a GGUF file, which Kiln does not read"},
};

constexpr int64_t kHead = 512;  // reaches the mark of a tar archive at 257

}  // namespace

Value load(const std::string& path, const LoadOptions& options) {
  const InputFile file(path);
  if (file.size() == 0) fail("load: '{}' is empty", path);
  const std::string head = file.read(0, std::min(kHead, file.size()));
  for (const Format& format : kFormats)
    if (format.matches(head, file.size())) return format.read(file, options);
  for (const Stranger& stranger : kStrangers)
    if (head.starts_with(stranger.begins)) fail("load: '{}' is {}", path, stranger.what);
  if (std::ranges::all_of(head, [](char c) { return c == 0; }))
    fail("load: '{}' begins with {} zero bytes; it was not written to the end", path, head.size());
  fail("load: '{}' is not a state file (or it is damaged): its first bytes are of no kind that is known",
       path);
}

}  // namespace kiln::io
