// Tensors as PyTorch rebuilds them: torch/_utils.py and torch/_tensor.py, by the names and arguments of their
// functions.

#include <algorithm>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/io/torch/write/pth_pickler.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

// Others are of untyped storages.
bool has_storage_class(const TorchType& type) {
  return type.is_plain ? storage_class(type.dtype) != nullptr : type.name.starts_with('q');
}

}  // namespace

void PthPickler::tensor(const Value& value, const std::string& name) {
  const Tensor& x = value.as_tensor();
  const TensorImpl* const impl = x.impl().get();
  if (const auto known = written_.find(impl); known != written_.end()) return pickle_.recall(known->second);
  plain_tensor(value, x, torch_type_of(x.dtype()), name);
  if (times_[impl] > 1) written_.emplace(impl, pickle_.remember());
}

// What function(arguments) gives; with attributes: _rebuild_from_type_v2(function, type, arguments, state).
template <class F>
void PthPickler::rebuilt(const Value& value, const std::string& name, const char* function, F&& arguments) {
  const Value& attributes = value.attributes();
  if (attributes.is_object()) cannot(name, "a tensor of the class " + attributes.type());
  const bool hangs = !attributes.is_none() && attributes.size() > 0;
  if (hangs) {
    pickle_.global("torch._tensor", "_rebuild_from_type_v2");
    pickle_.mark();
  }
  pickle_.global("torch._utils", function);
  if (hangs) pickle_.global("torch", "Tensor");
  pickle_.mark();
  arguments();
  pickle_.tuple();
  if (hangs) {
    pickle_.empty_dict();
    entries(attributes.entries(), name);
    pickle_.tuple();
  }
  pickle_.reduce();
}

// Elements of that type; `value` has the attributes.
void PthPickler::plain_tensor(const Value& value, const Tensor& x, const TorchType& type,
                              const std::string& name) {
  if (has_no_data(x))
    return rebuilt(value, name, "_rebuild_meta_tensor_no_storage", [&] {
      pickle_.global("torch", std::string(type.name));
      dims(x.shape());
      dims(x.strides());
      pickle_.boolean(false);
    });
  const bool is_typed = has_storage_class(type);
  rebuilt(value, name, is_typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3", [&] {
    const PthPart& part = *parts_.at(&x);
    storage(part, type);
    layout(part);
    end_of_rebuild();
    if (!is_typed) pickle_.global("torch", std::string(type.name));
  });
}

void PthPickler::storage(const PthPart& part, const TorchType& type) {
  const Tensor& source = content_.records[part.record].source;
  const bool is_typed = has_storage_class(type);
  pickle_.mark();
  pickle_.string("storage");
  if (is_typed)
    pickle_.global("torch", std::string(type.storage) + "Storage");
  else
    pickle_.global("torch.storage", "UntypedStorage");
  pickle_.string(fmt::format("{}", part.record));
  pickle_.string("cpu");
  pickle_.integer(is_typed ? source.numel() : source.numel() * size_of(source.dtype()));
  pickle_.tuple();
  pickle_.persistent();
}

void PthPickler::layout(const PthPart& part) {
  pickle_.integer(part.layout.offset);
  dims(part.layout.shape);
  dims(part.layout.strides);
}

// requires_grad and hooks
void PthPickler::end_of_rebuild() {
  pickle_.boolean(false);
  pickle_.global("collections", "OrderedDict");
  pickle_.empty_tuple();
  pickle_.reduce();
}

void PthPickler::dims(const Dims& dims) {
  pickle_.mark();
  for (const int64_t size : dims) pickle_.integer(size);
  pickle_.tuple();
}

// What io::load makes objects of and PyTorch has a function for.
void PthPickler::object(const Value& value, const std::string& name) {
  const bool is_int =
      value.type() == "builtins.int" && value.size() == 1 && value.entries()[0].value.is_bytes();
  if (is_int) return pickle_.big_integer(value.entries()[0].value.as_bytes());
  if (typed(value, name) || quantised(value, name) || sparse(value, name)) return;
  cannot(name, "an object of the class " + value.type());
}

// {"values": raw}
bool PthPickler::typed(const Value& value, const std::string& name) {
  const TorchType* type = raw_type_of(value);
  if (type == nullptr || value.size() != 1 || type->name.starts_with("q")) return false;
  plain_tensor(value, value.entries()[0].value.as_tensor(), *type, name);
  return true;
}

// _rebuild_qtensor(storage, offset, size, stride, quantiser, requires_grad, hooks)
bool PthPickler::quantised(const Value& value, const std::string& name) {
  const TorchType* type = raw_type_of(value);
  const Value* scheme = value.find("scheme");
  if (type == nullptr || scheme == nullptr || !scheme->is_string()) return false;
  const bool is_whole = scheme->as_string() == "per_tensor_affine";
  std::vector<const Value*> parts;
  for (const char* part : is_whole ? std::vector<const char*>{"scale", "zero_point"}
                                   : std::vector<const char*>{"scales", "zero_points", "axis"}) {
    if (value.find(part) == nullptr) return false;
    parts.push_back(value.find(part));
  }
  const PthPart& part = *parts_.at(tensor_in(value, "values"));
  if (part.record == PthPart::kNoRecord) return false;
  rebuilt(value, name, "_rebuild_qtensor", [&] {
    storage(part, *type);
    layout(part);
    pickle_.mark();
    pickle_.global("torch", scheme->as_string());
    for (const Value* of_scheme : parts) write(*of_scheme, name);
    pickle_.tuple();
    end_of_rebuild();
  });
  return true;
}

// _rebuild_sparse_tensor(layout, (indices, values, size[, is_coalesced])), or (compressed, plain, values,
// size)
bool PthPickler::sparse(const Value& value, const std::string& name) {
  const Value* shape = value.find("shape");
  if (!is_sparse_layout(value.type()) || shape == nullptr) return false;
  const bool is_coo = value.type() == "torch.sparse_coo";
  std::vector<const Value*> parts;
  for (const char* part : is_coo ? std::vector<const char*>{"indices", "values"}
                                 : std::vector<const char*>{"compressed", "plain", "values"}) {
    const Value* found = value.find(part);
    const bool is_raw = found != nullptr && found->is_object() && raw_type_of(*found) != nullptr;
    if (tensor_in(value, part) == nullptr && !is_raw) return false;
    parts.push_back(found);
  }
  rebuilt(value, name, "_rebuild_sparse_tensor", [&] {
    pickle_.global("torch.serialization", "_get_layout");
    pickle_.mark();
    pickle_.string(value.type());
    pickle_.tuple();
    pickle_.reduce();
    pickle_.mark();
    for (const Value* part : parts) write(*part, name);
    pickle_.global("torch", "Size");
    pickle_.mark();
    write(*shape, name);
    pickle_.tuple();
    pickle_.reduce();
    if (const Value* coalesced = value.find("coalesced"); is_coo && coalesced != nullptr)
      write(*coalesced, name);
    pickle_.tuple();
  });
  return true;
}

}  // namespace kiln::io
