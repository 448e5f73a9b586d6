#include <kiln/kernels/base/cpu/onednn.h>

#include <pthread.h>

#include <utility>
#include <vector>

#include <kiln/kernels/base/cpu/onednn_threads.h>
#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/base/primitives.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::kernels {
namespace onednn {
const dnnl::engine& engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

bool multiplies_bfloat16() {
  static const bool yes = [] {
    constexpr int wanted = int(dnnl::cpu_isa::avx512_core_bf16);
    return (int(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
  }();
  return yes;
}

memory::data_type data_type_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return memory::data_type::f32;
    case DType::bfloat16:
      return memory::data_type::bf16;
    default:
      fail("onednn: {} has no counterpart", dtype);
  }
}

memory::desc describe(std::initializer_list<int64_t> sizes, DType dtype,
                      std::initializer_list<int64_t> strides) {
  return memory::desc(memory::dims(sizes), data_type_of(dtype), memory::dims(strides));
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

struct Plan::Run {
  std::array<memory, kMaxArguments> memories;
  std::array<dnnl_exec_arg_t, kMaxArguments> arguments{};
  dnnl::stream stream{engine()};
};

struct Plan::Code {
  dnnl::primitive primitive;
  std::array<Argument, kMaxArguments> arguments;
  int count = 0;
  int64_t scratch_bytes = 0;
  std::vector<std::unique_ptr<Run>> idle;  // as many as ever ran at once

  void add(const Argument& argument) { arguments[size_t(count++)] = argument; }

  std::unique_ptr<Run> take() {
    {
      const std::lock_guard lock(plans_mutex());
      if (!idle.empty()) {
        std::unique_ptr<Run> run = std::move(idle.back());
        idle.pop_back();
        return run;
      }
    }
    auto run = std::make_unique<Run>();
    for (size_t i = 0; i < size_t(count); ++i) {
      run->memories[i] = memory(arguments[i].desc, engine(), DNNL_MEMORY_NONE);
      run->arguments[i] = {arguments[i].index, run->memories[i].get()};
    }
    return run;
  }
  void put(std::unique_ptr<Run> run) {
    const std::lock_guard lock(plans_mutex());
    idle.push_back(std::move(run));
  }
};

Plan::Plan(dnnl::primitive primitive, const dnnl::primitive_desc_base& description,
           std::initializer_list<Argument> arguments)
    : code_(std::make_shared<Code>()) {
  code_->primitive = std::move(primitive);
  for (const Argument& argument : arguments) code_->add(argument);
  const memory::desc scratchpad = description.scratchpad_desc();
  code_->scratch_bytes = int64_t(scratchpad.get_size());
  if (code_->scratch_bytes != 0) code_->add({DNNL_ARG_SCRATCHPAD, scratchpad});
  note_primitive();
}

void Plan::run(CpuContext& ctx, std::initializer_list<void*> data) const {
  const ThreadsScope threads(ctx);
  const cpu::Scratch<std::byte> scratch(code_->scratch_bytes);
  std::unique_ptr<Run> run = code_->take();
  size_t i = 0;
  for (void* pointer : data) run->memories[i++].set_data_handle(pointer);
  if (code_->scratch_bytes != 0) run->memories[i].set_data_handle(scratch.data());
  const dnnl_status_t status =
      dnnl_primitive_execute(code_->primitive.get(), run->stream.get(), code_->count, run->arguments.data());
  code_->put(std::move(run));
  if (status != dnnl_success) fail("onednn: a primitive failed with status {}", int(status));
}

std::mutex& plans_mutex() {
  static auto* mutex = [] {
    pthread_atfork([] { plans_mutex().lock(); }, [] { plans_mutex().unlock(); },
                   [] { plans_mutex().unlock(); });
    return new std::mutex;
  }();
  return *mutex;
}

void fail_creation(const char* op, const dnnl::error& error) {
  fail("{}: oneDNN has no implementation for this geometry (status {}: {})", op, int(error.status),
       error.what());
}

}  // namespace onednn
}  // namespace kiln::kernels
