#include <kiln/io/pickle/pickle_numpy.h>

#include <algorithm>
#include <cstring>

#include <kiln/io/bytes/sizes.h>
#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

using Id = PickleGraph::Id;
using Kind = PickleGraph::Kind;

// Made by a function of numpy, before or after numpy 2 renamed its core.
bool is_made_by(const PickleGraph& graph, Id id, std::string_view module, std::string_view name) {
  if (graph.kind(id) != Kind::object) return false;
  const Id callable = graph.object(id).callable;
  if (graph.kind(callable) != Kind::global || graph.global_name(callable) != name) return false;
  std::string_view found = graph.global_module(callable);
  for (const std::string_view core : {"numpy.core.", "numpy._core."})
    if (found.starts_with(core)) return found.substr(core.size()) == module;
  return false;
}

struct NumpyType {
  DType dtype;
  bool swapped;
};

NumpyType type_of(const PickleGraph& graph, Id id) {
  if (graph.kind(id) != Kind::object || !graph.is_global(graph.object(id).callable, "numpy", "dtype"))
    fail("numpy array: its type is not a numpy.dtype");
  const PickleGraph::Object& object = graph.object(id);
  const std::span<const Id> arguments = graph.items(object.arguments);
  if (arguments.empty() || !graph.is_text(arguments[0])) fail("numpy array: its type has no name");
  const std::string_view name = graph.text(arguments[0]);
  DType dtype;
  if (!dtype_from_numpy(name, &dtype)) fail("numpy array: type '{}' cannot be a tensor", quotable(name));
  bool swapped = false;
  if (object.state != PickleGraph::kNothing) {
    const std::span<const Id> state = graph.items(object.state);
    if (state.size() < 2 || !graph.is_text(state[1]))
      fail("numpy array: its type '{}' has no byte order", quotable(name));
    swapped = graph.text(state[1]) == ">";
  }
  return {dtype, swapped};
}

Shape shape_of(const PickleGraph& graph, Id id) {
  Shape shape;
  if (graph.items(id).size() > size_t(kMaxRank))
    fail("numpy array: it has {} dimensions, Kiln holds up to {}", graph.items(id).size(), kMaxRank);
  for (const Id size : graph.items(id)) {
    if (graph.kind(size) != Kind::integer || graph.integer(size) < 0)
      fail("numpy array: its shape is damaged");
    shape.push_back(graph.integer(size));
  }
  return shape;
}

std::string_view bytes_of(const PickleGraph& graph, Id id) {
  if (graph.kind(id) != Kind::bytes && graph.kind(id) != Kind::byte_string)
    fail("numpy array: its data are {}, expected bytes", name_of(graph.kind(id)));
  return graph.text(id);
}

Tensor make(const PickleGraph& graph, Id shape_id, Id type_id, bool fortran, Id data_id) {
  const NumpyType type = type_of(graph, type_id);
  return tensor_from_numpy(shape_of(graph, shape_id), type.dtype, type.swapped, fortran,
                           bytes_of(graph, data_id));
}

}  // namespace

bool dtype_from_numpy(std::string_view name, DType* dtype) {
  constexpr struct {
    std::string_view name;
    DType dtype;
  } types[] = {{"u1", uint8},
               {"i1", int8},
               {"i2", int16},
               {"i4", int32},
               {"i8", int64},
               {"f2", float16},
               {"f4", float32},
               {"f8", float64},
               {"b1", bool8},
               {"u2", DType::uint16},
               {"u4", DType::uint32},
               {"u8", DType::uint64},
               {"c8", DType::complex64},
               {"c16", DType::complex128}};
  for (const auto& type : types)
    if (type.name == name) {
      *dtype = type.dtype;
      return true;
    }
  return false;
}

Tensor tensor_from_numpy(const Shape& shape, DType dtype, bool swapped, bool fortran,
                         std::string_view bytes) {
  const int64_t size = size_of(dtype);
  const int64_t count = has_countable_bytes(shape, size) ? numel(shape) : -1;
  if (bytes.size() % size_t(size) != 0 || count != int64_t(bytes.size()) / size)
    fail("numpy array: {} {} does not fit its {} bytes", dtype, shape, bytes.size());
  Tensor x = empty(shape, {.dtype = dtype, .device = cpu});
  char* to = static_cast<char*>(x.raw_data());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  const bool is_complex = dtype == DType::complex64 || dtype == DType::complex128;
  const size_t word = size_t(size) / (is_complex ? 2 : 1);
  if (swapped && word > 1)
    for (size_t i = 0; i < bytes.size(); i += word) std::reverse(to + i, to + i + word);
  if (dtype == bool8)  // C++ knows two values only
    std::for_each(to, to + bytes.size(), [](char& c) { c = char(c != 0); });
  if (!fortran) return x;
  Layout layout = Layout::contiguous(shape);
  int64_t stride = 1;
  for (int d = 0; d < shape.rank(); ++d) {
    layout.strides[d] = stride;
    stride *= std::max<int64_t>(shape[d], 1);
  }
  return from_storage(x.impl()->storage, dtype, layout);
}

bool is_numpy_number(const PickleGraph& graph, Id id) {
  if (graph.kind(id) != Kind::object || !graph.is_global(graph.object(id).callable, "numpy", "dtype"))
    return false;
  const std::span<const Id> arguments = graph.items(graph.object(id).arguments);
  DType dtype;
  return !arguments.empty() && graph.is_text(arguments[0]) &&
         dtype_from_numpy(graph.text(arguments[0]), &dtype);
}

bool is_numpy_scalar(const PickleGraph& graph, Id id) {
  if (!is_made_by(graph, id, "multiarray", "scalar")) return false;
  const std::span<const Id> arguments = graph.items(graph.object(id).arguments);
  return arguments.size() == 2 && is_numpy_number(graph, arguments[0]);
}

Tensor numpy_scalar(const PickleGraph& graph, Id id) {
  const std::span<const Id> arguments = graph.items(graph.object(id).arguments);
  if (arguments.size() != 2) fail("numpy scalar: it has {} arguments, expected 2", arguments.size());
  const NumpyType type = type_of(graph, arguments[0]);
  return tensor_from_numpy({}, type.dtype, type.swapped, false, bytes_of(graph, arguments[1]));
}

bool is_numpy_array(const PickleGraph& graph, Id id) {
  return is_made_by(graph, id, "multiarray", "_reconstruct") ||
         is_made_by(graph, id, "numeric", "_frombuffer");
}

Tensor numpy_array(const PickleGraph& graph, Id id) {
  if (is_made_by(graph, id, "numeric", "_frombuffer")) {  // (buffer, dtype, shape, order), protocol 5
    const std::span<const Id> arguments = graph.items(graph.object(id).arguments);
    if (arguments.size() != 4 || !graph.is_text(arguments[3]))
      fail("numpy array: _frombuffer has other arguments");
    return make(graph, arguments[2], arguments[1], graph.text(arguments[3]) == "F", arguments[0]);
  }
  if (!is_numpy_array(graph, id)) fail("numpy array: the pickle holds {} instead", name_of(graph.kind(id)));
  const Id state_id = graph.object(id).state;
  if (state_id == PickleGraph::kNothing) fail("numpy array: it has no state");
  const std::span<const Id> state = graph.items(state_id);  // (version, shape, dtype, fortran, data)
  if (state.size() < 5) fail("numpy array: its state has {} items, expected 5", state.size());
  return make(graph, state[1], state[2], graph.integer(state[3]) != 0, state[4]);
}

}  // namespace kiln::io
