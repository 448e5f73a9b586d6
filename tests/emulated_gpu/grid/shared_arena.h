#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln::emulated {

// A block's shared memory: the dynamic part first, then an object a tag, with red zones between.
class SharedArena {
 public:
  // Forgets the objects of the block before; tells the sanitizer of the new one.
  void begin(size_t dynamic_bytes, uint64_t block, unsigned threads);
  void* dynamic() { return memory_.data(); }
  // Null when the static part would exceed its limit.
  void* object(const void* tag, size_t bytes, size_t alignment);
  const char* data() const { return memory_.data(); }
  size_t bytes() const { return memory_.size(); }
  size_t static_bytes() const { return static_bytes_; }

 private:
  struct Slot {
    const void* tag;
    size_t offset;
  };
  void open(size_t offset, size_t bytes);

  std::vector<char> memory_;
  std::vector<Slot> slots_;  // few: searched in a row
  size_t used_ = 0, static_bytes_ = 0;
};

}  // namespace kiln::emulated
