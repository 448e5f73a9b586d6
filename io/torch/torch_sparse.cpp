#include <algorithm>

#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/dtype/element.h>

// Sparse tensors as torch_tensors.cpp makes them: torch/_utils.py checks the same after loading.

namespace kiln::io {
namespace {

// False for one that strides of 0 make larger than its memory: looking at each element could take for ever.
bool has_each_element(const Tensor& x) { return x.numel() <= x.impl()->storage->bytes / size_of(x.dtype()); }

// Every element of an int64 tensor lies in 0 .. limit-1, for a row each of `shape`; the dimensions behind
// those are those of each value.
bool coordinates_fit(const Tensor& indices, const Tensor& values, const Dims& shape) {
  if (indices.dtype() != int64 || indices.dim() != 2 || indices.shape()[0] > shape.rank()) return false;
  const int sparse = int(indices.shape()[0]);
  if (values.dim() != 1 + shape.rank() - sparse || values.shape()[0] != indices.shape()[1]) return false;
  for (int d = sparse; d < shape.rank(); ++d)
    if (values.shape()[1 + d - sparse] != shape[d]) return false;
  if (!has_each_element(indices)) return false;
  if (!indices.device().is_cpu()) return true;
  const auto* data = indices.data<int64_t>();
  bool fit = true;
  int64_t i = 0;
  const int64_t nonzeros = indices.shape()[1];
  for_each_offset(indices.layout(), [&](int64_t at) {
    fit = fit && data[at] >= 0 && data[at] < shape[int(i / nonzeros)];
    ++i;
  });
  return fit;
}

// A matrix of `lines` compressed lines and `places` in each, both counted in blocks.
struct Matrix {
  int64_t lines, places;
};

// Compressed indices of each matrix rise from 0 to the number of plain ones, which are places.
bool numbers_fit(const Tensor& compressed, const Tensor& plain, Matrix matrix) {
  const std::vector<int64_t> ends = compressed.to_vector<int64_t>(), all = plain.to_vector<int64_t>();
  const int64_t nonzeros = plain.shape()[plain.dim() - 1];
  for (auto line = ends.begin(); line != ends.end(); line += matrix.lines + 1)
    if (*line != 0 || line[matrix.lines] != nonzeros || !std::is_sorted(line, line + matrix.lines + 1))
      return false;
  return std::ranges::all_of(all, [&](int64_t place) { return place >= 0 && place < matrix.places; });
}

// Dimensions: of batches, of the matrix, and of the values behind; `compressed`, `plain` and `values` have
// those of the batches too. The values of blocks have the dimensions of a block before those behind.
bool compressed_fit(const Tensor& compressed, const Tensor& plain, const Tensor& values, const Dims& shape,
                    bool is_by_rows, bool is_blocked) {
  if ((compressed.dtype() != int64 && compressed.dtype() != int32) || plain.dtype() != compressed.dtype())
    return false;
  const int batches = compressed.dim() - 1, behind = shape.rank() - batches - 2;
  if (batches < 0 || behind < 0 || plain.dim() != batches + 1 ||
      values.dim() != batches + 1 + (is_blocked ? 2 : 0) + behind)
    return false;
  for (int d = 0; d < batches; ++d)
    if (compressed.shape()[d] != shape[d] || plain.shape()[d] != shape[d] || values.shape()[d] != shape[d])
      return false;
  for (int d = 1; d <= behind; ++d)
    if (values.shape()[values.dim() - d] != shape[shape.rank() - d]) return false;
  int64_t counts[2];  // of rows and columns, in blocks
  for (int d = 0; d < 2; ++d) {
    const int64_t block = is_blocked ? values.shape()[batches + 1 + d] : 1, size = shape[batches + d];
    if (block < 1 || size % block != 0) return false;
    counts[d] = size / block;
  }
  const Matrix matrix = {counts[is_by_rows ? 0 : 1], counts[is_by_rows ? 1 : 0]};
  if (compressed.shape()[batches] - 1 != matrix.lines || values.shape()[batches] != plain.shape()[batches])
    return false;
  if (!has_each_element(compressed) || !has_each_element(plain)) return false;
  if (!compressed.device().is_cpu() || !plain.device().is_cpu()) return true;
  return numbers_fit(compressed, plain, matrix);
}

bool fits(const Value& object, const Dims& shape) {
  const auto part = [&](const char* name) -> const Tensor& {
    const Value& found = object[name];
    return (found.is_object() ? found["values"] : found).as_tensor();
  };
  const std::string& type = object.type();
  if (type == "torch.sparse_coo") return coordinates_fit(part("indices"), part("values"), shape);
  return compressed_fit(part("compressed"), part("plain"), part("values"), shape,
                        type == "torch.sparse_csr" || type == "torch.sparse_bsr",
                        type == "torch.sparse_bsr" || type == "torch.sparse_bsc");
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
