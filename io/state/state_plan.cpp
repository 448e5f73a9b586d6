#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/state/named_tensors.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln::io {
namespace {

// A tensor of the value and the bytes of its storage that it reaches.
struct Found {
  std::string name;
  Tensor tensor;
  size_t
      storage;  // number of its storage, in order of appearance; SIZE_MAX: it has no elements anywhere (meta)
  int64_t begin, end;
};

class Finder {
 public:
  std::vector<Found> found;

  // In the order of Value::tensors().
  void walk(const Value& value, const std::string& name, size_t depth) {
    if (depth > kMaxDepth) fail("save: the value is nested deeper than {} levels, at '{}'", kMaxDepth, name);
    const auto below = [&](const std::string& key) { return name.empty() ? key : name + "." + key; };
    if (value.is_dict() || value.is_object()) {
      for (const auto& [key, child] : value.entries()) {
        if (!key.is_text() && !key.is_int()) walk(key.value(), below("key"), depth + 1);
        walk(child, below(to_string(key)), depth + 1);
      }
    } else if (value.is_list() || value.is_tuple()) {
      for (size_t i = 0; i < value.size(); ++i)
        walk(value.items()[i], below(fmt::format("{}", i)), depth + 1);
    } else if (value.is_tensor()) {
      add(value.as_tensor(), name);
    }
    if (value.kind() >= Value::Kind::tensor && !value.attributes().is_none())
      walk(value.attributes(), name, depth + 1);
  }

 private:
  void add(const Tensor& tensor, const std::string& name) {
    if (has_no_data(tensor)) return found.push_back({name, tensor, SIZE_MAX, 0, 0});
    check_on_cpu(name, tensor);
    if (tensor.dtype() == DType::complex128 && tensor.dim() == kMaxRank)
      fail("save: '{}' is complex128 with {} dimensions, its pairs need one more than there can be", name,
           kMaxRank);
    const Storage* storage = tensor.impl()->storage.get();
    const int64_t width = size_of(tensor.dtype()), begin = tensor.layout().offset * width;
    found.push_back({name, tensor, numbers_.try_emplace(storage, numbers_.size()).first->second, begin,
                     begin + tensor.layout().span() * width});
  }

  std::unordered_map<const Storage*, size_t> numbers_;
};

bool same_view(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && a.strides() == b.strides() &&
         a.layout().offset == b.layout().offset;
}

class Planner {
 public:
  explicit Planner(std::vector<Found> found) : found_(std::move(found)) { plan_.uses.resize(found_.size()); }

  Plan make(bool align) {
    for (size_t i = 0; i < found_.size(); ++i)
      if (found_[i].storage == SIZE_MAX)
        plan_.uses[i] = {Use::kNoBlock, found_[i].tensor.dtype(), false, found_[i].tensor.layout()};
    for (const std::vector<size_t>& group : groups()) add_block(group);
    name_blocks();
    align ? place_aligned() : place_packed();
    reorder();
    return std::move(plan_);
  }

