#include <kiln/nn/own_memory.h>

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include <kiln/nn/any_module.h>
#include <kiln/nn/members.h>
#include <kiln/tensor/base/fail.h>

// Words of memory may be addresses. NOLINTBEGIN(performance-no-int-to-ptr)
namespace kiln::nn::detail {

namespace {

constexpr uintptr_t kWord = sizeof(uint64_t);
// Of a list only so much is looked at: its elements are of one type.
constexpr size_t kWordsOfList = 32768;
// Vectors of vectors, so deep.
constexpr int kDeepestList = 4;

// A word of an object of any type; other threads may write to parts that are theirs.
__attribute__((no_sanitize("address", "thread"))) uint64_t word_at(uintptr_t address) {
  uint64_t word = 0;
  __builtin_memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
  return word;
}

// Memory at a number that need not be an address. Returns how many words there are.
size_t read_words(uintptr_t address, uint64_t* words, size_t count) {
  const iovec to{words, count * kWord};
  const iovec from{reinterpret_cast<void*>(address), count * kWord};
  const ssize_t bytes = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
  return bytes < 0 ? 0 : size_t(bytes) / kWord;
}

// As the three pointers of a std::vector that holds something.
bool is_like_vector(uint64_t begin, uint64_t end, uint64_t capacity) {
  constexpr uint64_t kLowest = 0x10000, kHighest = uint64_t(1) << 56, kLongest = uint64_t(1) << 40;
  return begin >= kLowest && capacity < kHighest && begin < end && end <= capacity &&
         capacity - begin < kLongest && (begin | end | capacity) % kWord == 0;
}

constexpr Part kParts[] = {Part::module, Part::any_module, Part::parameter, Part::buffer};

// The part that is marked by the word at that address.
std::optional<Part> marked(uintptr_t address, uint64_t word) {
  for (const Part part : kParts)
    if (word == mark_at(part, address)) return part;
  return std::nullopt;
}

// Pointers to neighbours, in their order, look like a vector's: but what the second one points to lives.
bool lives_beyond(uintptr_t end, uintptr_t offset, Part part) {
  uint64_t word = 0;
  return read_words(end + offset, &word, 1) == 1 && word == mark_at(part, end + offset);
}

// Whether the allocator gave out that memory as one piece, by the size that glibc keeps before it. Other
// allocators keep something else there.
bool is_one_piece(uintptr_t begin, uintptr_t capacity) {
  constexpr uint64_t kUnit = 16, kLeast = 32, kFlags = 7, kMapped = 2, kPage = 4096;
  uint64_t word = 0;
  if (read_words(begin - kWord, &word, 1) != 1) return false;
  const uint64_t size = word & ~kFlags;
  const uint64_t needed = std::max(kLeast, (capacity - begin + kWord + kUnit - 1) / kUnit * kUnit);
  return size >= needed && size - needed <= ((word & kMapped) != 0 ? 2 * kPage : kUnit);
}

}  // namespace

struct OwnMemory::Extents final : MemberVisitor {
  std::vector<Extent> found;
  void extent(const void* begin, size_t size) override {
    const auto address = reinterpret_cast<uintptr_t>(begin);
    found.push_back({address, address + size});
  }
};

OwnMemory::OwnMemory(const Module& module, const void* object, size_t size)
    : module_(module), begin_(reinterpret_cast<uintptr_t>(object)), end_(begin_ + size) {
  Extents extents;
  extents.extent(&module, sizeof module);
  visitable(module).visit_members(extents);
  listed_ = std::move(extents.found);
  std::sort(listed_.begin(), listed_.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
}

// The part whose mark is the word at that address.
OwnMemory::Found OwnMemory::part_at(uintptr_t address, uint64_t word) const {
  static const AnyModule an_any_module{};
  static const Parameter a_parameter{};
  static const Buffer a_buffer{};
  const auto offset = [](const auto& object, const auto& mark) {
    return uintptr_t(&mark) - uintptr_t(&object);
  };
  Found found;
  if (word == mark_at(Part::module, address)) {
    found.module = reinterpret_cast<const Module*>(address - offset(module_, module_.mark_));
  } else if (word == mark_at(Part::any_module, address)) {
    const auto* any =
        reinterpret_cast<const AnyModule*>(address - offset(an_any_module, an_any_module.mark_));
    if (!any->empty()) found.module = &any->module();
  } else if (word == mark_at(Part::parameter, address)) {
    found.tensor = reinterpret_cast<const Parameter*>(address - offset(a_parameter, a_parameter.mark_));
    found.kind = "Parameter";
  } else if (word == mark_at(Part::buffer, address)) {
    found.tensor = reinterpret_cast<const Buffer*>(address - offset(a_buffer, a_buffer.mark_));
    found.kind = "Buffer";
  }
  if (found.tensor != nullptr && !found.tensor->defined()) found.tensor = nullptr;
  return found;
}

// Classes that visit in their own way may tell of no extents.
bool OwnMemory::reaches(const Found& found) const {
  bool reached = false;
  walk(visitable(module_), "", [&](const std::string&, Module& module, const Members& members) {
    reached |= &module == found.module;
    for (const auto& member : members.parameters) reached |= member.value == found.tensor;
    for (const auto& member : members.buffers) reached |= member.value == found.tensor;
  });
  return reached;
}

void OwnMemory::check_word(uintptr_t address, uint64_t word, const char* where) const {
  const Found found = part_at(address, word);
  if ((found.module == nullptr && found.tensor == nullptr) || reaches(found)) return;
  fail_unlisted(where, found.module != nullptr ? to_string(*found.module)
                                               : fmt::format("{} {}", found.kind, found.tensor->shape()));
}

// Whether the list is parts of that kind and nothing else, one after the other.
bool OwnMemory::is_tiled(const uint64_t* words, size_t count, uintptr_t begin, uintptr_t end,
                         uintptr_t capacity, size_t first, Part part) const {
  const uintptr_t offset = first * kWord;
  size_t size = part == Part::parameter ? sizeof(Parameter)
                : part == Part::buffer  ? sizeof(Buffer)
                                        : sizeof(AnyModule);
  uintptr_t mark = part == Part::buffer ? sizeof(Buffer) - kWord : kWord;
  if (part == Part::module) {
    const Module& module = *part_at(begin + offset, words[first]).module;
    size = module.listing_size();
    mark = uintptr_t(&module.mark_) - uintptr_t(&module);
  }
  if (offset != mark || size == 0 || (end - begin) % size != 0 || (capacity - begin) % size != 0)
    return false;
  for (size_t i = first; i < count; i += size / kWord)
    if (words[i] != mark_at(part, begin + i * kWord)) return false;
  return true;
}

void OwnMemory::check_list(uintptr_t begin, uintptr_t end, uintptr_t capacity, int depth) const {
  std::vector<uint64_t> memory(std::min<size_t>(kWordsOfList, (end - begin) / kWord));
  uint64_t* const words = memory.data();
  const size_t count = read_words(begin, words, memory.size());
  const bool one_piece = is_one_piece(begin, capacity);
  bool first = true;
  for (size_t i = 0; i < count; ++i) {
    const uintptr_t offset = i * kWord;
    if (const std::optional<Part> part = marked(begin + offset, words[i])) {
      if (first && !one_piece && !is_tiled(words, count, begin, end, capacity, i, *part)) return;
      if (first && lives_beyond(end, offset, *part)) return;
      first = false;
      check_word(begin + offset, words[i], "list with");
    }
    if (one_piece && depth < kDeepestList && i + 2 < count &&
        is_like_vector(words[i], words[i + 1], words[i + 2]))
      check_list(words[i], words[i + 1], words[i + 2], depth + 1);
  }
}

void OwnMemory::check() const {
  auto listed = listed_.begin();
  for (uintptr_t address = (begin_ + kWord - 1) / kWord * kWord; address + kWord <= end_; address += kWord) {
    while (listed != listed_.end() && listed->end <= address) ++listed;
    if (listed != listed_.end() && listed->begin <= address) continue;
    const uint64_t word = word_at(address);
    check_word(address, word, "member");
    if (address + 3 * kWord > end_) continue;
    const uint64_t next = word_at(address + kWord), last = word_at(address + 2 * kWord);
    if (is_like_vector(word, next, last)) check_list(word, next, last, 0);
  }
}

bool OwnMemory::forgets(const Module& part) const {
  const auto address = reinterpret_cast<uintptr_t>(&part);
  if (address < begin_ || address >= end_ || &part == &module_) return false;
  for (const Extent& extent : listed_)
    if (address >= extent.begin && address < extent.end) return false;
  return !reaches({.module = &part});
}

void OwnMemory::fail_unlisted(const char* where, const std::string& what) const {
  fail("{}: its {} {} is not listed in NN_MEMBERS, so it would not be trained or saved; add it there",
       module_.type_name(), where, what);
}

}  // namespace kiln::nn::detail
// NOLINTEND(performance-no-int-to-ptr)
