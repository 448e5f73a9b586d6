// The functions by which PyTorch rebuilds tensors: torch/_utils.py and torch/_tensor.py, by their names and
// arguments.

#include <algorithm>

#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::io {
namespace {

constexpr int kMaxFiles = 8;  // files within pickles within files

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

void TorchTree::need(bool is_good, std::string_view name) const {
  if (!is_good) bad_sentence(fmt::format("{} has arguments of other kinds than PyTorch writes", name));
}

Dims TorchTree::dims(Id id, const char* what) const {
  const Kind kind = graph_.kind(id);
  if (kind == Kind::object) {  // torch.Size((2, 3))
    const Ids arguments = graph_.items(graph_.object(id).arguments);
    need(arguments.size() == 1 && graph_.kind(arguments[0]) != Kind::object, "torch.Size");
    return dims(arguments[0], what);
  }
  need(kind == Kind::tuple || kind == Kind::list, what);
  const Ids items = graph_.items(id);
  if (items.size() > size_t(kMaxRank))
    bad_sentence(fmt::format("a tensor has {} dimensions, Kiln holds up to {}", items.size(), kMaxRank));
  Dims result;
  for (const Id item : items) {
    if (graph_.kind(item) != Kind::integer || graph_.integer(item) < 0)
      bad_sentence(fmt::format("a tensor has a {} that is not an int of at least 0", what));
    result.push_back(graph_.integer(item));
  }
  return result;
}

const TorchType& TorchTree::dtype(Id id) const {
  std::string_view name;
  const std::string global = graph_.kind(id) == Kind::global ? graph_.global(id) : "";
  if (global.starts_with("torch.")) name = std::string_view(global).substr(6);
  const TorchType* type = torch_type_of_name(name);
  if (type == nullptr) bad_sentence(fmt::format("'{}' is not a dtype that Kiln knows", quotable(global)));
  return *type;
}

TorchStorage TorchTree::storage(Id id) {
  if (graph_.kind(id) == Kind::persistent) return storages_.storage(graph_, graph_.persistent(id));
  return storage_of_bytes(id);
}

// In plain pickles a storage is a whole file of PyTorch as bytes.
TorchStorage TorchTree::storage_of_bytes(Id id) {
  if (const auto known = nested_storages_.find(id); known != nested_storages_.end()) return known->second;
  if (graph_.kind(id) != Kind::object)
    bad_sentence(fmt::format("{} stands where a storage is needed", name_of(graph_.kind(id))));
  const PickleGraph::Object& object = graph_.object(id);
  const Ids arguments = graph_.items(object.arguments);
  const bool is_list = arguments.size() == 1 && graph_.kind(arguments[0]) == Kind::list;
  if (is_list && graph_.kind(object.callable) == Kind::global) {
    const TorchStorage result =
        storage_of_list(class_type(graph_, object.callable, "Storage", where_), arguments[0]);
    nested_storages_.emplace(id, result);
    return result;
  }
  need(class_of(object.callable) == "torch.storage._load_from_bytes" && arguments.size() == 1, "a storage");
  const Value content = nested(arguments[0]);
  const Value* raw = content.is_object() ? content.find("values") : &content;
  need(raw != nullptr && raw->is_tensor(), "torch.storage._load_from_bytes");
  const Tensor& whole = raw->as_tensor();
  const TorchType* type =
      content.is_object() ? torch_type_of_name(last_part(content.type())) : &torch_type_of(whole.dtype());
  need(type != nullptr, "torch.storage._load_from_bytes");
  const TorchStorage result = {whole.impl()->storage, type};
  nested_storages_.emplace(id, result);
  return result;
}

// Before 0.4 they are lists of numbers: torch.FloatStorage([1.0, 2.0]).
TorchStorage TorchTree::storage_of_list(const TorchType& type, Id list) {
  const Ids numbers = graph_.items(list);
  if (!type.is_plain || is_storage_only(type.dtype))
    bad_sentence(fmt::format("a list of numbers makes a {} storage", type.name));
  const Tensor made = empty({int64_t(numbers.size())}, {.dtype = type.dtype, .device = cpu});
  visit_element(type.dtype, "load", [&]<class T>() {
    T* to = made.data<T>();
    for (const Id number : numbers) {
      if constexpr (std::is_integral_v<T>)
        *to++ = T(graph_.integer(number));
      else
        *to++ = T(std::conditional_t<sizeof(T) == 8, double, float>(graph_.real(number)));
    }
  });
  return {made.impl()->storage, &type};
}

Value TorchTree::nested(Id bytes) {
  need(graph_.kind(bytes) == Kind::bytes || graph_.kind(bytes) == Kind::byte_string,
       "torch.storage._load_from_bytes");
  if (nesting_ == kMaxFiles)
    bad_sentence(fmt::format("files are within files, more than {} deep", kMaxFiles));
  return read_torch_bytes(graph_.text(bytes), options_, where_, nesting_ + 1);
}

// C++ knows two values of a bool only. A storage of bools is looked at once and whole: a file may have many
// tensors on it, and by strides of 0 each of them more elements than memory has bytes.
void TorchTree::make_bools(const Tensor& x, bool whole_storage) {
  const Ref<Storage>& memory = x.impl()->storage;
  auto* bytes = static_cast<unsigned char*>(memory->data);
  if (whole_storage) {
    if (bool_storages_.insert(bytes).second)
      for (int64_t at = 0; at < memory->bytes; ++at)
        if (bytes[at] > 1) bytes[at] = 1;
    return;
  }
  if (x.numel() > memory->bytes)
    bad_sentence(fmt::format("a bool tensor of shape {} lies in {} bytes", x.shape(), memory->bytes));
  spend(size_t(x.numel()) / kElementsOfABudget);
  for_each_offset(x.layout(), [&](int64_t at) {
    if (bytes[at] > 1) bytes[at] = 1;
  });
}

Tensor TorchTree::tensor(const TorchStorage& storage, const TorchType& type, Id offset_id, Id size,
                         Id stride) {
  Layout layout = {dims(size, "size"), dims(stride, "stride"), graph_.integer(offset_id)};
  const bool is_empty = std::ranges::find(layout.shape, 0) != layout.shape.end();
  if (is_empty && layout.offset > 0) layout.offset = 0;  // PyTorch does not look at it
  const int64_t width = size_of(type.dtype), available = storage.memory->bytes / width * type.packed;
  check_layout(layout, available, where_);
  if (is_empty) layout.strides = contiguous_strides(layout.shape);
  if (type.packed > 1) return unpacked(storage.memory, type, layout);
  Tensor result = from_storage(aligned(storage.memory, width), type.dtype, layout);
  if (type.dtype == bool8 && result.device().is_cpu()) make_bools(result, storage.type->dtype == bool8);
  return result;
}

// (dtype, size, stride, requires_grad): shape without data.
Tensor TorchTree::meta_tensor(Ids arguments) {
  const TorchType& type = dtype(arguments[0]);
  const Layout layout = {dims(arguments[1], "size"), dims(arguments[2], "stride"), 0};
  check_layout(layout, INT64_MAX / size_of(type.dtype), where_);
  const int64_t bytes = layout.span() * size_of(type.dtype);
  return from_storage(without_memory(bytes), type.dtype, layout);
}

Value TorchTree::typed(const TorchType& type, Tensor tensor) const {
  if (type.is_plain) return tensor;
  return Value::object("torch." + std::string(type.name), {{"values", std::move(tensor)}});
}

Value TorchTree::first_tensor(Ids ids) {
  for (const Id id : ids) {
    if (graph_.kind(id) != Kind::object && graph_.kind(id) != Kind::persistent) continue;
    Value found = value(id);
    if (found.is_tensor() || (found.is_object() && found.find("values") != nullptr)) return found;
  }
  return {};
}

Tensor TorchTree::dense(Id id, const char* what) {
  Value found = value(id);
  need(found.is_tensor(), what);
  return found.as_tensor();
}

// The same, or the object that stands for elements of no dtype here.
Value TorchTree::raw_or_dense(Id id, const char* what) {
  Value found = value(id);
  const bool is_raw = found.is_object() && found.size() == 1 && found.type().starts_with("torch.") &&
                      torch_type_of_name(std::string_view(found.type()).substr(6)) != nullptr;
  need(found.is_tensor() || (is_raw && found.find("values") != nullptr && found["values"].is_tensor()), what);
  return found;
}

// (storage, offset, size, stride, qparams, requires_grad, hooks)
Value TorchTree::quantised(Ids arguments) {
  constexpr const char* kName = "_rebuild_qtensor";
  need(arguments.size() >= 6 && graph_.kind(arguments[4]) == Kind::tuple, kName);
  const TorchStorage from = storage(arguments[0]);
  const Tensor values = tensor(from, *from.type, arguments[1], arguments[2], arguments[3]);
  const Ids scheme = graph_.items(arguments[4]);
  need(!from.type->is_plain && !scheme.empty() && graph_.kind(scheme[0]) == Kind::global, kName);
  const std::string name(last_part(graph_.global(scheme[0])));
  std::vector<Value::Entry> entries = {{"values", values}, {"scheme", name}};
  if (name == "per_tensor_affine") {
    need(scheme.size() == 3, kName);
    entries.push_back({"scale", graph_.real(scheme[1])});
    entries.push_back({"zero_point", graph_.integer(scheme[2])});
  } else {
    need(scheme.size() == 4 && name.starts_with("per_channel_affine"), kName);
    const int64_t axis = graph_.integer(scheme[3]);
    Value scales = value(scheme[1]), zero_points = value(scheme[2]);
    const auto count = [](const Value& list) {
      return list.is_tensor()                    ? list.as_tensor().numel()
             : list.is_list() || list.is_tuple() ? int64_t(list.size())
                                                 : -1;
    };
    if (axis < 0 || axis >= values.dim() || count(scales) != values.shape()[int(axis)] ||
        count(zero_points) != count(scales))
      bad_sentence(fmt::format("a quantised tensor of shape {} has {} scales and {} zero points on axis {}",
                               values.shape(), count(scales), count(zero_points), axis));
    entries.push_back({"scales", std::move(scales)});
    entries.push_back({"zero_points", std::move(zero_points)});
    entries.push_back({"axis", axis});
  }
  return Value::object("torch." + std::string(from.type->name), std::move(entries));
}

// (layout, (indices, values, size[, coalesced])) or, compressed, (layout, (compressed, plain, values, size)).
Value TorchTree::sparse(Ids arguments) {
  constexpr const char* kName = "_rebuild_sparse_tensor";
  static const std::vector<const char*> kParts = {"indices", "values"},
                                        kCompressedParts = {"compressed", "plain", "values"};
  need(arguments.size() == 2 && graph_.kind(arguments[1]) == Kind::tuple, kName);
  std::string layout = "torch.sparse_coo";
  if (graph_.kind(arguments[0]) == Kind::object) {
    const Ids name = graph_.items(graph_.object(arguments[0]).arguments);
    need(name.size() == 1 && graph_.is_text(name[0]), kName);
    layout = graph_.text(name[0]);
  } else if (graph_.kind(arguments[0]) == Kind::global) {
    layout = graph_.global(arguments[0]);
  }
  if (!is_sparse_layout(layout))
    bad_sentence(
        fmt::format("the parts of a sparse tensor do not fit it: '{}' is no layout", quotable(layout)));
  const Ids data = graph_.items(arguments[1]);
  const bool is_coo = layout == "torch.sparse_coo";
  need(is_coo ? data.size() == 3 || data.size() == 4 : data.size() == 4, kName);
  const Dims shape = dims(data[is_coo ? 2 : 3], "size");
  std::vector<Value::Entry> entries;
  size_t next = 0;
  for (const char* name : is_coo ? kParts : kCompressedParts)
    entries.push_back({name, std::string_view(name) == "values" ? raw_or_dense(data[next++], kName)
                                                                : Value(dense(data[next++], kName))});
  entries.push_back({"shape", Value::tuple(std::vector<Value>(shape.begin(), shape.end()))});
  if (is_coo && data.size() == 4 && graph_.kind(data[3]) == Kind::boolean)
    entries.push_back({"coalesced", graph_.integer(data[3]) != 0});
  Value result = Value::object(layout, std::move(entries));
  check_sparse(result, where_);
  return result;
}

bool TorchTree::rebuild(const std::string& name, Ids arguments, Value* result) {
  if (!name.starts_with("torch.")) return false;
  const std::string_view function = last_part(name);
  const auto count = [&](size_t least) { need(arguments.size() >= least, function); };
  if (name == "torch.storage._load_from_bytes") {
    count(1);
    *result = nested(arguments[0]);
  } else if (name == "torch._tensor._rebuild_from_type_v2") {  // (function, type, arguments, state)
    count(3);
    need(graph_.kind(arguments[2]) == Kind::tuple && graph_.kind(arguments[0]) == Kind::global, function);
    const std::string inner = modern_global(graph_.global(arguments[0]));
    const Id state = arguments.size() > 3 ? arguments[3] : PickleGraph::kNothing;
    if (inner == "torch._utils._rebuild_wrapper_subclass") {
      *result = wrapper(graph_.items(arguments[2]), state);
      return true;
    }
    if (inner == name || !rebuild(inner, graph_.items(arguments[2]), result)) {
      *result = subclass(inner, arguments);
      return true;
    }
    const std::string& type = class_of(arguments[1]);
    const bool is_plain = type == "torch.Tensor" || type == "torch._tensor.Tensor" ||
                          type == "torch.nn.parameter.Parameter" || type == "torch.nn.parameter.Buffer";
    *result = with_attributes(std::move(*result), state, is_plain ? "" : type);
  } else if (!name.starts_with("torch._utils.")) {
    return false;
  } else if (function == "_rebuild_tensor" || function == "_rebuild_tensor_v2") {
    count(4);
    const TorchStorage from = storage(arguments[0]);
    Tensor made = tensor(from, *from.type, arguments[1], arguments[2], arguments[3]);
    // (storage, offset, size, strides, requires_grad, hooks, metadata): PyTorch 2.0 and later
    if (arguments.size() > 6) made = resolved(made, *from.type, arguments[6]);
    *result = typed(*from.type, std::move(made));
  } else if (function == "_rebuild_tensor_v3") {
    count(7);
    const TorchType& type = dtype(arguments[6]);
    Tensor made = tensor(storage(arguments[0]), type, arguments[1], arguments[2], arguments[3]);
    if (arguments.size() > 7) made = resolved(made, type, arguments[7]);
    *result = typed(type, std::move(made));
  } else if (function == "_rebuild_parameter" || function == "_rebuild_parameter_with_state") {
    count(1);
    *result = value(arguments[0]);
    // (tensor, requires_grad, hooks, state)
    if (arguments.size() > 3) *result = with_attributes(std::move(*result), arguments[3], "");
  } else if (function == "_rebuild_qtensor") {
    *result = quantised(arguments);
  } else if (function == "_rebuild_sparse_tensor" || function == "_rebuild_sparse_csr_tensor") {
    *result = sparse(arguments);
  } else if (function == "_rebuild_device_tensor_from_numpy" || function == "_rebuild_xla_tensor" ||
             function == "_rebuild_device_tensor_from_cpu_tensor") {
    count(1);
    *result = dense(arguments[0], name.c_str());
  } else if (function == "_rebuild_meta_tensor_no_storage") {
    count(3);
    const TorchType& type = dtype(arguments[0]);
    *result = typed(type, meta_tensor(arguments));
  } else {
    return false;
  }
  return true;
}

}  // namespace kiln::io
