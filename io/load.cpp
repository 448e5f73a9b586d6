#include <kiln/io/load.h>

#include <algorithm>
#include <vector>

#include <kiln/io/bytes/placement.h>
#include <kiln/io/format.h>
#include <kiln/io/strangers.h>
#include <kiln/io/torch/torch_dcp.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr Format kFormats[] = {
    {is_state_file, read_state_file}, {is_zip_file, read_zip_file}, {is_legacy_file, read_legacy_file},
    {is_tar_file, read_tar_file},     {is_npy_file, read_npy_file}, {is_pickle_file, read_pickle_file},
    {is_index_file, read_index_file},
};

constexpr int64_t kHead = 512;  // reaches the mark of a tar archive at 257

std::string head_of(const InputFile& file) { return file.read(0, std::min(kHead, file.size())); }

const Format& format_of(const InputFile& file) {
  const std::string& path = file.path();
  if (file.size() == 0) fail("load: '{}' is empty", path);
  // It may be a whole file of torch.save, or several; which tensors they are parts of stands elsewhere.
  if (path.ends_with(".distcp"))
    fail("load: '{}' is a part of a torch.distributed.checkpoint folder; give the folder", path);
  if (const Format* format = find_format(file)) return *format;
  const std::string head = head_of(file);
  if (const std::string what = stranger(head, file); !what.empty()) fail("load: '{}' is {}", path, what);
  if (std::ranges::all_of(head, [](char c) { return c == 0; }))
    fail("load: '{}' begins with {} zero bytes; it was not written to the end", path, head.size());
  fail("load: '{}' is not a file of weights (or it is damaged): its first bytes are of no kind that is known",
       path);
}

}  // namespace

const Format* find_format(const InputFile& file) {
  const std::string head = head_of(file);
  for (const Format& format : kFormats)
    if (format.matches(head, file.size())) return &format;
  return nullptr;
}

Value read_any_file(const InputFile& file, const ReadOptions& options) {
  const size_t checks = options.outline != nullptr ? options.outline->checks.size() : 0;
  Value value = format_of(file).read(file, options);
  // Of a kind without checksums.
  if (options.outline != nullptr && options.verify && options.outline->checks.size() == checks)
    options.outline->checks.push_back([path = file.path()] {
      const InputFile again(path);
      again.read_through(0, again.size());
    });
  return value;
}

Value read_any(const std::string& path, const ReadOptions& options, int64_t* size) {
  if (is_dcp_folder(path)) return read_dcp(path, options);
  refuse_folder(path);
  const InputFile file(path);
  if (size != nullptr) *size = file.size();
  return read_any_file(file, options);
}

Value load(const std::string& path, const LoadOptions& options) {
  check_options(path, options);
  ReadOptions reading = {options};
  // Converted or sent to a GPU from the mapping, there is one copy and not two.
  const bool placed = options.dtype || !options.device.is_cpu();
  if (placed) reading.map = true;
  int64_t total = 0;
  if (options.progress)
    reading.progress = [&](int64_t done, int64_t all) { options.progress(done, total = all); };
  int64_t size = 0;
  Value value = read_any(path, reading, &size);
  total = std::max(total, size);
  if (placed) place(value, options);
  if (options.progress) options.progress(total, total);
  return value;
}

}  // namespace kiln::io
