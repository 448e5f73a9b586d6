#include <kiln/autograd/ops/autocast.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include <kiln/autograd/op.h>
#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

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

// The table: what Autocast does to the operands of an op, as torch.autocast does on CUDA. In the order of
// names. Ops that are not here take the types that they get.
struct Row {
  std::string_view op;
  AutocastPolicy policy;
};
constexpr AutocastPolicy kLow = AutocastPolicy::low_precision, kFloat32 = AutocastPolicy::wide;
constexpr Row kTable[] = {
    {"acos", kFloat32},
    {"asin", kFloat32},
    {"binary_cross_entropy", kFloat32},
    {"binary_cross_entropy_with_logits", kFloat32},
    {"conv2d", kLow},
    {"cosh", kFloat32},
    {"cross_entropy", kFloat32},
    {"cumsum", kFloat32},
    {"exp", kFloat32},
    {"expm1", kFloat32},
    {"l1_loss", kFloat32},
    {"layer_norm", kFloat32},
    {"linear", kLow},
    {"log", kFloat32},
    {"log10", kFloat32},
    {"log1p", kFloat32},
    {"log2", kFloat32},
    {"log_softmax", kFloat32},
    {"matmul", kLow},
    {"mse_loss", kFloat32},
    {"nll_loss", kFloat32},
    {"norm", kFloat32},
    {"pow", kFloat32},
    {"prod", kFloat32},
    {"reciprocal", kFloat32},
    {"rsqrt", kFloat32},
    {"sinh", kFloat32},
    {"smooth_l1_loss", kFloat32},
    {"softmax", kFloat32},
    {"softplus", kFloat32},
    {"sum", kFloat32},
    {"tan", kFloat32},
};
constexpr auto by_name = [](const Row& a, const Row& b) { return a.op < b.op; };
static_assert(std::is_sorted(std::begin(kTable), std::end(kTable), by_name));

// Apart from the rest, which a thread makes when it first needs it. Kept as a bit of what every op looks at.
bool on_here() { return (autograd::detail::attention & autograd::detail::kAutocasts) != 0; }
void switch_here(bool on) {
  if (on)
    autograd::detail::attention |= autograd::detail::kAutocasts;
  else
    autograd::detail::attention &= ~autograd::detail::kAutocasts;
}

State& state() {
  static thread_local State result;
  return result;
}

bool eligible(const Tensor& x) { return x.defined() && x.is_floating_point() && x.dtype() != float64; }

// What the same step will convert again: without it a weight that is used twice would be converted twice.
bool is_parameter(const Tensor& x) { return x.dtype() == float32 && x.requires_grad() && x.is_leaf(); }

}  // namespace

Autocast::Autocast(DType dtype, bool enable)
    : entered_(enable), before_(on_here()), dtype_before_(state().dtype) {
  if (enable) {
    if (dtype != float16 && dtype != bfloat16)
      fail("Autocast: the type must be float16 or bfloat16, got {}", dtype);
    state().dtype = dtype;
    ++state().depth;
  }
  switch_here(enable);
}

Autocast::~Autocast() {
  switch_here(before_);
  if (!entered_) return;
  state().dtype = dtype_before_;
  if (--state().depth == 0) state().parameters.clear();
}

NoAutocast::NoAutocast() : before_(on_here()) { switch_here(false); }
NoAutocast::~NoAutocast() { switch_here(before_); }

bool autocast_enabled() { return on_here(); }
DType autocast_dtype() { return state().dtype; }

void suspend_autocast(bool suspended) { switch_here(!suspended); }

AutocastPolicy autocast_policy(const char* op) {
  const Row* row = std::lower_bound(std::begin(kTable), std::end(kTable), Row{op, {}}, by_name);
  return row != std::end(kTable) && row->op == op ? row->policy : AutocastPolicy::none;
}

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
