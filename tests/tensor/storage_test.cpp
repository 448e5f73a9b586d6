#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <thread>

#include <kiln/tensor/cpu/allocator.h>
#include <support/check_op.h>

using namespace kiln;
using test::expect_error;

TEST_CASE("half types convert exactly where they can and round to even") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {  // every value survives the way to float and back
    Half h;
    h.bits = uint16_t(bits);
    BFloat16 b;
    b.bits = uint16_t(bits);
    if (std::isnan(float(h)))
      CHECK(std::isnan(float(Half(float(h)))));
    else
      CHECK(Half(float(h)).bits == h.bits);
    if (std::isnan(float(b)))
      CHECK(std::isnan(float(BFloat16(float(b)))));
    else
      CHECK(BFloat16(float(b)).bits == b.bits);
  }
  CHECK(float(Half(65519.0f)) == 65504.0f);
  CHECK(std::isinf(float(Half(65520.0f))));
  CHECK(float(Half(1.0f + 0x1p-11f)) == 1.0f);                // a tie: to even, down
  CHECK(float(Half(1.0f + 3 * 0x1p-11f)) == 1.0f + 0x1p-9f);  // a tie: to even, up
  CHECK(float(Half(0x1p-25f)) == 0.0f);
  CHECK(float(Half(-0x1.8p-25f)) == -0x1p-24f);
  CHECK(float(BFloat16(1.0f + 0x1p-8f)) == 1.0f);
  CHECK(float(BFloat16(1.0f + 3 * 0x1p-8f)) == 1.0f + 0x1p-6f);
  CHECK(std::isinf(float(BFloat16(std::numeric_limits<float>::max()))));
}

TEST_CASE("freed blocks are handed out again") {
  host::empty_cache();
  for (const int64_t bytes : {0, 1, 64, 100, 4096, 70000, 3 << 20}) {
    void* first = host::allocate(bytes);
    CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0);
    host::release(first, bytes);
    const int64_t before = host::memory_statistics().system_allocations;
    void* second = host::allocate(bytes);
    CHECK(second == first);
    CHECK(host::memory_statistics().system_allocations == before);
    host::release(second, bytes);
  }
  host::empty_cache();
}

TEST_CASE("every size has a block that is large enough and at most a quarter larger") {
  host::empty_cache();
  const int64_t base = host::memory_statistics().held_bytes;
  for (int64_t bytes = 64; bytes < 5'000'000; bytes = bytes * 9 / 8 + 1) {
    void* block = host::allocate(bytes);
    const int64_t held = host::memory_statistics().held_bytes - base;
    CHECK(held >= bytes);
    CHECK(held <= bytes * 5 / 4 + 64);
    host::release(block, bytes);
    host::empty_cache();
  }
  CHECK(host::memory_statistics().held_bytes == base);
}

TEST_CASE("sizes that vary hold little more than the largest needs") {
  constexpr int64_t kLargest = 32, kUnit = 300'000;
  host::empty_cache();
  const int64_t base = host::memory_statistics().held_bytes;
  int64_t asked = 0;
  for (int round = 0; round < 3; ++round) {
    asked = host::memory_statistics().system_allocations;
    for (int64_t rows = kLargest; rows > 0; --rows) {
      void* first = host::allocate(rows * kUnit);
      void* second = host::allocate(rows * kUnit);
      static_cast<char*>(first)[rows * kUnit - 1] = 1;
      host::release(second, rows * kUnit);
      host::release(first, rows * kUnit);
    }
    CHECK(host::memory_statistics().held_bytes - base <= 2 * 3 * kLargest * kUnit);
  }
  CHECK(host::memory_statistics().system_allocations == asked);
  host::empty_cache();
  CHECK(host::memory_statistics().held_bytes == base);
}

TEST_CASE("blocks may be freed by another thread") {
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks;
    std::thread([&] {
      for (int i = 0; i < 200; ++i) blocks.push_back(host::allocate(256));
    }).join();
    for (void* block : blocks) host::release(block, 256);
  }
  expect_error("is not a possible size", [] { host::allocate(-1); });
}

TEST_CASE("a tensor refuses the wrong type and layouts beyond its storage") {
  const Tensor x = tensor({1.f, 2.f});
  expect_error("data: the tensor holds float32, int64 was asked for", [&] { x.data<int64_t>(); });
  expect_error("item: needs a tensor with one element, x has shape [2]", [&] { x.item<float>(); });
  expect_error("reaches beyond a storage of 2 elements", [&] {
    from_storage(x.impl()->storage, float32, {{2}, {2}, 0});
  });
  expect_error("shape [3] needs 3 values, 2 were given", [] { from_values(std::vector<float>{1, 2}, {3}); });
  expect_error("equal lengths", [] { tensor({{1.f, 2.f}, {3.f}}); });
  expect_error("the tensor is undefined", [] { Tensor().item<float>(); });
}

TEST_CASE("adopted memory is released with the last tensor") {
  static int released;
  released = 0;
  static float values[4] = {1, 2, 3, 4};
  {
    Tensor x = from_storage(Storage::adopt(values, sizeof values, cpu, nullptr, [](void*) { ++released; }),
                            float32, Layout::contiguous({2, 2}));
    const Tensor row = x[1];
    x = {};
    CHECK(row.to_vector<float>() == std::vector<float>{3, 4});
    CHECK(released == 0);
  }
  CHECK(released == 1);
}

TEST_CASE("Philox gives the numbers of its authors' test vectors") {
  // Random123, kat_vectors: philox4x32 10.
  const PhiloxBlock zero = philox(0, 0);
  CHECK(zero.words[0] == 0x6627e8d5u);
  CHECK(zero.words[1] == 0xe169c58du);
  CHECK(zero.words[2] == 0xbc57ac4cu);
  CHECK(zero.words[3] == 0x9b00dbd8u);
  Generator a(7), b(7);
  const uint64_t first = a.next();
  CHECK(a.next() != first);
  CHECK(b.next() == first);
  b.set_state(a.state());
  CHECK(a.next() == b.next());
}
