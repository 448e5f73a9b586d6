#include "fuzz/mutate/storages.h"

#include <algorithm>
#include <optional>

#include <kiln/io/pickle/pickle.h>
#include <kiln/io/torch/torch_types.h>
#include <kiln/tensor/base/error.h>

namespace kiln::fuzz {
namespace {

using io::PickleGraph;

constexpr size_t kMost = 32 << 10;  // bytes of all
constexpr size_t kItems = 5;

std::optional<NamedStorage> storage_of(const PickleGraph& graph, PickleGraph::Id id) {
  using Kind = PickleGraph::Kind;
  if (graph.kind(id) != Kind::persistent || graph.kind(graph.persistent(id)) != Kind::tuple) return {};
  const auto items = graph.items(graph.persistent(id));
  if (items.size() < kItems || graph.kind(items[1]) != Kind::global || !graph.is_text(items[2]) ||
      graph.kind(items[4]) != Kind::integer)
    return {};
  const io::TorchType* const type = io::torch_type_of_class(graph.global_name(items[1]), "Storage");
  const int64_t count = graph.integer(items[4]);
  if (type == nullptr || count < 0 || count > int64_t(kMost)) return {};
  return NamedStorage{std::string(graph.text(items[2])), count, size_t(count * size_of(type->dtype))};
}

}  // namespace

std::vector<NamedStorage> named_storages(std::string_view pickle) {
  std::vector<NamedStorage> found;
  size_t bytes = 0;
  try {
    const PickleGraph graph = io::parse_pickle(pickle, "fuzz");
    for (PickleGraph::Id id = 0; id < graph.size(); ++id) {
      const std::optional<NamedStorage> storage = storage_of(graph, id);
      if (!storage || bytes + storage->bytes > kMost) continue;
      if (std::ranges::any_of(found, [&](const auto& known) { return known.key == storage->key; })) continue;
      bytes += storage->bytes;
      found.push_back(*storage);
    }
  } catch (const Error&) {
    return {};
  }
  return found;
}

}  // namespace kiln::fuzz
