#include <kiln/io/format.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/torch/tar_members.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

// The members of PyTorch's archive.
constexpr std::string_view kNames[] = {"sys_info", "pickle", "tensors", "storages"};
constexpr size_t kMembers = std::size(kNames);

class TarStorages : public TorchStorages {
 public:
  TarStorages(const Source& source, const TarMember& storages, const TarMember& tensors, PickleLimits limits)
      : source_(source) {
    read_storages({source, limits, storages, "storages"});
    read_tensors({source, limits, tensors, "tensors"});
  }

  TorchStorage storage(const PickleGraph& graph, PickleGraph::Id reference) override {
    return find(key(graph, reference), source_.name());
  }
  Tensor tensor(const PickleGraph& graph, PickleGraph::Id reference) override {
    const auto found = tensors_.find(key(graph, reference));
    return found == tensors_.end() ? Tensor() : found->second;
  }

 private:
  // Pickles and numbers, one after the other.
  struct Stream {
    const Source& source;
    PickleLimits limits;
    TarMember member;
    const char* name;
    int64_t at = 0;

    std::string where() const { return fmt::format("{}, {} at byte {}", source.name(), name, at); }
    PickleGraph pickle() {
      PickleGraph graph = parse_pickle(source.view(member.begin + at, member.bytes - at), where(), limits);
      at += int64_t(graph.consumed());
      return graph;
    }
    int64_t skip(int64_t bytes) {
      if (bytes < 0 || bytes > member.bytes - at)
        fail("{} is incomplete: {} bytes are needed", where(), bytes);
      at += bytes;
      return member.begin + at - bytes;
    }
    template <class T>
    T number() {
      T value;
      source.read(skip(sizeof value), sizeof value, &value);
      return value;
    }
    void end() const {
      if (at != member.bytes) fail("{}: {} bytes follow", where(), member.bytes - at);
    }
    // A tuple of `count` items.
    std::span<const PickleGraph::Id> tuple(const PickleGraph& graph, PickleGraph::Id id, size_t count) const {
      if (graph.kind(id) != PickleGraph::Kind::tuple || graph.items(id).size() != count)
        fail("{}: a tuple of {} items is expected before it", where(), count);
      return graph.items(id);
    }
  };

  int64_t key(const PickleGraph& graph, PickleGraph::Id reference) const {
    if (graph.kind(reference) == PickleGraph::Kind::integer) return graph.integer(reference);
    const std::string digits(graph.text(reference));
    constexpr size_t kDigits = 18;
    const bool good =
        !digits.empty() && digits.size() <= kDigits && digits.find_first_not_of("0123456789") == digits.npos;
    if (!good) fail("{}: '{}' is not the key of a tensor", source_.name(), quotable(digits));
    return std::stoll(digits);
  }

  const TorchStorage& find(int64_t number, const std::string& where) const {
    const auto found = storages_.find(number);
    if (found == storages_.end()) fail("{}: there is no storage or tensor {}", where, number);
    return found->second;
  }

  void read_storages(Stream stream) {
    const PickleGraph count = stream.pickle();
    for (int64_t left = count.integer(count.root()); left > 0; --left) {
      const PickleGraph graph = stream.pickle();
      const auto items = stream.tuple(graph, graph.root(), 3);  // (key, location, class)
      const TorchType& type = class_type(graph, items[2], "Storage", stream.where());
      const int64_t elements = stream.number<int64_t>(), width = size_of(type.dtype);
      if (elements < 0 || elements > (stream.member.bytes - stream.at) / width)
        fail("{} is incomplete: a storage of {} elements begins there", stream.where(), elements);
      const int64_t begin = stream.skip(elements * width);
      add(graph.integer(items[0]),
          {source_.storage_later(begin, elements * width, source_.alignment_for(type.dtype)), &type},
          stream.where());
    }
    const PickleGraph views = stream.pickle();
    for (const PickleGraph::Id view : views.items(views.root())) {
      const auto items = stream.tuple(views, view, 4);  // (key, key of the whole, offset, elements)
      const TorchStorage whole = find(views.integer(items[1]), stream.where());
      const int64_t width = size_of(whole.type->dtype), all = whole.memory->bytes / width,
                    offset = views.integer(items[2]), elements = views.integer(items[3]);
      if (offset < 0 || elements < 0 || offset > all || elements > all - offset)
        fail("{}: a view of {} elements from {} reaches beyond its storage of {}", stream.where(), elements,
             offset, all);
      add(views.integer(items[0]),
          {source_.part_later(whole.memory, offset * width, elements * width), whole.type}, stream.where());
    }
    stream.end();
  }

