#include <kiln/io/torch/dcp_files.h>

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <unordered_set>

#include <kiln/io/format.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {

namespace fs = std::filesystem;

DcpFiles::DcpFiles(std::string folder, const ReadOptions& options)
    : folder_(std::move(folder)), options_(options), is_outline_(options.outline != nullptr) {
  options_.outline = nullptr;
  options_.progress = {};
}

Value DcpFiles::read(const Blob& blob, Outline* outline) const {
  const std::string path = folder_ + "/" + blob.file;
  const InputFile file(path);
  const std::string where = fmt::format("load: '{}', {} bytes at byte {}", path, blob.bytes, blob.begin);
  if (blob.begin < 0 || blob.bytes < 0 || blob.begin > file.size() || blob.bytes > file.size() - blob.begin)
    fail("{}: the file has {} (is it incomplete?)", where, file.size());
  ReadOptions reading = options_;
  reading.outline = outline;
  if (is_outline_ && outline == nullptr) reading.warn = {};  // whom it told is perhaps gone
  const Source source = Source(file, reading, true).part(blob.begin, blob.bytes, where);
  constexpr int64_t kHead = 512;
  const std::string_view head = source.view(0, std::min(kHead, source.size()));
  const size_t checks = outline != nullptr ? outline->checks.size() : 0;
  Value value;
  if (head.starts_with("PK\3\4"))
    value = read_zip(source, reading, 1);
  else if (is_legacy(head))
    value = read_legacy(source, reading, 1);
  else if (is_state_file(file.read(0, std::min(kHead, file.size())), file.size()))
    fail(
        "load: '{}' was written as safetensors (SerializationFormat.SAFETENSORS), which Kiln does not read "
        "in "
        "a folder of torch.distributed.checkpoint",
        path);
  else
    fail("{} is no file of torch.save", where);
  if (outline != nullptr && reading.verify && outline->checks.size() == checks)
    outline->checks.push_back([path, blob] { InputFile(path).read_through(blob.begin, blob.bytes); });
  return value;
}

void DcpFiles::check(const Blob& blob, const Function<void(const Value&)>& fits) const {
  Outline outline(false);
  const Value found = read(blob, &outline);
  if (fits) fits(found);
  for (const auto& check : outline.checks) check();
}

void DcpFiles::warn_of_gaps(const std::vector<Blob>& blobs) const {
  int64_t bytes = 0, first = 0, files = 0;
  const std::string* file = nullptr;
  for (size_t i = 0; i < blobs.size();) {
    std::error_code ignored;  // one that is missing is said when it is read
    const auto size = int64_t(fs::file_size(folder_ + "/" + blobs[i].file, ignored));
    const size_t begin = i;
    int64_t end = 0;
    const auto gap = [&](int64_t to) {
      if (ignored || to <= end) return;
      if (bytes == 0) first = end, file = &blobs[begin].file;
      bytes += to - end;
    };
    const int64_t before = bytes;
    for (; i < blobs.size() && blobs[i].file == blobs[begin].file; ++i) {
      if (blobs[i].begin < 0 || blobs[i].bytes < 0 || blobs[i].begin > size) continue;
      gap(blobs[i].begin);
      end = std::max(end, blobs[i].begin + std::min(blobs[i].bytes, size - blobs[i].begin));
    }
    gap(size);
    files += bytes != before;
  }
  if (bytes > 0)
    options_.warn(fmt::format(
        "load: '{}': {} bytes in {} file{} are no part that '.metadata' names, the first at byte {} of '{}'",
        folder_, bytes, files, files == 1 ? "" : "s", first, *file));
}

void DcpFiles::warn_of_rest(std::vector<Blob> blobs) const {
  std::ranges::sort(blobs, {}, [](const Blob& blob) { return std::tie(blob.file, blob.begin); });
  warn_of_gaps(blobs);
  std::unordered_set<std::string_view, TextHash> named;
  for (const Blob& blob : blobs) named.insert(blob.file);
  std::error_code ignored;
  size_t count = 0;
  std::string first;
  for (fs::directory_iterator entry(folder_, ignored), end; entry != end; entry.increment(ignored)) {
    std::string name = entry->path().filename().string();
    if (!name.ends_with(".distcp") || named.contains(name)) continue;
    if (count++ == 0 || name < first) first = std::move(name);
  }
  if (count > 0)
    options_.warn(fmt::format("load: '{}': {} file{} not named by '.metadata', '{}' is the first", folder_,
                              count, count == 1 ? " is" : "s are", first));
}

}  // namespace kiln::io
