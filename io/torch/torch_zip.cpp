#include <algorithm>
#include <charconv>
#include <unordered_set>

#include <kiln/io/format.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/strangers.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/io/zip/zip.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

constexpr int64_t kNewestVersion = 10;

class ZipStorages : public TorchStorages {
 public:
  ZipStorages(Archive archive, const Source& source, std::string folder, std::string where, bool verify,
              bool swapped)
      : archive_(std::move(archive)),
        source_(source),
        folder_(std::move(folder)),
        where_(std::move(where)),
        verify_(verify),
        swapped_(swapped),
        memories_(archive_->records().size()) {}

  // Storages of the archive in all, and those that were not given out.
  struct Rest {
    size_t all = 0, unused = 0;
    std::string_view first;
  };
  Rest rest() const {
    Rest rest;
    for (size_t i = 0; i < memories_.size(); ++i) {
      const std::string_view name = archive_->records()[i].name;
      if (!name.starts_with(folder_)) continue;
      ++rest.all;
      if (!memories_[i] && rest.unused++ == 0) rest.first = name.substr(folder_.size());
    }
    return rest;
  }

  TorchStorage storage(const PickleGraph& graph, PickleGraph::Id reference) override {
    const StorageName name = storage_name(graph, reference, where_);
    path_.resize(folder_.size());
    path_ += name.key;
    const ZipArchive::Record* record = archive_->find_after(last_, path_);
    last_ = record;
    if (record == nullptr) fail("{}: there is no record '{}{}'", where_, folder_, quotable(name.key));
    const DType dtype = name.type->dtype;
    if (record->size % size_of(dtype) != 0 || record->size / size_of(dtype) != name.count)
      fail("{} has {} bytes where {} {} elements are expected", archive_->where(*record), record->size,
           name.count, name.type->name);
    Ref<Storage>& memory = memories_[size_t(record - archive_->records().data())];
    if (!memory)
      memory = source_.later(
          record->size,
          [archive = archive_, record, type = name.type,
           alignment = source_.alignment_for(dtype, name.type->storage.ends_with("Untyped")),
           verify = verify_, swaps = swapped_] {
            Ref<Storage> data = archive->storage(*record, alignment, verify);
            return swaps ? swapped(*data, *type) : data;
          },
          Outline::From::file);
    return {memory, name.type};
  }

 private:
  Archive archive_;
  const Source& source_;
  std::string folder_, where_, path_ = folder_;
  bool verify_, swapped_;
  std::vector<Ref<Storage>> memories_;
  const ZipArchive::Record* last_ = nullptr;  // that was asked for: they come in order
};

// Up to and with the first '/', which all records share.
std::string prefix_of(const ZipArchive& archive, const Source& source) {
  const std::string_view first = archive.records()[0].name;
  const std::string prefix(first.substr(0, first.find('/') + 1));
  if (prefix.empty())
    fail("{} is a zip archive whose record '{}' is in no folder, as PyTorch's are", source.name(),
         shown_name(first));
  for (const ZipArchive::Record& record : archive.records())
    if (!record.name.starts_with(prefix))
      fail("{} is a zip archive whose records '{}' and '{}' are not in one folder, as PyTorch's are",
           source.name(), shown_name(first), shown_name(record.name));
  return prefix;
}

void check_version(const ZipArchive& archive, const std::string& prefix, const Source& source) {
  const ZipArchive::Record* record = archive.find(prefix + "version");
  if (record == nullptr) record = archive.find(prefix + ".data/version");
  if (record == nullptr) fail("{} lacks the record '{}version'", source.name(), prefix);
  constexpr int64_t kLongest = 20;
  const std::string text = record->size <= kLongest ? archive.text(*record, true) : "";
  int64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  if (version < 1 || version > kNewestVersion)
    fail("{} says version '{}', Kiln reads 1 to {}", archive.where(*record), quotable(text), kNewestVersion);
}

bool is_big_endian(const ZipArchive& archive, const std::string& prefix, const ReadOptions& options) {
  const ZipArchive::Record* record = archive.find(prefix + "byteorder");
  if (record == nullptr) return options.big_endian;
  constexpr int64_t kLongest = 8;
  const std::string text = record->size <= kLongest ? archive.text(*record, true) : "";
  if (text != "little" && text != "big")
    fail("{} says '{}', expected 'little' or 'big'", archive.where(*record), quotable(text));
  return text == "big";
}

// PyTorch writes no storage that nothing refers to; one that is there is hidden or left over.
void check_all_used(const ZipArchive& archive, const std::string& folder, const PickleGraph& graph) {
  std::unordered_set<std::string_view, TextHash> used;
  for (PickleGraph::Id id = 0; id < graph.size(); ++id) {
    if (graph.kind(id) != PickleGraph::Kind::persistent) continue;
    const PickleGraph::Id name = graph.persistent(id);
    constexpr size_t kKeyAt = 2;  // ('storage', class, key, ...)
    if (graph.kind(name) == PickleGraph::Kind::tuple && graph.items(name).size() > kKeyAt &&
        graph.is_text(graph.items(name)[kKeyAt]))
      used.insert(graph.text(graph.items(name)[kKeyAt]));
  }
  for (const ZipArchive::Record& record : archive.records())
    if (record.name.starts_with(folder) && !used.contains(record.name.substr(folder.size())))
      fail("{} belongs to no tensor", archive.where(record));
}

