#include <kiln/io/torch/torch_files.h>

#include <algorithm>
#include <cstring>

#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::io {

PickleLimits pickle_limits(const ReadOptions& options) {
  const LoadLimits& limits = options.limits;
  return {limits.pickle_bytes, limits.opcodes, limits.nodes, limits.string_bytes};
}

const TorchType& class_type(const PickleGraph& graph, PickleGraph::Id id, std::string_view ending,
                            const std::string& where) {
  const bool is_global = graph.kind(id) == PickleGraph::Kind::global;
  const std::string_view module = is_global ? graph.global_module(id) : "",
                         name = is_global ? graph.global_name(id) : "";
  const TorchType* type = module == "torch" || module.starts_with("torch.")
                              ? torch_type_of_class(name.substr(name.rfind('.') + 1), ending)
                              : nullptr;
  if (type == nullptr)
    fail("{}: '{}' is not a class of PyTorch's {}s that Kiln knows", where,
         quotable(is_global ? graph.global(id) : ""), ending);
  return *type;
}

StorageName storage_name(const PickleGraph& graph, PickleGraph::Id reference, const std::string& where) {
  using Kind = PickleGraph::Kind;
  const bool is_tuple = graph.kind(reference) == Kind::tuple;
  const size_t count = is_tuple ? graph.items(reference).size() : 0;
  if (count != 5 && count != 6)
    fail("{}: a persistent id is {} of {} items, expected a tuple of 5 or 6", where,
         name_of(graph.kind(reference)), count);
  const std::span<const PickleGraph::Id> items = graph.items(reference);
  if (!graph.is_text(items[0]) || graph.text(items[0]) != "storage" || !graph.is_text(items[2]) ||
      graph.kind(items[4]) != Kind::integer || graph.integer(items[4]) < 0)
    fail("{}: a persistent id does not name a storage", where);
  StorageName result = {&class_type(graph, items[1], "Storage", where), std::string(graph.text(items[2])),
                        graph.integer(items[4]), PickleGraph::kNothing};
  if (count == 6 && graph.kind(items[5]) != Kind::none) result.view = items[5];
  return result;
}

Ref<Storage> swapped(const Storage& storage, const TorchType& type) {
  const int64_t word = size_of(type.dtype) / type.numbers;
  Ref<Storage> result = Storage::allocate(storage.bytes, cpu);
  auto* to = static_cast<char*>(result->data);
  if (storage.bytes > 0) std::memcpy(to, storage.data, size_t(storage.bytes));
  for (int64_t at = 0; word > 1 && at + word <= storage.bytes; at += word)
    std::reverse(to + at, to + at + word);
  return result;
}

void warn_of_unused(size_t unused, size_t all, std::string_view first, const Source& source,
                    const ReadOptions& options) {
  if (unused == 0 || !options.warn) return;
  options.warn(fmt::format("{}: {} of {} storages belong to nothing in the value, '{}' is the first",
                           source.name(), unused, all, quotable(first)));
}

Value read_torch_bytes(std::string_view bytes, const ReadOptions& options, const std::string& where,
                       int nesting) {
  const Source source(bytes, where + ", a file within it");
  if (bytes.starts_with("PK\3\4")) return read_zip(source, options, nesting);
  if (is_legacy(bytes)) return read_legacy(source, options, nesting);
  fail("{} is not of PyTorch's", source.name());
}

}  // namespace kiln::io
