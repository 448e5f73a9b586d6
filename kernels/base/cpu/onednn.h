#pragma once

// Internal, for sources only: running oneDNN primitives from a cache.

#include <array>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include <kiln/kernels/base/byte_key.h>
#include <kiln/kernels/base/cpu/onednn_threads.h>
#include <kiln/tensor/device/context.h>

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

// A compiled primitive, ready to run on any pointers. Any number of threads may run one plan.
class Plan {
 public:
  Plan() = default;
  Plan(dnnl::primitive primitive, const dnnl::primitive_desc_base& description,
       std::initializer_list<Argument> arguments);
  // One pointer an argument, in their order.
  void run(CpuContext& ctx, std::initializer_list<void*> data) const;
  explicit operator bool() const { return code_ != nullptr; }

 private:
  static constexpr int kMaxArguments = 5;
  struct Run;   // what one run writes to: memory objects and a stream
  struct Code;  // the primitive, and those of its runs that are idle
  std::shared_ptr<Code> code_;
};

[[noreturn]] void fail_creation(const char* op, const dnnl::error& error);

// A lock that a child of fork() finds open, whatever other threads of its parent did.
std::mutex& plans_mutex();

// What make(key) returned for this key, one for all threads. Beyond kMaxPlans geometries the cache starts
// afresh; what is in use lives on.
template <class Key, class Make>
auto cached(const char* op, const Key& key, Make&& make) {
  constexpr size_t kMaxPlans = 1024;
  using Value = decltype(make(key));
  using Plans = std::unordered_map<Key, std::shared_ptr<const Value>, HashBytes, EqualBytes>;
  static auto* plans = new Plans;  // never destroyed: static objects may compute after it would be
  const std::lock_guard lock(plans_mutex());
  if (const auto found = plans->find(key); found != plans->end()) return found->second;
  try {
    std::shared_ptr<const Value> made = std::make_shared<Value>(make(key));
    if (plans->size() >= kMaxPlans) plans->clear();
    plans->emplace(key, made);
    return made;
  } catch (const dnnl::error& error) {
    fail_creation(op, error);
  }
}

}  // namespace kiln::kernels::onednn