 private:
  // Tensors whose ranges of one storage overlap, directly or through others.
  std::vector<std::vector<size_t>> groups() const {
    std::vector<size_t> order(found_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::erase_if(order, [&](size_t i) { return found_[i].storage == SIZE_MAX; });
    std::ranges::stable_sort(order, {},
                             [&](size_t i) { return std::pair(found_[i].storage, found_[i].begin); });
    std::vector<std::vector<size_t>> result;
    int64_t end = 0;
    for (const size_t i : order) {
      const Found& next = found_[i];
      const bool joins = !result.empty() && found_[result.back()[0]].storage == next.storage &&
                         next.begin < end && next.end > next.begin;
      if (!joins) result.emplace_back(), end = next.end;
      result.back().push_back(i);
      end = std::max(end, next.end);
    }
    for (auto& group : result) std::ranges::sort(group);
    std::ranges::sort(result, {}, [](const auto& group) { return group[0]; });
    return result;
  }

  void add_block(const std::vector<size_t>& group) {
    const Tensor& first = found_[group[0]].tensor;
    const bool alike =
        std::ranges::all_of(group, [&](size_t i) { return same_view(found_[i].tensor, first); });
    const bool is_block = alike && (first.layout().is_non_overlapping() || first.numel() == 0);
    int64_t begin = 0;
    Block block;
    if (is_block) {
      block.source = first;
      origins_.push_back(group[0]);
    } else {
      const size_t base = base_of(group, &block, &begin);
      origins_.push_back(base);
    }
    block.bytes = block.source.numel() * size_of(block.source.dtype());
    for (const size_t i : group) {
      const Tensor& tensor = found_[i].tensor;
      Use use = {plan_.blocks.size(), tensor.dtype(), !is_block && !same_view(tensor, block.source),
                 tensor.layout()};
      use.layout.offset = (found_[i].begin - begin) / size_of(tensor.dtype());
      plan_.uses[i] = use;
    }
    plan_.blocks.push_back(std::move(block));
  }

  // The block of different views: the one that covers all when it is row-major, else a flat range of memory.
  size_t base_of(const std::vector<size_t>& group, Block* block, int64_t* begin) const {
    int64_t end = 0;
    *begin = INT64_MAX;
    bool one_type = true;
    for (const size_t i : group) {
      *begin = std::min(*begin, found_[i].begin);
      end = std::max(end, found_[i].end);
      one_type = one_type && found_[i].tensor.dtype() == found_[group[0]].tensor.dtype();
    }
    for (const size_t i : group)
      if (one_type && found_[i].begin == *begin && found_[i].end == end && found_[i].tensor.is_contiguous()) {
        block->source = found_[i].tensor;
        return i;
      }
    // Views of several types count from here, so it is a multiple of every element's size.
    constexpr int64_t kWidest = 16;
    if (!one_type) *begin -= *begin % kWidest;
    const DType dtype = one_type ? found_[group[0]].tensor.dtype() : uint8;
    const int64_t width = size_of(dtype);
    block->source = from_storage(found_[group[0]].tensor.impl()->storage, dtype,
                                 {{(end - *begin) / width}, {1}, *begin / width});
    return group[0];
  }

  // Foreign readers know a block by its name: the path of its tensor, made unique.
  void name_blocks() {
    std::unordered_set<std::string, TextHash> taken = {"__metadata__"};
    std::unordered_map<std::string, int, TextHash> copies;  // of a name
    for (size_t i = 0; i < plan_.blocks.size(); ++i) {
      std::string name = found_[origins_[i]].name;
      if (!is_utf8(name))
        for (char& c : name) c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
      if (name.empty()) name = "value";
      if (name.starts_with(kFillerPrefix)) name.insert(0, "_");
      plan_.blocks[i].name = name;
      for (int& copy = copies.try_emplace(name, 1).first->second; !taken.insert(plan_.blocks[i].name).second;)
        plan_.blocks[i].name = fmt::format("{}#{}", name, ++copy);
    }
  }

  int64_t width(size_t i) const { return size_of(plan_.blocks[i].source.dtype()); }
  void place(size_t i) {
    plan_.blocks[i].begin = plan_.bytes;
    plan_.bytes += plan_.blocks[i].bytes;
  }
  void fill_up_to(int64_t multiple) {
    const int64_t missing = (multiple - plan_.bytes % multiple) % multiple;
    if (missing > 0) plan_.fillers.push_back({plan_.bytes, missing});
    plan_.bytes += missing;
  }
  void by_width(std::vector<size_t>& blocks) const {
    std::ranges::stable_sort(blocks, std::ranges::greater(), [&](size_t i) { return width(i); });
  }

  void place_packed() {
    std::vector<size_t> all;
    for (size_t i = 0; i < plan_.blocks.size(); ++i) plan_.blocks[i].bytes == 0 ? place(i) : all.push_back(i);
    by_width(all);
    for (const size_t i : all) place(i);
  }

  // Fillers are avoided: first what ends aligned, then what does not, with small tensors in the gaps.
  void place_aligned() {
    std::vector<size_t> odd, small;
    for (size_t i = 0; i < plan_.blocks.size(); ++i) {
      const int64_t bytes = plan_.blocks[i].bytes;
      if (bytes % kAlignment != 0)
        (bytes < kAlignment ? small : odd).push_back(i);
      else if (bytes == 0)
        place(i);
    }
    for (size_t i = 0; i < plan_.blocks.size(); ++i)
      if (plan_.blocks[i].bytes != 0 && plan_.blocks[i].bytes % kAlignment == 0) place(i);
    by_width(small);
    Waiting waiting;
    for (size_t i = 0; i < small.size(); ++i)
      waiting[{width(small[i]), plan_.blocks[small[i]].bytes}].insert(i);
    for (size_t k = 0; k < odd.size(); ++k) {
      place(odd[k]);
      if (k + 1 == odd.size()) break;
      fill_with(small, waiting);
      fill_up_to(kAlignment);
    }
    std::set<size_t> rest;
    for (auto& [kind, places] : waiting) rest.merge(places);
    for (const size_t i : rest) {
      fill_up_to(width(small[i]));
      place(small[i]);
    }
  }

  // Small blocks that have no place yet, by width and bytes: theirs in the list of all small ones.
  using Waiting = std::map<std::pair<int64_t, int64_t>, std::set<size_t>>;

  // The gap up to the next multiple of 64: once through the list, which is asked by kinds as it may be long.
  void fill_with(const std::vector<size_t>& small, Waiting& waiting) {
    for (size_t from = 0; plan_.bytes % kAlignment != 0;) {
      std::set<size_t>* found = nullptr;
      size_t first = small.size();
      for (auto& [kind, places] : waiting) {
        const auto& [multiple, bytes] = kind;
        if (plan_.bytes % multiple != 0 || plan_.bytes % kAlignment + bytes > kAlignment) continue;
        const auto next = places.lower_bound(from);
        if (next != places.end() && *next < first) first = *next, found = &places;
      }
      if (found == nullptr) return;
      found->erase(first);
      place(small[first]);
      from = first;
    }
  }

  void reorder() {
    std::vector<size_t> order(plan_.blocks.size()), place_of(order.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(
        order, {}, [&](size_t i) { return std::pair(plan_.blocks[i].begin, plan_.blocks[i].bytes); });
    std::vector<Block> blocks;
    for (size_t i = 0; i < order.size(); ++i) {
      place_of[order[i]] = i;
      blocks.push_back(std::move(plan_.blocks[order[i]]));
    }
    plan_.blocks = std::move(blocks);
    for (Use& use : plan_.uses)
      if (use.block != Use::kNoBlock) use.block = place_of[use.block];
  }

  std::vector<Found> found_;
  std::vector<size_t> origins_;  // of each block: the tensor that gives the name
  Plan plan_;
};

}  // namespace

Plan plan_blocks(const Value& value, const SaveOptions& options) {
  Finder finder;
  finder.walk(value, "", 0);
  return Planner(std::move(finder.found)).make(options.align);
}

}  // namespace kiln::io
