#include <kiln/autograd/ops/autocast.h>

#include <unordered_map>

#include <kiln/autograd/ops.h>
#include <kiln/autograd/record.h>
#include <kiln/tensor/fail.h>

namespace kiln {
namespace {

// A converted parameter, and what it was converted from: a write to that makes it stale.
struct Converted {
  Tensor source, result;
  uint32_t version;
};

struct State {
  DType dtype = DType::bfloat16;
  int depth = 0;
  std::unordered_map<const TensorImpl*, Converted> parameters;
};

// Apart from the rest, which a thread makes when it first needs it: every op asks.
thread_local bool enabled = false;

State& state() {
  thread_local State result;
  return result;
}

bool eligible(const Tensor& x) { return x.defined() && x.is_floating_point() && x.dtype() != float64; }

// What the same step will convert again: without it a weight that is used twice would be converted twice.
bool is_parameter(const Tensor& x) { return x.dtype() == float32 && x.requires_grad() && x.is_leaf(); }

}  // namespace

Autocast::Autocast(DType dtype, bool enable)
    : entered_(enable), before_(enabled), dtype_before_(state().dtype) {
  if (!enable) return;
  if (dtype != float16 && dtype != bfloat16)
    fail("Autocast: the type must be float16 or bfloat16, got {}", dtype);
  enabled = true;
  state().dtype = dtype;
  ++state().depth;
}

Autocast::~Autocast() {
  if (!entered_) return;
  enabled = before_;
  state().dtype = dtype_before_;
  if (--state().depth == 0) state().parameters.clear();
}

NoAutocast::NoAutocast() : before_(enabled) { enabled = false; }
NoAutocast::~NoAutocast() { enabled = before_; }

bool autocast_enabled() { return enabled; }
DType autocast_dtype() { return state().dtype; }

Tensor in_autocast_type(const Tensor& x) {
  State& s = state();
  if (!eligible(x) || x.dtype() == s.dtype) return x;
  // Without grad mode the conversion has no history, which a later use may need.
  if (!grad_enabled() || !is_parameter(x)) return to(x, s.dtype);
  Converted& entry = s.parameters[&*x.impl()];
  const uint32_t version = x.impl()->storage->version;
  if (!entry.result.defined() || entry.version != version || entry.result.dtype() != s.dtype)
    entry = {x, to(x, s.dtype), version};
  return entry.result;
}

Tensor in_float32_type(const Tensor& x) { return eligible(x) ? to(x, float32) : x; }

}  // namespace kiln
