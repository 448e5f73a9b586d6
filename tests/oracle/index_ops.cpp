#include <oracle/call.h>

namespace kiln::oracle {
namespace {

std::optional<int64_t> bound(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<int64_t>());
}

indexing::TensorIndices indices_of(const Call& c) {
  indexing::TensorIndices indices;
  for (const nlohmann::json& item : c.args["index"]) {
    if (item.is_null())
      indices.push_back(indexing::None);
    else if (item.is_string())
      indices.push_back(indexing::Ellipsis);
    else if (item.is_boolean())
      indices.push_back(item.get<bool>());
    else if (item.is_number())
      indices.push_back(item.get<int64_t>());
    else if (item.contains("tensor"))
      indices.push_back(c.in(item["tensor"].get<size_t>()));
    else
      indices.push_back(
          indexing::Slice(bound(item["slice"][0]), bound(item["slice"][1]), bound(item["slice"][2])));
  }
  return indices;
}

using Two = Tensor (*)(const Tensor&, const Tensor&);
using WithScalar = Tensor (*)(const Tensor&, const Scalar&);

Function bits(Two two, WithScalar with_scalar) {
  return [=](const Call& c) {
    return Tensors{c.has("other") ? with_scalar(c.in(0), c.scalar("other")) : two(c.in(0), c.in(1))};
  };
}

Function two(Two op) {
  return [op](const Call& c) { return Tensors{op(c.in(0), c.in(1))}; };
}

}  // namespace

void add_index_ops(Table& table) {
  table["index"] = [](const Call& c) { return Tensors{index(c.in(0), indices_of(c))}; };
  table["index_put"] = [](const Call& c) {
    return Tensors{index_put(c.in(0), indices_of(c), c.in(1), c.flag("accumulate"))};
  };
  table["index_copy"] = [](const Call& c) { return Tensors{index_copy(c.in(0), c.dim(), c.in(2), c.in(1))}; };
  table["masked_select"] = two(masked_select);
  table["nonzero"] = [](const Call& c) { return Tensors{nonzero(c.in(0))}; };
  table["repeat"] = [](const Call& c) { return Tensors{repeat(c.in(0), c.dims("dim"))}; };
  table["tile"] = [](const Call& c) { return Tensors{tile(c.in(0), c.dims("dim"))}; };
  table["flip"] = [](const Call& c) { return Tensors{flip(c.in(0), c.dims("dim"))}; };
  table["roll"] = [](const Call& c) { return Tensors{roll(c.in(0), c.dims("shifts"), c.dims("dim"))}; };
  table["argsort"] = [](const Call& c) { return Tensors{argsort(c.in(0), c.dim())}; };
  table["mm"] = two(mm);
  table["mv"] = two(mv);
  table["dot"] = two(dot);
  table["bmm"] = two(bmm);
  table["bitwise_and"] = bits(bitwise_and, bitwise_and);
  table["bitwise_or"] = bits(bitwise_or, bitwise_or);
  table["bitwise_xor"] = bits(bitwise_xor, bitwise_xor);
  table["bitwise_not"] = [](const Call& c) { return Tensors{bitwise_not(c.in(0))}; };
  table["logical_xor"] = two(logical_xor);
}

}  // namespace kiln::oracle
