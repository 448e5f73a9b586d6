#pragma once

#include <utility>

#include <kiln/nn/module.h>

// What happens around a module's forward: hooks, and the stack of running modules that error messages name.

namespace kiln::nn {

namespace detail {

// While it lives, a module runs on this thread.
class Running {
 public:
  // At the first call of a module: throws when something in its own memory, as far as its type M goes, is not
  // listed in NN_MEMBERS.
  template <class M>
  explicit Running(const M& module) : Running(module, &module, sizeof(M)) {}
  ~Running();
  Running(const Running&) = delete;

 private:
  friend std::string running_path();
  struct Entered {};
  Running(const Module& module, const void* object, size_t size);
  Running(Entered, const Module& module, const void* object, size_t size);
  void check();

  const Module& module_;
  const void* object_;
  size_t size_;
  const Running* caller_;
};

// "layer1.0.conv1": the modules that run on this thread; empty when none does.
std::string running_path();

void run_forward_pre_hooks(Module& module, Tensors& inputs);
void run_forward_hooks(Module& module, const Tensors& inputs, Tensors& outputs);

template <class T>
inline constexpr bool is_tensor = std::is_base_of_v<Tensor, std::remove_cvref_t<T>>;

// How many of the first `count` arguments are tensors.
template <class... Args>
constexpr size_t tensors_among(size_t count) {
  size_t tensors = 0, index = 0;
  ((tensors += index++ < count && is_tensor<Args>), ...);
  return tensors;
}

// A tensor argument as the hooks left it, any other as it was given.
template <class Arg>
decltype(auto) hooked_argument(Arg& argument, const Tensors& inputs, size_t place) {
  if constexpr (is_tensor<Arg>)
    return static_cast<const Tensor&>(inputs[place]);
  else
    return static_cast<Arg&>(argument);
}

template <size_t... I, class M, class... Args>
auto forward_hooked(std::index_sequence<I...>, M& module, [[maybe_unused]] const Tensors& inputs,
                    Args&... arguments) {
  return module.forward(hooked_argument(arguments, inputs, tensors_among<Args...>(I))...);
}

// Hooks see the module without const, as it is theirs to change.
template <class M, class... Args>
auto call_with_hooks(M& called, Args&... arguments) {
  Module& module = const_cast<Module&>(static_cast<const Module&>(called));
  Tensors inputs;
  const auto collect = [&inputs](auto& argument) {
    if constexpr (is_tensor<decltype(argument)>) inputs.push_back(argument);
  };
  (collect(arguments), ...);
  run_forward_pre_hooks(module, inputs);
  auto result = forward_hooked(std::index_sequence_for<Args...>(), called, inputs, arguments...);
  Tensors outputs;
  if constexpr (std::is_same_v<decltype(result), Tensors>)
    outputs = result;
  else if constexpr (is_tensor<decltype(result)>)
    outputs.push_back(result);
  run_forward_hooks(module, inputs, outputs);
  if constexpr (std::is_same_v<decltype(result), Tensors>)
    result = outputs;
  else if constexpr (is_tensor<decltype(result)>)
    result = outputs.at(0);
  return result;
}

template <class M, class... Args>
auto call(M& module, Args&&... arguments) {
  const Running running(module);
  if (!module.has_hooks()) return module.forward(static_cast<Args&&>(arguments)...);
  return call_with_hooks(module, arguments...);
}

// Whether M's forward takes the arguments.
template <class M, class... Args>
concept CanForward = requires(M& module, Args&&... arguments) {
  module.forward(static_cast<Args&&>(arguments)...);
};

// What calling a local struct with a number of tensors gives that its forward does not take.
template <class M>
struct ForwardTakesOtherArguments {};

template <class M, class... Args>
auto call_local(M& module, const Args&... arguments) {
  if constexpr (CanForward<M, const Args&...>)
    return call(module, arguments...);
  else
    return ForwardTakesOtherArguments<M>();
}

}  // namespace detail
}  // namespace kiln::nn

// Written once in a module, after its members: NN_MEMBERS(conv1, bn1, fc). It lists the parameters, buffers
// and modules in the order of the state dict (also std::optional, std::vector and std::array of them), after
// those of the network that the struct derives from, and makes module(x, ...) call forward(x, ...) with
// hooks, for a const module where forward is const. A struct without members writes NN_MEMBERS().
#define NN_MEMBERS(...)                                                                               \
  NN_LISTED(__VA_ARGS__)                                                                              \
  template <class... Args>                                                                            \
  auto operator()(Args&&... arguments) {                                                              \
    return ::kiln::nn::detail::call(*this, static_cast<Args&&>(arguments)...);                        \
  }                                                                                                   \
  template <class... Args>                                                                            \
  auto operator()(Args&&... arguments)                                                                \
      const requires ::kiln::nn::detail::CanForward<const ::std::remove_reference_t<decltype(*this)>, \
                                                    Args...> {                                        \
    return ::kiln::nn::detail::call(*this, static_cast<Args&&>(arguments)...);                        \
  }

// The same for a struct inside a function, where C++ allows no member templates: its forward takes one to
// three tensors and no other arguments.
#define NN_LOCAL_MEMBERS(...)                                                                         \
  NN_LISTED(__VA_ARGS__)                                                                              \
  auto operator()(const ::kiln::Tensor& a) { return ::kiln::nn::detail::call_local(*this, a); }       \
  auto operator()(const ::kiln::Tensor& a) const { return ::kiln::nn::detail::call_local(*this, a); } \
  auto operator()(const ::kiln::Tensor& a, const ::kiln::Tensor& b) {                                 \
    return ::kiln::nn::detail::call_local(*this, a, b);                                               \
  }                                                                                                   \
  auto operator()(const ::kiln::Tensor& a, const ::kiln::Tensor& b) const {                           \
    return ::kiln::nn::detail::call_local(*this, a, b);                                               \
  }                                                                                                   \
  auto operator()(const ::kiln::Tensor& a, const ::kiln::Tensor& b, const ::kiln::Tensor& c) {        \
    return ::kiln::nn::detail::call_local(*this, a, b, c);                                            \
  }                                                                                                   \
  auto operator()(const ::kiln::Tensor& a, const ::kiln::Tensor& b, const ::kiln::Tensor& c) const {  \
    return ::kiln::nn::detail::call_local(*this, a, b, c);                                            \
  }

// What both are made of. listing_before is declared while only the base's listing_class can be seen: that is
// how the struct learns what it derives from.
#define NN_LISTED(...)                                                                                 \
  auto listing_before()->decltype(this->listing_class()) { return this; }                              \
  auto listing_class()->decltype(this) { return this; }                                                \
  size_t listing_size() const override { return sizeof(*this); }                                       \
  void visit_NN_MEMBERS(::kiln::nn::MemberVisitor& visitor) override {                                 \
    ::kiln::nn::detail::visit_base<::std::remove_pointer_t<decltype(this->listing_before())>>(visitor, \
                                                                                              *this);  \
    ::kiln::nn::detail::visit_members(visitor, #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__);               \
  }
