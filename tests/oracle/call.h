#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include <kiln/kiln.h>

// The oracle's side of Kiln: ops by name, with arguments from JSON. run.py calls them beside PyTorch's.

namespace kiln::oracle {

// One call: tensors that came with it and named arguments.
struct Call {
  Tensors inputs;
  nlohmann::json args;

  // The tensor, or an undefined one when fewer were given.
  Tensor in(size_t i) const { return i < inputs.size() ? inputs[i] : Tensor(); }
  bool has(const char* name) const { return args.contains(name) && !args[name].is_null(); }
  int64_t integer(const char* name, int64_t otherwise = 0) const {
    return has(name) ? args[name].get<int64_t>() : otherwise;
  }
  int dim(const char* name = "dim", int otherwise = 0) const { return int(integer(name, otherwise)); }
  double real(const char* name, double otherwise = 0) const {
    return has(name) ? args[name].get<double>() : otherwise;
  }
  bool flag(const char* name, bool otherwise = false) const {
    return has(name) ? args[name].get<bool>() : otherwise;
  }
  std::string text(const char* name) const { return args[name].get<std::string>(); }
  // A Python number as PyTorch's functions take it: bool, int or float.
  Scalar scalar(const char* name) const {
    const nlohmann::json& value = args[name];
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer()) return value.get<int64_t>();
    return value.get<double>();
  }
  Dims dims(const char* name) const {
    if (!has(name)) return {};
    if (args[name].is_number()) return args[name].get<int64_t>();
    return Dims(std::span<const int64_t>(args[name].get<std::vector<int64_t>>()));
  }
  Pair pair(const char* name, Pair otherwise) const {
    if (!has(name)) return otherwise;
    if (args[name].is_number()) return args[name].get<int64_t>();
    return {args[name][0].get<int64_t>(), args[name][1].get<int64_t>()};
  }
};

using Function = std::function<Tensors(const Call& call)>;
using Table = std::map<std::string, Function>;

// Each adds its ops.
void add_elementwise(Table& table);
void add_tensor_ops(Table& table);
void add_index_ops(Table& table);
void add_network_ops(Table& table);
void add_optimizers(Table& table);
void add_picture_ops(Table& table);

}  // namespace kiln::oracle
