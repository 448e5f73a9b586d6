#pragma once

#include <kiln/nn/module.h>

// Internal, for the sources of nn: what lies in a module's own memory, compared with what NN_MEMBERS lists.

namespace kiln::nn::detail {

class OwnMemory {
 public:
  // Of `module`, which is part of the object there.
  OwnMemory(const Module& module, const void* object, size_t size);

  // Throws when a module, parameter or buffer is in it, also in a std::vector that is, and is not listed.
  // Undefined parameters and what is behind other pointers do not count.
  void check() const;
  // Whether a module that lies in it is a member that is not listed.
  bool forgets(const Module& part) const;
  // `where`: "member", "list with".
  [[noreturn]] void fail_unlisted(const char* where, const std::string& what) const;

 private:
  struct Extent {
    uintptr_t begin, end;
  };
  struct Extents;
  struct Found {
    const Module* module = nullptr;
    const Tensor* tensor = nullptr;
    const char* kind = "";
  };

  Found part_at(uintptr_t address, uint64_t word) const;
  void check_word(uintptr_t address, uint64_t word, const char* where) const;
  void check_list(uintptr_t begin, uintptr_t end, uintptr_t capacity, int depth) const;
  bool is_tiled(const uint64_t* words, size_t count, uintptr_t begin, uintptr_t end, uintptr_t capacity,
                size_t first, Part part) const;
  bool reaches(const Found& found) const;

  const Module& module_;
  uintptr_t begin_, end_;
  std::vector<Extent> listed_;  // in the order of addresses
};

}  // namespace kiln::nn::detail
