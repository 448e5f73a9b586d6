#include <oracle/call.h>

namespace kiln::oracle {
namespace {

using DimsReduction = Tensor (*)(const Tensor&, const Dims&, bool);
Function over_dims(DimsReduction op) {
  return [op](const Call& c) { return Tensors{op(c.in(0), c.dims("dim"), c.flag("keepdim"))}; };
}

Tensors both(const ValuesAndIndices& result) { return {result.values, result.indices}; }

std::optional<int> optional_dim(const Call& c) {
  return c.has("dim") ? std::optional(c.dim()) : std::nullopt;
}

void add_reductions(Table& table) {
  table["sum"] = over_dims(sum);
  table["mean"] = over_dims(mean);
  table["amax"] = over_dims(amax);
  table["amin"] = over_dims(amin);
  table["logsumexp"] = over_dims(logsumexp);
  table["var"] = [](const Call& c) {
    return Tensors{var(c.in(0), c.dims("dim"), c.real("correction", 1), c.flag("keepdim"))};
  };
  table["std"] = [](const Call& c) {
    return Tensors{kiln::std(c.in(0), c.dims("dim"), c.real("correction", 1), c.flag("keepdim"))};
  };
  table["norm"] = [](const Call& c) {
    return Tensors{norm(c.in(0), c.real("p", 2), c.dims("dim"), c.flag("keepdim"))};
  };
  table["max"] = [](const Call& c) {
    return c.has("dim") ? both(max(c.in(0), c.dim(), c.flag("keepdim"))) : Tensors{max(c.in(0))};
  };
  table["min"] = [](const Call& c) {
    return c.has("dim") ? both(min(c.in(0), c.dim(), c.flag("keepdim"))) : Tensors{min(c.in(0))};
  };
  table["argmax"] = [](const Call& c) {
    return Tensors{argmax(c.in(0), optional_dim(c), c.flag("keepdim"))};
  };
  table["argmin"] = [](const Call& c) {
    return Tensors{argmin(c.in(0), optional_dim(c), c.flag("keepdim"))};
  };
  table["prod"] = [](const Call& c) { return Tensors{prod(c.in(0))}; };
  table["any"] = [](const Call& c) {
    return Tensors{c.has("dim") ? any(c.in(0), c.dim(), c.flag("keepdim")) : any(c.in(0))};
  };
  table["all"] = [](const Call& c) {
    return Tensors{c.has("dim") ? all(c.in(0), c.dim(), c.flag("keepdim")) : all(c.in(0))};
  };
  table["cumsum"] = [](const Call& c) { return Tensors{cumsum(c.in(0), c.dim())}; };
}

void add_indexing(Table& table) {
  table["where"] = [](const Call& c) { return Tensors{where(c.in(0), c.in(1), c.in(2))}; };
  table["masked_fill"] = [](const Call& c) {
    return Tensors{masked_fill(c.in(0), c.in(1), c.scalar("value"))};
  };
  table["gather"] = [](const Call& c) { return Tensors{gather(c.in(0), c.dim(), c.in(1))}; };
  table["scatter_add"] = [](const Call& c) {
    return Tensors{scatter_add(c.in(0), c.dim(), c.in(1), c.in(2))};
  };
  table["index_select"] = [](const Call& c) { return Tensors{index_select(c.in(0), c.dim(), c.in(1))}; };
  table["index_add"] = [](const Call& c) { return Tensors{index_add(c.in(0), c.dim(), c.in(1), c.in(2))}; };
  table["one_hot"] = [](const Call& c) { return Tensors{one_hot(c.in(0), c.integer("num_classes"))}; };
  table["topk"] = [](const Call& c) {
    return both(topk(c.in(0), c.integer("k"), c.dim("dim", -1), c.flag("largest", true)));
  };
  table["sort"] = [](const Call& c) { return both(sort(c.in(0), c.dim("dim", -1), c.flag("descending"))); };
}

void add_views(Table& table) {
  table["reshape"] = [](const Call& c) { return Tensors{reshape(c.in(0), c.dims("shape"))}; };
  table["permute"] = [](const Call& c) { return Tensors{permute(c.in(0), c.dims("dims"))}; };
  table["transpose"] = [](const Call& c) {
    return Tensors{transpose(c.in(0), c.dim("dim0"), c.dim("dim1"))};
  };
  table["narrow"] = [](const Call& c) {
    return Tensors{narrow(c.in(0), c.dim(), c.integer("start"), c.integer("length"))};
  };
  table["select"] = [](const Call& c) { return Tensors{select(c.in(0), c.dim(), c.integer("index"))}; };
  table["slice"] = [](const Call& c) {
    return Tensors{
        slice(c.in(0), c.dim(), c.integer("start"), c.integer("end", INT64_MAX), c.integer("step", 1))};
  };
  table["squeeze"] = [](const Call& c) {
    return Tensors{c.has("dim") ? squeeze(c.in(0), c.dim()) : squeeze(c.in(0))};
  };
  table["unsqueeze"] = [](const Call& c) { return Tensors{unsqueeze(c.in(0), c.dim())}; };
  table["expand"] = [](const Call& c) { return Tensors{expand(c.in(0), c.dims("shape"))}; };
  table["flatten"] = [](const Call& c) {
    return Tensors{flatten(c.in(0), c.dim("start_dim"), c.dim("end_dim", -1))};
  };
  table["split"] = [](const Call& c) { return split(c.in(0), c.integer("size"), c.dim()); };
  table["chunk"] = [](const Call& c) { return chunk(c.in(0), c.integer("chunks"), c.dim()); };
  table["unbind"] = [](const Call& c) { return unbind(c.in(0), c.dim()); };
  table["cat"] = [](const Call& c) { return Tensors{cat(c.inputs, c.dim())}; };
  table["stack"] = [](const Call& c) { return Tensors{stack(c.inputs, c.dim())}; };
  table["to"] = [](const Call& c) { return Tensors{c.in(0).to(dtype_from_name(c.text("dtype")))}; };
  table["clone"] = [](const Call& c) { return Tensors{c.in(0).clone()}; };
}

void add_factories(Table& table) {
  table["arange"] = [](const Call& c) {
    return Tensors{arange(c.scalar("start"), c.scalar("end"), c.scalar("step"))};
  };
  table["linspace"] = [](const Call& c) {
    return Tensors{linspace(c.real("start"), c.real("end"), c.integer("steps"))};
  };
  table["eye"] = [](const Call& c) { return Tensors{eye(c.integer("n"), c.integer("m", -1))}; };
  table["full"] = [](const Call& c) { return Tensors{full(c.dims("size"), c.scalar("fill_value"))}; };
}

}  // namespace

void add_tensor_ops(Table& table) {
  add_reductions(table);
  add_indexing(table);
  add_views(table);
  add_factories(table);
  table["matmul"] = [](const Call& c) { return Tensors{matmul(c.in(0), c.in(1))}; };
  table["softmax"] = [](const Call& c) { return Tensors{softmax(c.in(0), c.dim())}; };
  table["log_softmax"] = [](const Call& c) { return Tensors{log_softmax(c.in(0), c.dim())}; };
}

}  // namespace kiln::oracle
