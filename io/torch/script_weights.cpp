#include <algorithm>

#include <kiln/io/torch/script_classes.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/seeded_hash.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::io {
namespace {

bool is_tensor(const Value& value) {
  return value.is_tensor() || (value.is_object() && value.find("values") != nullptr);
}

// What is in a module, as Module.state_dict() orders it: parameters, buffers, and then the modules in it.
class ScriptWeights {
 public:
  ScriptWeights(ScriptClasses& classes, std::string where)
      : classes_(classes), where_(std::move(where)), state_{"state dict"}, others_{"attributes"} {}

  Value collect(const Value& root) {
    visits_ = {{&root, ""}};
    while (!visits_.empty()) {
      const Visit visit = std::move(visits_.back());
      visits_.pop_back();
      // Of an object without code, or that is no module, nothing is known: all of its tensors count.
      const ScriptClass* type = classes_.find(visit.value->type());
      type != nullptr && type->is_module ? module(*visit.value, *type, visit.prefix)
                                         : add_all(*visit.value, visit.prefix, state_);
    }
    Value result = Value::object(root.type(), std::move(state_.entries));
    if (!others_.entries.empty())
      result.set_attributes(Value{{"__dict__", Value::dict(std::move(others_.entries))}});
    return result;
  }

 private:
  struct Visit {
    const Value* value;
    std::string prefix;  // of the names in it: "conv1."
  };
  struct Tensors {
    const char* what;
    std::vector<Value::Entry> entries;
    std::unordered_set<std::string, TextHash> names;
  };

  void add(const std::string& name, const Value& tensor, Tensors& to) const {
    if (!to.names.insert(name).second)
      fail("{}: two tensors of its {} are named '{}'", where_, to.what, shown_name(name));
    to.entries.push_back({name, tensor});
  }

  void add_all(const Value& value, const std::string& prefix, Tensors& to) const {
    for (ValueWalk walk(value, '.'); walk.next();) {
      if (!is_tensor(walk.value())) continue;
      // The prefix ends in a dot, which is one too many for the value itself.
      add(walk.path().empty() ? prefix.substr(0, prefix.size() - 1) : prefix + walk.path(), walk.value(), to);
      walk.skip();
    }
  }

  void module(const Value& value, const ScriptClass& type, const std::string& prefix) {
    std::vector<std::pair<size_t, const Value::Entry*>> own;
    std::vector<Visit> children;
    for (const Value::Entry& entry : value.entries()) {
      const std::string name = to_string(entry.key);
      const auto place = type.places.find(name);
      const bool is_buffer = !type.has_buffers && entry.value.is_tensor();
      if (is_tensor(entry.value) && (place != type.places.end() || is_buffer))
        own.emplace_back(place != type.places.end() ? place->second : type.places.size(), &entry);
      else if (is_module(entry.value))
        children.push_back({&entry.value, prefix + name + "."});
      else
        add_all(entry.value, prefix + name + ".", others_);
    }
    std::ranges::stable_sort(own, {}, [](const auto& found) { return found.first; });
    for (const auto& [place, entry] : own) add(prefix + to_string(entry->key), entry->value, state_);
    visits_.insert(visits_.end(), children.rbegin(), children.rend());
  }

  // So is an object without code, but for those of C++ classes, which hold what they pack.
  bool is_module(const Value& value) {
    if (!value.is_object() || !value.type().starts_with("__torch__.")) return false;
    const ScriptClass* type = classes_.find(value.type());
    return type != nullptr ? type->is_module : !value.type().starts_with("__torch__.torch.classes.");
  }

  ScriptClasses& classes_;
  std::string where_;
  Tensors state_, others_;
  std::vector<Visit> visits_;
};

}  // namespace

Value script_weights(const Value& module, const ZipArchive& archive, const std::string& prefix,
                     const Source& source, const ReadOptions& options) {
  ScriptClasses classes(archive, prefix + "code/", options.limits, options.verify);
  return ScriptWeights(classes, source.name()).collect(module);
}

}  // namespace kiln::io
