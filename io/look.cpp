#include <kiln/io/look.h>

#include <kiln/io/bytes/pieces.h>
#include <kiln/io/bytes/placement.h>
#include <kiln/io/format.h>
#include <kiln/io/open.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::io {

namespace {

// Whether indices fit is seen by their values.
void check_sparse_in(const Value& value, const std::string& path, LoadOptions options) {
  options.warn = {};
  for (ValueWalk walk(value, '/'); walk.next();)
    if (walk.value().is_object() && is_sparse_layout(walk.value().type())) {
      open(path, options).value(walk.path());
      walk.skip();
    }
}

}  // namespace

Value look(const std::string& path, const LoadOptions& options) {
  check_options(path, options);
  Outline outline(false);
  ReadOptions reading = {options};
  reading.map = reading.read_only = true;
  reading.outline = &outline;
  Value value = read_any(path, reading);
  check_sparse_in(value, path, options);
  return value;
}

StateDict cast_later(const StateDict& state, DType dtype) {
  cast({}, dtype);  // whether it is a dtype of weights
  Outline outline(false);
  std::vector<StateDict::Entry> entries;
  for (const auto& [name, x] : state) {
    if (!is_floating(x.dtype()) || x.dtype() == dtype) {
      entries.push_back({name, x});
      continue;
    }
    Ref<Storage> storage = outline.add(x.numel() * size_of(dtype), [tensor = x, dtype] {
      const Tensor data = with_data(tensor);
      const Tensor result = cast({{"", data}}, dtype).begin()->tensor;
      leave_if_mapped(data);
      return result.impl()->storage;
    });
    entries.push_back({name, from_storage(std::move(storage), dtype, Layout::contiguous(x.shape()))});
  }
  return StateDict(std::move(entries));
}

Value verify(const std::string& path, const LoadOptions& options) {
  check_options(path, options);
  Outline outline;
  ReadOptions reading = {options};
  reading.verify = reading.map = reading.read_only = true;
  reading.outline = &outline;
  Value value = read_any(path, reading);
  for (const auto& check : outline.checks) check();
  check_sparse_in(value, path, options);
  return value;
}

}  // namespace kiln::io
