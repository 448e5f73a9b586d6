#include <algorithm>

#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/dtype/element.h>

// Sparse tensors as torch_tensors.cpp makes them: torch/_utils.py checks the same after loading.

namespace kiln::io {
namespace {

// False for one that strides of 0 make larger than its memory: looking at each element could take for ever.
bool has_each_element(const Tensor& x) { return x.numel() <= x.impl()->storage->bytes / size_of(x.dtype()); }

// Every element of an int64 tensor lies in 0 .. limit-1, for a row each of `limits`.
bool indices_fit(const Tensor& indices, const Tensor& values, const Dims& limits) {
  if (indices.dtype() != int64 || indices.dim() != 2 || indices.shape()[0] > limits.rank()) return false;
  if (values.dim() < 1 || values.shape()[0] != indices.shape()[1]) return false;
  if (!has_each_element(indices)) return false;
  if (!indices.device().is_cpu()) return true;
  const auto* data = indices.data<int64_t>();
  bool fit = true;
  int64_t i = 0;
  const int64_t nonzeros = indices.shape()[1];
  for_each_offset(indices.layout(), [&](int64_t at) {
    fit = fit && data[at] >= 0 && data[at] < limits[int(i / nonzeros)];
    ++i;
  });
  return fit;
}

// Compressed indices rise from 0 to the number of plain ones, which lie below `limit`.
bool compressed_fit(const Tensor& compressed, const Tensor& plain, const Tensor& values, int64_t limit) {
  if ((compressed.dtype() != int64 && compressed.dtype() != int32) || plain.dtype() != compressed.dtype())
    return false;
  if (compressed.dim() < 1 || plain.dim() != compressed.dim() || values.dim() < plain.dim()) return false;
  if (!has_each_element(compressed) || !has_each_element(plain)) return false;
  if (compressed.dim() > 1 || !compressed.device().is_cpu() || !plain.device().is_cpu())
    return true;  // batches
  const std::vector<int64_t> rows = compressed.to_vector<int64_t>(), columns = plain.to_vector<int64_t>();
  return !rows.empty() && rows.front() == 0 && rows.back() == int64_t(columns.size()) &&
         std::ranges::is_sorted(rows) &&
         std::ranges::all_of(columns, [&](int64_t c) { return c >= 0 && c < limit; });
}

bool fits(const Value& object, const Dims& shape) {
  const auto part = [&](const char* name) -> const Tensor& { return object[name].as_tensor(); };
  if (object.type() == "torch.sparse_coo") return indices_fit(part("indices"), part("values"), shape);
  const bool is_row = object.type() == "torch.sparse_csr" || object.type() == "torch.sparse_bsr";
  return shape.rank() >= 2 &&
         compressed_fit(part("compressed"), part("plain"), part("values"), shape[is_row ? 1 : 0]);
}

}  // namespace

bool is_sparse_layout(std::string_view name) {
  constexpr std::string_view kLayouts[] = {"torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc",
                                           "torch.sparse_bsr", "torch.sparse_bsc"};
  return std::ranges::find(kLayouts, name) != std::end(kLayouts);
}

void check_sparse(const Value& value, const std::string& where) {
  std::vector<const Value*> pending = {&value};
  while (!pending.empty()) {
    const Value& next = *pending.back();
    pending.pop_back();
    if (next.is_list() || next.is_tuple())
      for (const Value& item : next.items()) pending.push_back(&item);
    if (next.is_dict() || next.is_object())
      for (const auto& [key, child] : next.entries()) pending.push_back(&child);
    if (!next.is_object() || !is_sparse_layout(next.type())) continue;
    Dims shape;
    for (const Value& size : next.at("shape").items()) shape.push_back(size.as_int());
    if (!fits(next, shape))
      fail("{}: the indices of a {} tensor of shape {} do not fit it", where, next.type(), shape);
  }
}

}  // namespace kiln::io
