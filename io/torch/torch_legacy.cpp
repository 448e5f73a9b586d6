#include <optional>

#include <kiln/io/format.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view kMagic = "\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19"sv;
constexpr std::string_view kMagicText = "L119547037146038801333356L\n."sv;  // of protocols 0 and 1
constexpr int64_t kVersion = 1001;

class LegacyStorages : public TorchStorages {
 public:
  LegacyStorages(const Source& source, std::string where) : source_(source), where_(std::move(where)) {}

  // The storages that the graph names: their types and sizes, which the stream itself does not tell.
  void collect(const PickleGraph& graph) {
    for (PickleGraph::Id id = 0; id < graph.size(); ++id) {
      if (graph.kind(id) != PickleGraph::Kind::persistent) continue;
      const PickleGraph::Id reference = graph.persistent(id);
      if (!names_storage(graph, reference)) continue;
      StorageName name = storage_name(graph, reference, where_);
      const auto [known, is_new] = stored_.try_emplace(name.key, Stored{name});
      if (!is_new && (known->second.name.type != name.type || known->second.name.count != name.count))
        fail("{}: storage '{}' is named with two types or sizes", where_, quotable(name.key));
    }
  }

  // Finds the data, which begin at `at`, in the order of the keys. Gives the byte behind them.
  int64_t place(const PickleGraph& keys, int64_t at) {
    if (keys.kind(keys.root()) != PickleGraph::Kind::list)
      fail("{}: its list of storages is missing", where_);
    for (const PickleGraph::Id id : keys.items(keys.root())) {
      const std::string key(keys.text(id));
      const auto found = stored_.find(key);
      if (found == stored_.end())
        fail("{}: it lists the storage '{}', which nothing uses", where_, quotable(key));
      Stored& stored = found->second;
      if (stored.begin >= 0) fail("{}: it lists the storage '{}' twice", where_, quotable(key));
      int64_t count = 0;
      source_.read(at, sizeof count, &count);
      const int64_t width = size_of(stored.name.type->dtype);
      if (count != stored.name.count)
        fail("{}: storage '{}' at byte {} has {} elements, its persistent id says {}", where_, quotable(key),
             at, count, stored.name.count);
      stored.begin = at + int64_t(sizeof count);
      if (count > (source_.size() - stored.begin) / width)
        fail("{} is incomplete: storage '{}' at byte {} needs {} elements of {} bytes, {} bytes follow",
             where_, quotable(key), at, count, width, source_.size() - stored.begin);
      at = stored.begin + count * width;
    }
    return at;
  }

  // Those that were not asked for.
  void warn_of_rest(const PickleGraph& keys, const ReadOptions& options) const {
    size_t unused = 0;
    std::string_view first;
    for (const PickleGraph::Id id : keys.items(keys.root())) {
      const std::string_view key = keys.text(id);
      if (stored_.at(std::string(key)).memory) continue;
      if (unused++ == 0) first = key;
    }
    warn_of_unused(unused, stored_.size(), first, source_, options);
  }

  TorchStorage storage(const PickleGraph& graph, PickleGraph::Id reference) override {
    const StorageName name = storage_name(graph, reference, where_);
    const auto found = stored_.find(name.key);
    if (found == stored_.end() || found->second.begin < 0)
      fail("{}: storage '{}' is not in the file", where_, quotable(name.key));
    Stored& stored = found->second;
    const int64_t width = size_of(stored.name.type->dtype);
    if (!stored.memory)
      stored.memory = source_.storage_later(stored.begin, stored.name.count * width,
                                            source_.alignment_for(stored.name.type->dtype));
    if (name.view == PickleGraph::kNothing) return {stored.memory, name.type};
    return {view(graph, name, stored), name.type};
  }

 private:
  struct Stored {
    StorageName name;
    int64_t begin = -1;
    Ref<Storage> memory;
  };

  static bool names_storage(const PickleGraph& graph, PickleGraph::Id reference) {
    if (graph.kind(reference) != PickleGraph::Kind::tuple || graph.items(reference).empty()) return false;
    const PickleGraph::Id first = graph.items(reference)[0];
    return graph.is_text(first) && graph.text(first) == "storage";
  }

  // (view_key, offset, count): a part of a storage.
  Ref<Storage> view(const PickleGraph& graph, const StorageName& name, const Stored& stored) {
    if (graph.kind(name.view) != PickleGraph::Kind::tuple || graph.items(name.view).size() != 3)
      fail("{}: a view of storage '{}' is not a tuple of 3 items", where_, quotable(name.key));
    const std::span<const PickleGraph::Id> items = graph.items(name.view);
    const int64_t offset = graph.integer(items[1]), count = graph.integer(items[2]), all = stored.name.count;
    if (offset < 0 || count < 0 || offset > all || count > all - offset)
      fail("{}: a view of {} elements from {} reaches beyond storage '{}' of {}", where_, count, offset,
           quotable(name.key), all);
    Ref<Storage>& part = views_[std::string(graph.text(items[0]))];
    const int64_t width = size_of(name.type->dtype);
    if (!part) part = source_.part_later(stored.memory, offset * width, count * width);
    if (part->bytes != count * width)
      fail("{}: a view of storage '{}' has two sizes", where_, quotable(name.key));
    return part;
  }

