#include <cstddef>
#include <cstdint>

#include "sanitizer.h"

// The calls that -fsanitize=thread puts into code, under the names that GCC gives them.

using kiln::emulated::check;

namespace {

template <class T>
T* plain(const volatile T* p) {
  return const_cast<T*>(p);
}

}  // namespace

extern "C" {

void __tsan_init() { kiln::emulated::install_sanitizer(); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

void __tsan_read1(void* p) { check(p, 1, false, false, __builtin_return_address(0)); }
void __tsan_write1(void* p) { check(p, 1, true, false, __builtin_return_address(0)); }
void __tsan_volatile_read1(void* p) { check(p, 1, false, false, __builtin_return_address(0)); }
void __tsan_volatile_write1(void* p) { check(p, 1, true, false, __builtin_return_address(0)); }
void __tsan_read2(void* p) { check(p, 2, false, false, __builtin_return_address(0)); }
void __tsan_write2(void* p) { check(p, 2, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_read2(void* p) { check(p, 2, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_write2(void* p) { check(p, 2, true, false, __builtin_return_address(0)); }
void __tsan_volatile_read2(void* p) { check(p, 2, false, false, __builtin_return_address(0)); }
void __tsan_volatile_write2(void* p) { check(p, 2, true, false, __builtin_return_address(0)); }
void __tsan_read4(void* p) { check(p, 4, false, false, __builtin_return_address(0)); }
void __tsan_write4(void* p) { check(p, 4, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_read4(void* p) { check(p, 4, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_write4(void* p) { check(p, 4, true, false, __builtin_return_address(0)); }
void __tsan_volatile_read4(void* p) { check(p, 4, false, false, __builtin_return_address(0)); }
void __tsan_volatile_write4(void* p) { check(p, 4, true, false, __builtin_return_address(0)); }
void __tsan_read8(void* p) { check(p, 8, false, false, __builtin_return_address(0)); }
void __tsan_write8(void* p) { check(p, 8, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_read8(void* p) { check(p, 8, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_write8(void* p) { check(p, 8, true, false, __builtin_return_address(0)); }
void __tsan_volatile_read8(void* p) { check(p, 8, false, false, __builtin_return_address(0)); }
void __tsan_volatile_write8(void* p) { check(p, 8, true, false, __builtin_return_address(0)); }
void __tsan_read16(void* p) { check(p, 16, false, false, __builtin_return_address(0)); }
void __tsan_write16(void* p) { check(p, 16, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_read16(void* p) { check(p, 16, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_write16(void* p) { check(p, 16, true, false, __builtin_return_address(0)); }
void __tsan_volatile_read16(void* p) { check(p, 16, false, false, __builtin_return_address(0)); }
void __tsan_volatile_write16(void* p) { check(p, 16, true, false, __builtin_return_address(0)); }

void __tsan_read_range(void* p, size_t bytes) { check(p, bytes, false, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t bytes) { check(p, bytes, true, false, __builtin_return_address(0)); }

uint8_t __tsan_atomic8_load(const volatile uint8_t* p, int) {
  check(plain(p), sizeof *p, false, true, __builtin_return_address(0));
  return __atomic_load_n(p, __ATOMIC_RELAXED);
}
void __tsan_atomic8_store(volatile uint8_t* p, uint8_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  __atomic_store_n(p, v, __ATOMIC_RELAXED);
}
uint8_t __tsan_atomic8_exchange(volatile uint8_t* p, uint8_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);
}
uint8_t __tsan_atomic8_fetch_add(volatile uint8_t* p, uint8_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
uint8_t __tsan_atomic8_fetch_sub(volatile uint8_t* p, uint8_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED);
}
int __tsan_atomic8_compare_exchange_strong(volatile uint8_t* p, uint8_t* expected, uint8_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
int __tsan_atomic8_compare_exchange_weak(volatile uint8_t* p, uint8_t* expected, uint8_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint16_t __tsan_atomic16_load(const volatile uint16_t* p, int) {
  check(plain(p), sizeof *p, false, true, __builtin_return_address(0));
  return __atomic_load_n(p, __ATOMIC_RELAXED);
}
void __tsan_atomic16_store(volatile uint16_t* p, uint16_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  __atomic_store_n(p, v, __ATOMIC_RELAXED);
}
uint16_t __tsan_atomic16_exchange(volatile uint16_t* p, uint16_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);
}
uint16_t __tsan_atomic16_fetch_add(volatile uint16_t* p, uint16_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
uint16_t __tsan_atomic16_fetch_sub(volatile uint16_t* p, uint16_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED);
}
int __tsan_atomic16_compare_exchange_strong(volatile uint16_t* p, uint16_t* expected, uint16_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
int __tsan_atomic16_compare_exchange_weak(volatile uint16_t* p, uint16_t* expected, uint16_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint32_t __tsan_atomic32_load(const volatile uint32_t* p, int) {
  check(plain(p), sizeof *p, false, true, __builtin_return_address(0));
  return __atomic_load_n(p, __ATOMIC_RELAXED);
}
void __tsan_atomic32_store(volatile uint32_t* p, uint32_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  __atomic_store_n(p, v, __ATOMIC_RELAXED);
}
uint32_t __tsan_atomic32_exchange(volatile uint32_t* p, uint32_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);
}
uint32_t __tsan_atomic32_fetch_add(volatile uint32_t* p, uint32_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
uint32_t __tsan_atomic32_fetch_sub(volatile uint32_t* p, uint32_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED);
}
int __tsan_atomic32_compare_exchange_strong(volatile uint32_t* p, uint32_t* expected, uint32_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
int __tsan_atomic32_compare_exchange_weak(volatile uint32_t* p, uint32_t* expected, uint32_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint64_t __tsan_atomic64_load(const volatile uint64_t* p, int) {
  check(plain(p), sizeof *p, false, true, __builtin_return_address(0));
  return __atomic_load_n(p, __ATOMIC_RELAXED);
}
void __tsan_atomic64_store(volatile uint64_t* p, uint64_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  __atomic_store_n(p, v, __ATOMIC_RELAXED);
}
uint64_t __tsan_atomic64_exchange(volatile uint64_t* p, uint64_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);
}
uint64_t __tsan_atomic64_fetch_add(volatile uint64_t* p, uint64_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
uint64_t __tsan_atomic64_fetch_sub(volatile uint64_t* p, uint64_t v, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED);
}
int __tsan_atomic64_compare_exchange_strong(volatile uint64_t* p, uint64_t* expected, uint64_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
int __tsan_atomic64_compare_exchange_weak(volatile uint64_t* p, uint64_t* expected, uint64_t v, int, int) {
  check(plain(p), sizeof *p, true, true, __builtin_return_address(0));
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
}
