#include <algorithm>
#include <cstring>

#include <kiln/io/format.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr int64_t kBlock = 512;
constexpr size_t kMarkAt = 257, kSizeAt = 124, kTypeAt = 156, kSumAt = 148, kFieldBytes = 12, kSumBytes = 8;
constexpr size_t kMembers = 4, kExtended = 4;

struct Member {
  int64_t begin = -1, bytes = 0;
};

// The members of PyTorch's archive, by their places in kNames.
constexpr std::string_view kNames[kMembers] = {"sys_info", "pickle", "tensors", "storages"};

int64_t octal(std::string_view field) {
  int64_t value = 0;
  for (const char c : field) {
    if (c == ' ' || c == '\0') continue;
    if (c < '0' || c > '7') return -1;
    value = value << 3 | (c - '0');
  }
  return value;
}

bool has_sum(std::string_view header) {
  int64_t sum = 0;
  for (size_t i = 0; i < header.size(); ++i)
    sum += i >= kSumAt && i < kSumAt + kSumBytes ? ' ' : uint8_t(header[i]);
  return octal(header.substr(kSumAt, kSumBytes)) == sum;
}

void find_members(const Source& source, Member (&members)[kMembers]) {
  size_t extended = 0;
  for (int64_t at = 0; at + kBlock <= source.size();) {
    const std::string_view header = source.view(at, kBlock);
    if (header.find_first_not_of('\0') == header.npos) break;
    const std::string_view name = header.substr(0, header.find('\0'));
    const int64_t bytes = octal(header.substr(kSizeAt, kFieldBytes));
    if (header.substr(kMarkAt, 5) != "ustar" || !has_sum(header))
      fail("{} has a damaged tar header at byte {}", source.name(), at);
    if (bytes < 0 || bytes > source.size() - at - kBlock)
      fail("{} is incomplete: '{}' at byte {} should have {} bytes", source.name(), quotable(name), at,
           bytes);
    const char type = header[kTypeAt];
    if (type == 'x' || type == 'g') {  // times and owners of pax
      if (++extended > kExtended) fail("{} has more than {} extended tar headers", source.name(), kExtended);
    } else {
      const auto* known = std::ranges::find(kNames, name);
      if (known == std::end(kNames) || (type != '0' && type != '\0'))
        fail(
            "{} is a tar archive with the member '{}'; PyTorch's have sys_info, pickle, tensors and storages",
            source.name(), quotable(name));
      Member& member = members[known - kNames];
      if (member.begin >= 0) fail("{} has the member '{}' twice", source.name(), name);
      member = {at + kBlock, bytes};
    }
    at += kBlock + (bytes + kBlock - 1) / kBlock * kBlock;
  }
  for (size_t i = 0; i < kMembers; ++i)
    if (members[i].begin < 0) fail("{} is a tar archive without the member '{}'", source.name(), kNames[i]);
}

class TarStorages : public TorchStorages {
 public:
  TarStorages(const Source& source, const Member& storages, const Member& tensors, PickleLimits limits)
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
    Member member;
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
      add(graph.integer(items[0]), {source_.storage_later(begin, elements * width, width), &type},
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
  }

  const Source& source_;
  std::unordered_map<int64_t, TorchStorage> storages_;
  std::unordered_map<int64_t, Tensor> tensors_;
};

}  // namespace

bool is_tar_file(std::string_view head, int64_t) {
  return head.size() > kMarkAt + 5 && head.substr(kMarkAt, 5) == "ustar";
}

Value read_tar_file(const InputFile& file, const ReadOptions& options) {
  const Source source(file, options, true);
  Member members[kMembers];
  find_members(source, members);
  const PickleLimits limits = pickle_limits(options);
  TarStorages storages(source, members[3], members[2], limits);
  const std::string where = source.name() + ", member 'pickle'";
  const PickleGraph graph = parse_pickle(source.view(members[1].begin, members[1].bytes), where, limits);
  return TorchTree(graph, storages, options, where).read();
}

}  // namespace kiln::io
