#include <kiln/profile/work.h>

#include <algorithm>
#include <string_view>

namespace kiln::profile {
namespace {

using autograd::NamedOperand;
using autograd::OpCall;

template <size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

// Those that move numbers and compute none.
constexpr std::string_view kMoves[] = {"arange",
                                       "as_strided",
                                       "cat",
                                       "chunk",
                                       "clone",
                                       "contiguous",
                                       "copy_",
                                       "expand",
                                       "eye",
                                       "fill_",
                                       "flatten",
                                       "flip",
                                       "gather",
                                       "index",
                                       "index_copy",
                                       "index_put",
                                       "index_put_",
                                       "index_select",
                                       "masked_fill",
                                       "narrow",
                                       "masked_fill_",
                                       "masked_select",
                                       "max_pool2d_gather",
                                       "one_hot",
                                       "pad2d",
                                       "pad2d_backward",
                                       "permute",
                                       "repeat",
                                       "reshape",
                                       "roll",
                                       "select",
                                       "slice",
                                       "split",
                                       "squeeze",
                                       "stack",
                                       "strided_assign",
                                       "strided_part",
                                       "t",
                                       "tile",
                                       "to",
                                       "transpose",
                                       "unbind",
                                       "unsqueeze",
                                       "view",
                                       "where",
                                       "zero_"};
// Those that read of their first operand only what they give.
constexpr std::string_view kPicks[] = {"gather", "index", "index_select", "masked_select",
                                       "max_pool2d_gather"};
// Those that write their first operand and do not read it.
constexpr std::string_view kOverwrites[] = {"bernoulli_", "copy_", "fill_", "normal_", "uniform_", "zero_"};

// Elements of memory that it reaches: a dimension of stride 0 is one.
int64_t elements(const Tensor& x) {
  int64_t count = 1;
  for (int i = 0; i < x.dim(); ++i)
    count *= x.strides()[i] == 0 ? std::min<int64_t>(x.shape()[i], 1) : x.shape()[i];
  return count;
}
int64_t bytes(const Tensor& x) { return x.defined() ? elements(x) * size_of(x.dtype()) : 0; }

bool shares_memory(const Tensor& a, const Tensor& b) {
  return a.defined() && b.defined() && a.impl()->storage.get() == b.impl()->storage.get();
}

bool is_view(const OpCall& call) {
  return !call.in_place && std::ranges::any_of(call.results, [&](const Tensor& y) {
    return std::ranges::any_of(call.operands,
                               [&](const NamedOperand& x) { return shares_memory(x.tensor, y); });
  });
}

int64_t moved(const OpCall& call) {
  int64_t results = 0, sum = 0;
  for (const Tensor& y : call.results) results += bytes(y);
  for (size_t i = 0; i < call.operands.size(); ++i) {
    const int64_t read = bytes(call.operands[i].tensor);
    if (i == 0 && call.in_place && is_one_of(kOverwrites, call.name)) continue;
    sum += i == 0 && is_one_of(kPicks, call.name) ? std::min(read, results) : read;
  }
  return sum + results;
}

// Of a call whose one result each of `products` products lead to.
int64_t sums_of_products(const Tensor& y, int64_t products) { return 2 * y.numel() * products; }

int64_t computed(const OpCall& call) {
  const std::string_view name = call.name;
  const auto operand = [&](size_t i) -> const Tensor& { return call.operands[i].tensor; };
  const Tensor& y = call.results[0];
  if (name == "matmul") return sums_of_products(y, operand(0).shape().back());
  if (name == "linear" || name == "conv2d") {
    const Tensor& weight = operand(1);
    const int64_t products = weight.numel() / std::max<int64_t>(weight.shape()[0], 1);
    return sums_of_products(y, products) + (operand(2).defined() ? y.numel() : 0);
  }
  if (name == "conv2d_input_grad")
    return sums_of_products(operand(0), operand(1).numel() / std::max<int64_t>(operand(1).shape()[0], 1));
  if (name == "conv2d_weight_grad")
    return sums_of_products(operand(0), y.numel() / std::max<int64_t>(y.shape()[0], 1));
  if (is_one_of(kMoves, name)) return 0;
  int64_t most = 0;
  for (const NamedOperand& x : call.operands)
    if (x.tensor.defined()) most = std::max(most, x.tensor.numel());
  if (most == 0) return 0;  // a factory
  for (const Tensor& result : call.results)
    if (result.defined()) most = std::max(most, result.numel());
  return most;
}

}  // namespace

Work work_of(const OpCall& call) {
  if (call.failed || call.results.empty() || !call.results[0].defined() || is_view(call)) return {};
  return {moved(call), computed(call)};
}

}  // namespace kiln::profile