// compute_crc32=False of PyTorch 2.6 and other writers leave zeros.
void warn_of_missing_checksums(const ZipArchive& archive, const Source& source, const ReadOptions& options) {
  if (!options.warn) return;
  const auto lacks = [](const ZipArchive::Record& record) { return record.crc == 0 && record.size > 0; };
  const auto count = std::ranges::count_if(archive.records(), lacks);
  if (count == 0) return;
  options.warn(
      fmt::format("{}: {} of {} records have no checksum ('{}' is the first), so damage in them is not found",
                  source.name(), count, archive.records().size(),
                  shown_name(std::ranges::find_if(archive.records(), lacks)->name)));
}

Value read_checkpoint(const Archive& shared, const std::string& prefix, const Source& source,
                      const ReadOptions& options, int nesting) {
  const ZipArchive& archive = *shared;
  const ZipArchive::Record* record = archive.find(prefix + "data.pkl");
  if (record == nullptr) fail("{} lacks the record '{}data.pkl'", source.name(), prefix);
  check_version(archive, prefix, source);
  if (record->size > options.limits.pickle_bytes)
    fail("{} has {} bytes, the limit is {} (limits.pickle_bytes)", archive.where(*record), record->size,
         options.limits.pickle_bytes);
  const Ref<Storage> content = archive.storage(*record, 1, true);
  const std::string_view text(static_cast<const char*>(content->data), size_t(content->bytes));
  const std::string where = archive.where(*record);
  const PickleGraph graph = parse_pickle(text, where, pickle_limits(options));
  if (graph.consumed() != text.size())
    fail("{}: {} bytes follow the pickle", where, text.size() - graph.consumed());
  ZipStorages storages(shared, source, prefix + "data/", where, options.verify,
                       is_big_endian(archive, prefix, options));
  Value value = TorchTree(graph, storages, options, where, nesting).read();
  const bool is_script = archive.find(prefix + "constants.pkl") != nullptr && value.is_object();
  warn_of_others(archive, prefix, is_script ? Content::script : Content::pickle, source, options);
  if (const auto [all, unused, first] = storages.rest(); unused > 0) {
    check_all_used(archive, prefix + "data/", graph);
    warn_of_unused(unused, all, first, source, options);
  }
  if (is_script) return script_weights(value, archive, prefix, source, options);
  return value;
}

// numpy.savez of no arrays leaves the end record alone.
Value read_empty_zip(const Source& source) {
  constexpr int64_t kEndBytes = 22;
  if (source.size() != kEndBytes) fail("{} is a zip archive without records", source.name());
  return Value::dict();
}

}  // namespace

Value read_zip(const Source& source, const ReadOptions& options, int nesting) {
  using Read = ZipArchive::Read;
  const Read read = options.map || source.is_outline() ? Read::nothing
                    : options.verify                   ? Read::verified_data
                                                       : Read::data;
  const auto shared = std::make_shared<const ZipArchive>(source, options.limits, read);
  const ZipArchive& archive = *shared;
  if (archive.comment_bytes() > 0 && options.warn)
    options.warn(
        fmt::format("{}: its comment of {} bytes is left out", source.name(), archive.comment_bytes()));
  if (archive.records().empty()) return read_empty_zip(source);
  warn_of_missing_checksums(archive, source, options);
  const auto content = [&] {
    if (std::ranges::all_of(archive.records(),
                            [](const auto& record) { return record.name.ends_with(".npy"); }))
      return read_npz(shared, source, options);
    if (const std::string what = stranger(archive); !what.empty()) fail("{} is {}", source.name(), what);
    const std::string prefix = prefix_of(archive, source);
    check_case(archive, prefix);
    if (archive.find(prefix + "model.json") != nullptr)
      return read_model_json(shared, source, prefix, options);
    return read_checkpoint(shared, prefix, source, options, nesting);
  };
  Value value = content();
  archive.finish();
  if (archive.unknown_bytes() > 0 && options.warn)
    options.warn(fmt::format("{}: {} bytes in comments and extra fields of its records are left out",
                             source.name(), archive.unknown_bytes()));
  if (source.is_outline() && options.verify)
    options.outline->checks.push_back([shared, path = source.path()] { shared->check(InputFile(path)); });
  return value;
}

bool is_zip_file(std::string_view head, int64_t) {
  return head.starts_with("PK\3\4") || head.starts_with("PK\5\6");
}

Value read_zip_file(const InputFile& file, const ReadOptions& options) {
  return read_zip(Source(file, options), options, 0);
}

}  // namespace kiln::io
