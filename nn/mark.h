#pragma once

#include <cstdint>

// How a module finds, in its own memory, parts that NN_MEMBERS does not list: each part carries a word that
// only an object living at that very address has.

namespace kiln::nn::detail {

// The word for an object at that place; high bits make it no address. 0 stands for none.
enum class Part : uint64_t {
  module = 0x9E3779B97F4A7C15,
  any_module = 0xC2B2AE3D27D4EB4F,
  parameter = 0xBF58476D1CE4E5B9,
  buffer = 0x94D049BB133111EB,
};
inline uint64_t mark_at(Part part, uint64_t address) { return address ^ uint64_t(part); }

template <Part part>
class Mark {
 public:
  Mark() : word_(mark_at(part, reinterpret_cast<uintptr_t>(this))) {}
  Mark(const Mark&) : Mark() {}
  Mark& operator=(const Mark&) { return *this; }
  // Written for those who look later, so the compiler must not leave it out.
  ~Mark() { *const_cast<volatile uint64_t*>(&word_) = 0; }

 private:
  uint64_t word_;
};

}  // namespace kiln::nn::detail
