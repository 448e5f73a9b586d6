#include <kiln/io/pickle/pickle.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {

const char* name_of(PickleGraph::Kind kind) {
  constexpr const char* names[] = {
      "None",  "bool", "int",  "int", "float",     "str",    "bytes",  "str of Python 2",
      "tuple", "list", "dict", "set", "frozenset", "global", "object", "persistent id"};
  return names[int(kind)];
}

void PickleGraph::lacks_value() const { fail("{}: the pickle lacks a value that is needed", origin_); }

void PickleGraph::wrong_kind(Id id, const char* wanted) const {
  fail("{}: the pickle holds {} {} where {} is needed", origin_, name_of(kind(id)), id, wanted);
}

int64_t PickleGraph::integer(Id id) const {
  if (kind(id) != Kind::integer && kind(id) != Kind::boolean) wrong_kind(id, "an int of 64 bits");
  return node(id).integer;
}

double PickleGraph::real(Id id) const {
  if (kind(id) == Kind::integer) return double(node(id).integer);
  if (kind(id) != Kind::real) wrong_kind(id, "a float");
  return node(id).real;
}

std::string_view PickleGraph::text(Id id) const {
  if (!is_text(id) && kind(id) != Kind::big_integer) wrong_kind(id, "a string");
  return node(id).text;
}

std::span<const PickleGraph::Id> PickleGraph::growing_items(Id id) const {
  const Kind k = kind(id);
  if (k != Kind::list && k != Kind::set && k != Kind::frozen_set) wrong_kind(id, "a sequence");
  return lists_[node(id).box];
}

std::span<const PickleGraph::Id> PickleGraph::pairs(Id id) const {
  if (kind(id) == Kind::object) return object(id).pairs;
  if (kind(id) != Kind::dict) wrong_kind(id, "a dict");
  return lists_[node(id).box];
}

const PickleGraph::Object& PickleGraph::object(Id id) const {
  if (kind(id) != Kind::object) wrong_kind(id, "an object");
  return objects_[node(id).box];
}

PickleGraph::Id PickleGraph::persistent(Id id) const {
  if (kind(id) != Kind::persistent) wrong_kind(id, "a persistent id");
  return node(id).box;
}

std::string_view PickleGraph::global_module(Id id) const {
  if (kind(id) != Kind::global) wrong_kind(id, "a global");
  return globals_[node(id).box].module;
}

std::string_view PickleGraph::global_name(Id id) const {
  if (kind(id) != Kind::global) wrong_kind(id, "a global");
  return globals_[node(id).box].name;
}

std::string PickleGraph::global(Id id) const {
  return fmt::format("{}.{}", global_module(id), global_name(id));
}

bool PickleGraph::is_global(Id id, std::string_view module, std::string_view name) const {
  if (kind(id) != Kind::global) return false;
  const Global& global = globals_[node(id).box];
  return global.module == module && global.name == name;
}

PickleGraph::Id PickleGraph::find(Id dict, std::string_view key) const {
  const std::span<const Id> all = pairs(dict);
  for (size_t i = all.size(); i >= 2; i -= 2)
    if (is_text(all[i - 2]) && text(all[i - 2]) == key) return all[i - 1];
  return kNothing;
}

}  // namespace kiln::io
