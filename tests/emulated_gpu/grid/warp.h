#pragma once

// Barriers and warp collectives under CUDA's names. Each takes the place of its call, so that code whose
// threads part is told by its lines.

#include "bits.h"
#include "device_code.h"

namespace kiln::emulated {

inline unsigned lane() { return current_thread->lane; }

// What a lane gets from `source`, or its own value where that lies outside of its segment of `width` lanes.
template <class T>
T shuffle(unsigned mask, T value, int source, bool inside, Location where) {
  if constexpr (sizeof(T) <= 8)
    return from_bits<T>(
        warp_operation(WarpOp::shuffle, mask, to_bits(value), inside ? source : int(lane()), where));
  else
    static_assert(sizeof(T) <= 8, "shuffles move at most 8 bytes");
}
inline int segment(int width) { return int(lane()) & ~(width - 1); }

template <class T>
struct WarpShare {
  T value;
  T result;
};

// All lanes get op over the values of the mask's lanes.
template <class T, class Op>
T warp_reduce(unsigned mask, T value, Op, Location where) {
  WarpShare<T> mine{value, value};
  warp_collective(
      mask, &mine,
      [](void* lanes[32]) {
        bool first = true;
        T total{};
        for (int i = 0; i < 32; ++i)
          if (lanes[i]) {
            const T x = static_cast<WarpShare<T>*>(lanes[i])->value;
            total = first ? x : Op{}(total, x);
            first = false;
          }
        for (int i = 0; i < 32; ++i)
          if (lanes[i]) static_cast<WarpShare<T>*>(lanes[i])->result = total;
      },
      where);
  return mine.result;
}

using Here = Location;

}  // namespace kiln::emulated

inline void __syncthreads(kiln::emulated::Here where = kiln::emulated::Here::current()) {
  kiln::emulated::barrier(kiln::emulated::Barrier::sync, 0, where);
}
inline int __syncthreads_count(int predicate, kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::barrier(kiln::emulated::Barrier::count, predicate, where);
}
inline int __syncthreads_and(int predicate, kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::barrier(kiln::emulated::Barrier::all, predicate, where);
}
inline int __syncthreads_or(int predicate, kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::barrier(kiln::emulated::Barrier::any, predicate, where);
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       kiln::emulated::Here where = kiln::emulated::Here::current()) {
  kiln::emulated::warp_operation(kiln::emulated::WarpOp::sync, mask, 0, 0, where);
}
inline unsigned __activemask() { return kiln::emulated::active_lanes(); }

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::shuffle(mask, value, kiln::emulated::segment(width) | (source & (width - 1)), true,
                                 where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 kiln::emulated::Here where = kiln::emulated::Here::current()) {
  const int source = int(kiln::emulated::lane()) - int(delta);
  return kiln::emulated::shuffle(mask, value, source, source >= kiln::emulated::segment(width), where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   kiln::emulated::Here where = kiln::emulated::Here::current()) {
  const int source = int(kiln::emulated::lane()) + int(delta);
  return kiln::emulated::shuffle(mask, value, source, source < kiln::emulated::segment(width) + width, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  kiln::emulated::Here where = kiln::emulated::Here::current()) {
  const int source = int(kiln::emulated::lane()) ^ bits;
  return kiln::emulated::shuffle(mask, value, source, source < kiln::emulated::segment(width) + width, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return unsigned(
      kiln::emulated::warp_operation(kiln::emulated::WarpOp::ballot, mask, predicate != 0, 0, where));
}
inline int __any_sync(unsigned mask, int predicate,
                      kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value,
                          kiln::emulated::Here where = kiln::emulated::Here::current()) {
  const uint64_t bits = kiln::emulated::to_bits(value);
  return unsigned(kiln::emulated::warp_operation(kiln::emulated::WarpOp::match, mask, bits, 0, where));
}

// For int and unsigned, on sm_80 and later.
template <class T>
T __reduce_add_sync(unsigned mask, T value, kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::warp_reduce(
      mask, value, [](T a, T b) { return T(a + b); }, where);
}
template <class T>
T __reduce_max_sync(unsigned mask, T value, kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::warp_reduce(
      mask, value, [](T a, T b) { return a < b ? b : a; }, where);
}
template <class T>
T __reduce_min_sync(unsigned mask, T value, kiln::emulated::Here where = kiln::emulated::Here::current()) {
  return kiln::emulated::warp_reduce(
      mask, value, [](T a, T b) { return b < a ? b : a; }, where);
}
