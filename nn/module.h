#pragma once

#include <iosfwd>
#include <typeinfo>

#include <kiln/nn/member.h>
#include <kiln/tensor/base/box.h>
#include <kiln/tensor/base/function.h>
#include <kiln/tensor/value/state_dict.h>

namespace kiln {
class Value;
}

namespace kiln::nn {

using NamedTensors = std::vector<StateDict::Entry>;
struct NamedModule {
  std::string name;
  Module& module;
};

struct LoadOptions {
  bool strict = true;   // throw, and change nothing, unless every key and shape fits
  bool assign = false;  // take the given tensors (memory and dtype) instead of copying their values
};
struct ShapeMismatch {
  std::string name;
  Shape expected, found;  // the module's, the dict's
};
struct LoadResult {
  std::vector<std::string> missing_keys, unexpected_keys;
  std::vector<ShapeMismatch> mismatched_keys;
  bool ok() const { return missing_keys.empty() && unexpected_keys.empty() && mismatched_keys.empty(); }
};
// The first five findings of a kind, a line each, with the name that was probably meant.
std::string to_string(const LoadResult& result);

// Sees, and may change, the tensors among a module's arguments before forward runs.
using ForwardPreHook = Function<void(Module& module, Tensors& inputs)>;
// Sees the tensors among the arguments, and sees and may replace the result: one tensor, a list of tensors,
// or nothing when forward returns another type.
using ForwardHook = Function<void(Module& module, const Tensors& inputs, Tensors& outputs)>;

struct Hooks;
class Module;
namespace detail {
class Running;
// What load_state_dict takes of a Value; throws when that is not the weights alone.
StateDict weights_for(const Module& module, const Value& value);
}  // namespace detail

// The base of every layer and network: a value with named members (see NN_MEMBERS) and a forward function.
// Copying a module copies its structure and mode; the copy's tensors are handles to the same memory
// (nn::clone copies that, too). Hooks are not copied. Names, order and meaning are PyTorch's.
// Threads may call one module at once; changing its hooks, mode, members or memory is for one at a time.
class Module {
 public:
  Module();
  Module(const Module& other);
  Module(Module&&) noexcept;
  Module& operator=(const Module& other);
  Module& operator=(Module&&) noexcept;
  virtual ~Module();

  // Calls the visitor with every member.
  void visit_members(MemberVisitor& visitor) { visit_NN_MEMBERS(visitor); }
  // A struct without it is abstract, and the compiler's message says what is missing. NN_MEMBERS writes it,
  // and the next one; so does a class that lists its members in its own way.
  virtual void visit_NN_MEMBERS(MemberVisitor& visitor) = 0;  // NOLINT(readability-identifier-naming)
  // The class whose list is the last, and its size; 0 when it is not known.
  Module* listing_class() { return this; }
  virtual size_t listing_size() const { return 0; }
  // What is printed between the brackets: "3, 64, kernel_size=(3, 3)".
  virtual std::string extra_repr() const { return {}; }
  // Draws new parameters, of this module only.
  virtual void reset_parameters() {}
  // Two for each multiplication with an addition; what summary() counts.
  virtual int64_t flops(const Tensors& inputs, const Tensors& outputs) const;

  // All below this module, each tensor once, named by path.
  Tensors parameters() const;
  NamedTensors named_parameters() const;
  Tensors buffers() const;
  NamedTensors named_buffers() const;
  // This module first (its name is empty), then those below it.
  std::vector<NamedModule> named_modules() const;
  std::vector<NamedModule> named_children() const;

  // Parameters and persistent buffers, sharing memory, without history.
  StateDict state_dict() const;
  // Copies values in, converting dtype and device. A key that is missing, unknown or of another shape is an
  // error that lists all of them when strict, else left alone and listed in the result. Keys
  // num_batches_tracked may be missing, as in files older than they are.
  LoadResult load_state_dict(const StateDict& state, const LoadOptions& options = {});

  // The same from a file: load_state_dict(io::load(path)). Of a checkpoint that has the weights in an entry,
  // the Error names the entry and how many of the names it has.
  template <class V>
  requires std::is_same_v<V, Value>  // so that braces mean a StateDict
      LoadResult load_state_dict(const V& weights, const LoadOptions& options = {}) {
    return load_state_dict(detail::weights_for(*this, weights), options);
  }

  // In place: tensors keep their identity, so an optimiser made before goes on, and its state follows. A
  // dtype must be floating and converts floating tensors only. The memory format is for parameters of rank 4.
  Module& to(Device device);
  Module& to(DType dtype);
  Module& to(Device device, DType dtype) { return to(device).to(dtype); }
  Module& to(MemoryFormat format);

  // The mode of dropout and batch norm, here and below.
  Module& train(bool mode = true);
  Module& eval() { return train(false); }
  bool is_training() const { return training_; }
  // Of this module only; ModeGuard keeps the modes of all.
  void set_own_mode(bool training) { training_ = training; }

  Module& requires_grad_(bool value = true);
  // Stops (starts) the learning of the parameters named by a path ("layer1", "layer1.0.conv1.weight") or a
  // pattern in which * stands for any letters and ? for one ("*.bias"). Returns how many tensors matched;
  // throws when none did.
  int64_t freeze(std::string_view pattern) { return set_requires_grad(pattern, false); }
  int64_t unfreeze(std::string_view pattern) { return set_requires_grad(pattern, true); }
  void zero_grad(bool set_to_none = true);

  // Calls f with every module below, then this one.
  Module& apply(const Function<void(Module&)>& f);

  // Hooks of this module, in the order of registering. Each returns a number for remove_hook.
  int64_t register_forward_pre_hook(ForwardPreHook hook);
  int64_t register_forward_hook(ForwardHook hook);
  void remove_hook(int64_t id);
  bool has_hooks() const { return hooks_ != nullptr; }

  // The class without namespaces: "Conv2d".
  std::string type_name() const;

 private:
  friend class detail::Running;
  friend class detail::OwnMemory;
  friend struct Hooks;
  int64_t set_requires_grad(std::string_view pattern, bool value);

  detail::Mark<detail::Part::module> mark_;
  bool training_ = true;
  bool checked_ = false;  // all that is in its memory is listed; several threads may find that out at once
  Box<Hooks> hooks_;
};

// The class in a C++ name without namespaces and template arguments.
std::string class_name(std::string_view full);

// As PyTorch prints it: one line a layer, nested ones indented. Also by std::cout <<, and by fmt with
// <kiln/fmt.h>.
std::string to_string(const Module& module);
std::ostream& operator<<(std::ostream& out, const Module& module);

namespace detail {
// Gives every parameter and buffer memory of its own; those that shared before still share.
void unshare(Module& module);
}  // namespace detail

// A copy with parameters and buffers of its own.
template <class M>
M clone(const M& module) {
  M copy(module);
  detail::unshare(copy);
  return copy;
}

}  // namespace kiln::nn

#include <kiln/nn/running.h>
