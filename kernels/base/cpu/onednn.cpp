#include <kiln/kernels/base/cpu/onednn.h>

#include <omp.h>

#include <kiln/kernels/base/cpu/scratch.h>
#include <kiln/kernels/base/primitives.h>
#include <kiln/tensor/fail.h>

namespace kiln::kernels {
namespace onednn {
namespace {

dnnl::stream& stream() {
  thread_local dnnl::stream stream(engine());
  return stream;
}

}  // namespace

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

Plan::Plan(dnnl::primitive primitive, const dnnl::primitive_desc_base& description,
           std::initializer_list<Argument> arguments)
    : primitive_(std::move(primitive)) {
  const auto add = [this](int index, const memory::desc& desc) {
    memories_[size_t(count_)] = memory(desc, engine(), DNNL_MEMORY_NONE);
    arguments_[size_t(count_)] = {index, memories_[size_t(count_)].get()};
    ++count_;
  };
  for (const Argument& argument : arguments) add(argument.index, argument.desc);
  const memory::desc scratchpad = description.scratchpad_desc();
  scratch_bytes_ = int64_t(scratchpad.get_size());
  if (scratch_bytes_ != 0) add(DNNL_ARG_SCRATCHPAD, scratchpad);
  note_primitive();
}

void Plan::run(CpuContext& ctx, std::initializer_list<void*> data) {
  const ThreadsScope threads(ctx);
  const cpu::Scratch<std::byte> scratch(scratch_bytes_);
  size_t i = 0;
  for (void* pointer : data) memories_[i++].set_data_handle(pointer);
  if (scratch_bytes_ != 0) memories_[i].set_data_handle(scratch.data());
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive_.get(), stream().get(), count_, arguments_.data());
  if (status != dnnl_success) fail("onednn: a primitive failed with status {}", int(status));
}

ThreadsScope::ThreadsScope(const CpuContext& ctx) : before_(omp_get_max_threads()), now_(ctx.threads) {
  if (now_ != before_) omp_set_num_threads(now_);
}

ThreadsScope::~ThreadsScope() {
  if (now_ != before_) omp_set_num_threads(before_);
}

void fail_creation(const char* op, const dnnl::error& error) {
  fail("{}: oneDNN has no implementation for this geometry (status {}: {})", op, int(error.status),
       error.what());
}

}  // namespace onednn
}  // namespace kiln::kernels