  const Source& source_;
  std::string where_;
  std::unordered_map<std::string, Stored, TextHash> stored_;
  std::unordered_map<std::string, Ref<Storage>, TextHash> views_;
};

}  // namespace

bool is_legacy(std::string_view head) {
  if (head.starts_with(kMagicText)) return true;
  if (head.size() < 2 || head[0] != '\x80' || head[1] < 2 || head[1] > 5) return false;
  head.remove_prefix(2);
  constexpr size_t kFrame = 9;
  if (head.starts_with('\x95') && head.size() > kFrame) head.remove_prefix(kFrame);
  return head.starts_with(kMagic);
}

void check_byte_order(const PickleGraph& system, const Source& source) {
  if (system.kind(system.root()) != PickleGraph::Kind::dict) return;
  const PickleGraph::Id little = system.find(system.root(), "little_endian");
  if (little != PickleGraph::kNothing && system.integer(little) == 0)
    fail("{} was written on a big-endian machine, which Kiln does not read in this format", source.name());
}

// Five pickles (magic, version, system, object, keys of the storages), then the storages in the keys' order.
Value read_legacy(const Source& source, const ReadOptions& options, int nesting) {
  int64_t at = 0;
  const auto next = [&](const char* what) {
    PickleGraph graph =
        parse_pickle(source.view(at, source.size() - at),
                     fmt::format("{}, {} at byte {}", source.name(), what, at), pickle_limits(options));
    at += int64_t(graph.consumed());
    return graph;
  };
  next("magic number");
  const PickleGraph version = next("version");
  if (version.integer(version.root()) != kVersion)
    fail("{} is of version {} of torch.save's stream, Kiln reads {}", source.name(),
         version.integer(version.root()), kVersion);
  check_byte_order(next("system"), source);
  const std::string where = fmt::format("{}, object at byte {}", source.name(), at);
  const PickleGraph graph = next("object");
  const PickleGraph keys = next("list of storages");
  LegacyStorages storages(source, where);
  storages.collect(graph);
  const int64_t end = storages.place(keys, at);
  const std::string_view rest = source.view(end, source.size() - end);
  if (rest.find_first_not_of('\0') != rest.npos)
    fail("{}: {} bytes follow its last storage, which ends at byte {}", source.name(), rest.size(), end);
  Value value = TorchTree(graph, storages, options, where, nesting).read();
  storages.warn_of_rest(keys, options);
  return value;
}

bool is_legacy_file(std::string_view head, int64_t) { return is_legacy(head); }

Value read_legacy_file(const InputFile& file, const ReadOptions& options) {
  return read_legacy(Source(file, options, true), options, 0);
}

namespace {

class NoStorages : public TorchStorages {
 public:
  explicit NoStorages(std::string where) : where_(std::move(where)) {}
  TorchStorage storage(const PickleGraph&, PickleGraph::Id) override {
    fail("{}: it refers to data outside of the pickle", where_);
  }

 private:
  std::string where_;
};

}  // namespace

bool is_pickle_file(std::string_view head, int64_t) {
  if (head.size() >= 2 && head[0] == '\x80') return head[1] >= 2 && head[1] <= 5;
  // So do files of zstd and lzma, but for what follows, which is no opcode.
  if (head.starts_with("(\xB5\x2F\xFD"sv) || head.starts_with("]\0\0"sv)) return false;
  return head.starts_with('(') || head.starts_with('}') || head.starts_with(']') || head.starts_with('c');
}

Value read_pickle(const InputFile& file, const ReadOptions& options) {
  const Source source(file, options, true);
  const std::string_view text = source.view(0, source.size());
  std::optional<PickleGraph> parsed;
  try {
    parsed = parse_pickle(text, source.name(), pickle_limits(options));
  } catch (const Error&) {
    if (text.find("joblib.numpy_pickle") == text.npos) throw;
    fail(
        "{} is of joblib, which lays arrays between the parts of its pickle; save it with numpy.savez or "
        "pickle.dump",
        source.name());
  }
  const PickleGraph& graph = *parsed;
  if (int64_t(graph.consumed()) != source.size())
    fail("{}: {} bytes follow the pickle, which ends at byte {}", source.name(),
         source.size() - int64_t(graph.consumed()), graph.consumed());
  NoStorages storages(source.name());
  return TorchTree(graph, storages, options, source.name()).read();
}

Value read_pickle_file(const InputFile& file, const ReadOptions& options) {
  Value value = read_pickle(file, options);
  if (value.is_object() && value.type() == "torch.distributed.checkpoint.metadata.Metadata")
    fail("load: '{}' is the table of contents of a torch.distributed.checkpoint folder; give the folder",
         file.path());
  return value;
}

}  // namespace kiln::io
