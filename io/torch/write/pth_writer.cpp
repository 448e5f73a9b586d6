#include <algorithm>

#include <kiln/io/bytes/pieces.h>
#include <kiln/io/pickle/pickle.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/write/pth_content.h>
#include <kiln/io/writers.h>
#include <kiln/io/zip/zip_writer.h>

namespace kiln::io {
namespace {

constexpr char kPrefix[] = "archive/";  // of all records; any name will do

// What load() would refuse by its limits. Most are far from any of them.
void check_readable(const std::string& pickle, const std::string& path) {
  const LoadLimits limits;
  if (int64_t(pickle.size()) < std::min(limits.nodes, limits.string_bytes)) return;  // at least a byte each
  try {
    if (int64_t(pickle.size()) > limits.pickle_bytes)
      fail("save: '{}' would have a pickle of {} bytes, the limit is {} (limits.pickle_bytes)", path,
           pickle.size(), limits.pickle_bytes);
    parse_pickle(pickle, fmt::format("save: '{}'", path), pickle_limits({}));
  } catch (const Error& error) {
    fail("{}; it could not be loaded again: store long lists and texts as tensors, or save to .kiln",
         error.what());
  }
}

}  // namespace

void write_pth(const std::string& path, const Value& value, const SaveOptions&) {
  const PthContent content = pth_content(value);
  constexpr int64_t kOtherRecords = 6;
  check_record_count(path, int64_t(content.records.size()) + kOtherRecords);
  const std::string pickle = pth_pickle(value, content, path);
  check_readable(pickle, path);
  ZipWriter zip(path, content.bytes + int64_t(pickle.size()));
  zip.record(kPrefix + std::string("data.pkl"), pickle);
  zip.record(kPrefix + std::string(".format_version"), "1");
  zip.record(kPrefix + std::string(".storage_alignment"), "64");
  zip.record(kPrefix + std::string("byteorder"), "little");
  for (size_t i = 0; i < content.records.size(); ++i) {
    const Tensor& source = content.records[i].source;
    zip.begin(fmt::format("{}data/{}", kPrefix, i), source.numel() * size_of(source.dtype()));
    each_piece(source, [&](const char* data, int64_t bytes) { zip.write(data, bytes); });
    zip.end();
  }
  zip.record(kPrefix + std::string("version"), "3\n");
  zip.record(kPrefix + std::string(".data/serialization_id"),
             fmt::format("{:020}{:020}", zip.names_checksum(), zip.contents_checksum()));
  zip.commit();
}

}  // namespace kiln::io
