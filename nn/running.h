#pragma once

#include <tuple>

#include <kiln/nn/module.h>

// What happens around a module's forward: hooks, and the stack of running modules that error messages name.

namespace kiln::nn {

namespace detail {

// While it lives, a module runs on this thread.
class Running {
 public:
  // `size` is that of the module's own type: a module inside another one's memory that the other's NN_MEMBERS
  // forgot is found at its first call, and is an error.
  Running(Module& module, size_t size);
  ~Running();
  Running(const Running&) = delete;

 private:
  friend std::string running_path();
  void check_place();

  Module& module_;
  size_t size_;
  const Running* caller_;
};

// "layer1.0.conv1": the modules that run on this thread; empty when none does.
std::string running_path();

void run_forward_pre_hooks(Module& module, Tensors& inputs);
void run_forward_hooks(Module& module, const Tensors& inputs, Tensors& outputs);

template <class T>
inline constexpr bool is_tensor = std::is_base_of_v<Tensor, std::remove_cvref_t<T>>;

// A tensor argument as the hooks left it, any other as it was given.
template <class Arg>
decltype(auto) hooked_argument(Arg& argument, const Tensors& inputs, size_t& next) {
  if constexpr (is_tensor<Arg>)
    return static_cast<const Tensor&>(inputs[next++]);
  else
    return static_cast<Arg&>(argument);
}

template <class Forward, class... Args>
auto call_with_hooks(Module& module, Forward&& forward, Args&... arguments) {
  Tensors inputs;
  const auto collect = [&inputs](auto& argument) {
    if constexpr (is_tensor<decltype(argument)>) inputs.push_back(argument);
  };
  (collect(arguments), ...);
  run_forward_pre_hooks(module, inputs);
  size_t next = 0;
  // Braces: evaluated from left to right.
  std::tuple<decltype(hooked_argument(arguments, inputs, next))...> hooked{
      hooked_argument(arguments, inputs, next)...};
  auto result = std::apply(forward, hooked);
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

}  // namespace detail
}  // namespace kiln::nn

// Written once in a module, after its members: NN_MEMBERS(conv1, bn1, fc). It lists the parameters, buffers
// and modules in the order of the state dict (also std::optional, std::vector and std::array of them), and
// makes module(x, ...) call forward(x, ...) with hooks. A struct without members writes NN_MEMBERS(). The
// struct must not be local to a function.
#define NN_MEMBERS(...)                                                                      \
  void visit_members(::kiln::nn::MemberVisitor& visitor) final {                             \
    ::kiln::nn::detail::visit_members(visitor, #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__);     \
  }                                                                                          \
  template <class... Args>                                                                   \
  auto operator()(Args&&... arguments) {                                                     \
    const ::kiln::nn::detail::Running running(*this, sizeof(*this));                         \
    if (!this->has_hooks()) return this->forward(::std::forward<Args>(arguments)...);        \
    return ::kiln::nn::detail::call_with_hooks(                                              \
        *this, [this](auto&&... hooked) { return this->forward(hooked...); }, arguments...); \
  }
