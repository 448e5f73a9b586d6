#pragma once

#include <string>
#include <string_view>

#include <kiln/nn/mark.h>
#include <kiln/tensor/tensor.h>

// What a module is made of: parameters, buffers and other modules, each with the name of its member.

namespace kiln::nn {

class Module;
class AnyModule;
namespace detail {
class OwnMemory;
}

// A tensor that a module learns: a leaf that requires grad (unless frozen). Undefined stands for a parameter
// that is switched off (bias = false): it has no name in the state dict.
struct Parameter : Tensor {
  Parameter() = default;
  // Shares x's memory, not its history.
  explicit Parameter(const Tensor& x);

 private:
  friend class detail::OwnMemory;
  detail::Mark<detail::Part::parameter> mark_;
};

// A tensor that belongs to a module's state but is not learned.
struct Buffer : Tensor {
  bool persistent = true;  // false: left out of the state dict

  Buffer() = default;
  explicit Buffer(const Tensor& x, bool is_persistent = true) : Tensor(x), persistent(is_persistent) {}

 private:
  friend class detail::OwnMemory;
  detail::Mark<detail::Part::buffer> mark_;
};

class MemberVisitor {
 public:
  virtual ~MemberVisitor() = default;
  virtual void parameter(std::string_view, Parameter&) {}
  virtual void buffer(std::string_view, Buffer&) {}
  virtual void module(std::string_view, Module&) {}
  // A module of any type, which may be replaced; seen as what it holds unless told otherwise.
  virtual void any_module(std::string_view name, AnyModule& module);
  // The memory of a member that is listed, whatever it is; comes before what is in it.
  virtual void extent(const void*, size_t) {}
};

namespace detail {

template <class T>
concept IsModule = std::is_base_of_v<Module, T>;
template <class T>
concept IsOptional = requires(T& member) {
  member.has_value();
  *member;
};
template <class T>
concept IsList = requires(T& member) {
  member.begin();
  member.end();
  member.size();
};

// A std::optional and an AnyModule are visited when they hold something; the elements of a std::vector or
// std::array by number
// ("blocks.0").
template <class T>
void visit_member(MemberVisitor& visitor, std::string_view name, T& member) {
  if constexpr (std::is_base_of_v<Parameter, T>) {
    visitor.parameter(name, member);
  } else if constexpr (std::is_base_of_v<Buffer, T>) {
    visitor.buffer(name, member);
  } else if constexpr (IsModule<T>) {
    visitor.module(name, member);
  } else if constexpr (std::is_base_of_v<AnyModule, T>) {
    visitor.any_module(name, member);
  } else if constexpr (IsOptional<T>) {
    if (member.has_value()) visit_member(visitor, name, *member);
  } else if constexpr (IsList<T>) {
    size_t index = 0;
    for (auto& element : member)
      visit_member(visitor, std::string(name) + "." + std::to_string(index++), element);
  } else {
    static_assert(sizeof(T) == 0, "NN_MEMBERS lists parameters, buffers and modules only");
  }
}

// Cuts the first name off "conv1, bn1, fc".
std::string_view next_name(std::string_view& names);

// `names` are the members as the preprocessor spells them.
template <class... Members>
void visit_members(MemberVisitor& visitor, [[maybe_unused]] std::string_view names, Members&... members) {
  ((visitor.extent(__builtin_addressof(members), sizeof(members)),
    visit_member(visitor, next_name(names), members)),
   ...);
}

// The members that the struct has from the network it derives from.
template <class Base, class M>
void visit_base(MemberVisitor& visitor, M& module) {
  if constexpr (!std::is_same_v<Base, Module>) module.Base::visit_NN_MEMBERS(visitor);
}

}  // namespace detail
}  // namespace kiln::nn
