#pragma once

// For sources only: running oneDNN primitives from a cache.

#include <array>
#include <initializer_list>
#include <memory>
#include <span>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include <kiln/kernels/base/byte_key.h>
#include <kiln/tensor/context.h>

namespace kiln::kernels::onednn {

using dnnl::memory;

const dnnl::engine& engine();
// Whether the processor multiplies bfloat16.
bool multiplies_bfloat16();
memory::data_type data_type_of(DType dtype);
memory::desc describe(std::initializer_list<int64_t> sizes, DType dtype,
                      std::initializer_list<int64_t> strides);
// Scratch memory comes from our allocator.
dnnl::primitive_attr user_scratchpad();

struct Argument {
  int index;  // DNNL_ARG_...
  memory::desc desc;
};

// A compiled primitive with its memory objects, ready to run on other pointers.
class Plan {
 public:
  Plan() = default;
  Plan(dnnl::primitive primitive, const dnnl::primitive_desc_base& description,
       std::initializer_list<Argument> arguments);
  // One pointer an argument, in their order.
  void run(CpuContext& ctx, std::initializer_list<void*> data);
  explicit operator bool() const { return bool(primitive_); }

 private:
  static constexpr int kMaxArguments = 5;
  dnnl::primitive primitive_;
  std::array<memory, kMaxArguments> memories_;
  std::array<dnnl_exec_arg_t, kMaxArguments> arguments_{};
  int count_ = 0;
  int64_t scratch_bytes_ = 0;
};

// Creation and execution ask OpenMP how many threads there are: while it lives the answer is ctx.threads.
class ThreadsScope {
 public:
  explicit ThreadsScope(const CpuContext& ctx);
  ~ThreadsScope();
  ThreadsScope(const ThreadsScope&) = delete;

 private:
  int before_, now_;
};

[[noreturn]] void fail_creation(const char* op, const dnnl::error& error);

// What make(key) returned for this key. Each thread has its own cache, so that memory objects need no lock;
// oneDNN shares the code behind them. Beyond kMaxPlans geometries the cache starts afresh.
template <class Key, class Make>
auto& cached(const char* op, const Key& key, Make&& make) {
  constexpr size_t kMaxPlans = 1024;
  using Value = decltype(make(key));
  thread_local std::unordered_map<Key, std::unique_ptr<Value>, HashBytes, EqualBytes> plans;
  if (const auto found = plans.find(key); found != plans.end()) return *found->second;
  if (plans.size() >= kMaxPlans) plans.clear();
  try {
    return *(plans[key] = std::make_unique<Value>(make(key)));
  } catch (const dnnl::error& error) {
    plans.erase(key);
    fail_creation(op, error);
  }
}

}  // namespace kiln::kernels::onednn