  void add(int64_t number, TorchStorage storage, const std::string& where) {
    if (!storages_.emplace(number, std::move(storage)).second)
      fail("{}: storage {} is there twice", where, number);
  }

  void read_tensors(Stream stream) {
    const PickleGraph count = stream.pickle();
    for (int64_t left = count.integer(count.root()); left > 0; --left) {
      const PickleGraph graph = stream.pickle();
      const auto items = stream.tuple(graph, graph.root(), 3);  // (key, key of the storage, class)
      const TorchType& type = class_type(graph, items[2], "Tensor", stream.where());
      const auto rank = stream.number<int32_t>();
      stream.skip(4);  // filler of a C struct
      if (rank < 0 || rank > kMaxRank)
        fail("{}: a tensor has {} dimensions, Kiln holds up to {}", stream.where(), rank, kMaxRank);
      Layout layout;
      for (int32_t d = 0; d < rank; ++d) layout.shape.push_back(stream.number<int64_t>());
      for (int32_t d = 0; d < rank; ++d) layout.strides.push_back(stream.number<int64_t>());
      layout.offset = stream.number<int64_t>();
      const int64_t number = graph.integer(items[0]);
      // A tensor without elements has no storage.
      if (graph.kind(items[1]) == PickleGraph::Kind::none) {
        tensors_.emplace(number, empty({0}, {.dtype = type.dtype, .device = cpu}));
        continue;
      }
      const TorchStorage& from = find(graph.integer(items[1]), stream.where());
      if (from.type->dtype != type.dtype)
        fail("{}: a tensor and its storage are of different types", stream.where());
      check_layout(layout, from.memory->bytes / size_of(type.dtype), stream.where());
      if (!tensors_.emplace(number, from_storage(from.memory, type.dtype, layout)).second)
        fail("{}: tensor {} is there twice", stream.where(), number);
    }
    stream.end();
  }

  const Source& source_;
  std::unordered_map<int64_t, TorchStorage, NumberHash> storages_;
  std::unordered_map<int64_t, Tensor, NumberHash> tensors_;
};

// A member that is one pickle.
PickleGraph whole_pickle(const Source& source, const TarMember& member, const std::string& where,
                         PickleLimits limits) {
  PickleGraph graph = parse_pickle(source.view(member.begin, member.bytes), where, limits);
  if (int64_t(graph.consumed()) != member.bytes)
    fail("{}: {} bytes follow the pickle", where, member.bytes - int64_t(graph.consumed()));
  return graph;
}

}  // namespace

bool is_tar_file(std::string_view head, int64_t) { return is_tar(head); }

Value read_tar_file(const InputFile& file, const ReadOptions& options) {
  const Source source(file, options, true);
  TarMember members[kMembers];
  find_tar_members(source, kNames, members);
  const PickleLimits limits = pickle_limits(options);
  check_byte_order(whole_pickle(source, members[0], source.name() + ", member 'sys_info'", limits), source);
  TarStorages storages(source, members[3], members[2], limits);
  const std::string where = source.name() + ", member 'pickle'";
  const PickleGraph graph = whole_pickle(source, members[1], where, limits);
  return TorchTree(graph, storages, options, where).read();
}

}  // namespace kiln::io
