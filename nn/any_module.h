#pragma once

#include <kiln/nn/running.h>

namespace kiln::nn {

namespace detail {
[[noreturn]] void fail_not_callable(const Module& module, size_t count);
// A type's own address, and its name in the compiler's words: users' code may have no typeid (-fno-rtti).
template <class T>
inline constexpr char type_tag = 0;
template <class T>
constexpr const char* type_text() {
  return __PRETTY_FUNCTION__;
}
[[noreturn]] void fail_other_type(const Module& module, std::string_view wanted_text);
[[noreturn]] void fail_empty();
Tensor single(const Module& module, Tensors results);

template <class T>
concept HoldsModule = IsModule<T> || std::is_base_of_v<AnyModule, T>;

template <class T, size_t... I>
constexpr bool holds_tensors(std::index_sequence<I...>) {
  return (... && is_tensor<std::tuple_element_t<I, T>>);
}
template <class T>
concept TupleOfTensors = requires {
  std::tuple_size<T>::value;
}
&&holds_tensors<T>(std::make_index_sequence<std::tuple_size_v<T>>());
// What a forward may give: a tensor, a list, or a pair, tuple or array of tensors.
template <class T>
concept GivesTensors =
    std::is_same_v<std::remove_cvref_t<T>, Tensors> || is_tensor<T> || TupleOfTensors<std::remove_cvref_t<T>>;

template <class R, size_t... I>
Tensors parts_of(const R& result, std::index_sequence<I...>) {
  return {std::get<I>(result)...};
}

template <GivesTensors R>
Tensors as_list(R&& result) {
  if constexpr (std::is_same_v<std::remove_cvref_t<R>, Tensors>)
    return std::forward<R>(result);
  else if constexpr (is_tensor<R>)
    return {std::forward<R>(result)};
  else
    return parts_of(result, std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<R>>>());
}

}  // namespace detail

// A model as a thing: a module of any type, held by value. It is called, asked, moved and saved like the
// module that it holds, and is passed wherever a Module& is wanted; as a member, and as an element of
// Sequential and ModuleList, it is seen as what it holds: no name, line or state-dict key of its own. A copy
// holds a copy. Whole networks by name: <kiln/models/models.h>.
//
//     nn::AnyModule model = nn::Sequential(nn::Linear(8, 16), nn::ReLU(), nn::Linear(16, 1));
//     optim::SGD optimizer(model.parameters(), {.lr = 0.1});
//     Tensor y = model(x);
//     model = nn::Linear(8, 1);
class AnyModule {
 public:
  // Empty: all but empty() and assignment throw. As a member it is nothing.
  AnyModule() = default;
  template <class M>
  requires(detail::IsModule<std::decay_t<M>> && !std::is_abstract_v<std::decay_t<M>>) AnyModule(M&& module)
      : held_(make_box<Held<std::decay_t<M>>>(std::forward<M>(module))) {}
  AnyModule(const AnyModule& other) : held_(other.held_ ? other.held_->copy() : nullptr) {}
  AnyModule(AnyModule&&) noexcept = default;
  AnyModule& operator=(AnyModule other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }

  bool empty() const { return !held_; }
  Module& module() const { return held().module(); }
  operator Module&() const { return module(); }
  Module* operator->() const { return &module(); }
  // The module as what it is. Throws when it is another type.
  template <class M>
  M& as() const {
    if (M* found = find<M>()) return *found;
    detail::fail_other_type(module(), detail::type_text<M>());
  }
  // Null when it is another type. (With -fno-rtti also when it derives from M.)
  template <class M>
  M* find() const {
    if (held().type() == &detail::type_tag<M>) return static_cast<M*>(&module());
#ifdef __cpp_rtti
    return dynamic_cast<M*>(&module());
#else
    return nullptr;
#endif
  }

  // Runs forward, with hooks. Throws when it does not take one tensor and give one.
  Tensor operator()(const Tensor& x) const { return held().call(x); }
  // Several tensors in. Throws when forward does not take so many, or gives other than one.
  template <class... More>
  requires(sizeof...(More) > 0 && (... && std::is_base_of_v<Tensor, More>)) Tensor operator()(
      const Tensor& x, const More&... more) const {
    return detail::single(module(), call({x, more...}));
  }
  template <class... X>
  Tensor forward(const X&... x) const {
    return (*this)(x...);
  }
  // Any number of tensors in and out: as arguments, or as the list that forward takes; a result of a tensor,
  // a list, or a pair, tuple or array of tensors.
  Tensors call(const Tensors& inputs) const { return held().call_all(inputs); }

  // What Module has.
  Tensors parameters() const { return module().parameters(); }
  NamedTensors named_parameters() const { return module().named_parameters(); }
  Tensors buffers() const { return module().buffers(); }
  NamedTensors named_buffers() const { return module().named_buffers(); }
  std::vector<NamedModule> named_modules() const { return module().named_modules(); }
  std::vector<NamedModule> named_children() const { return module().named_children(); }
  StateDict state_dict() const { return module().state_dict(); }
  LoadResult load_state_dict(const StateDict& state, const LoadOptions& options = {}) {
    return module().load_state_dict(state, options);
  }
  template <class... To>
  AnyModule& to(const To&... what) {
    module().to(what...);
    return *this;
  }
  AnyModule& train(bool mode = true) {
    module().train(mode);
    return *this;
  }
  AnyModule& eval() { return train(false); }
  bool is_training() const { return module().is_training(); }
  AnyModule& requires_grad_(bool value = true) {
    module().requires_grad_(value);
    return *this;
  }
  int64_t freeze(std::string_view pattern) { return module().freeze(pattern); }
  int64_t unfreeze(std::string_view pattern) { return module().unfreeze(pattern); }
  void zero_grad(bool set_to_none = true) { module().zero_grad(set_to_none); }
  AnyModule& apply(const Function<void(Module&)>& f) {
    module().apply(f);
    return *this;
  }
  int64_t register_forward_pre_hook(ForwardPreHook hook) {
    return module().register_forward_pre_hook(std::move(hook));
  }
  int64_t register_forward_hook(ForwardHook hook) { return module().register_forward_hook(std::move(hook)); }
  void remove_hook(int64_t id) { module().remove_hook(id); }
  bool has_hooks() const { return module().has_hooks(); }
  std::string type_name() const { return module().type_name(); }

 private:
  friend class detail::OwnMemory;
  // The most tensors that forward may take one by one.
  static constexpr size_t kMostInputs = 8;

  struct Holder {
    virtual ~Holder() = default;
    virtual Box<Holder> copy() const = 0;
    virtual Module& module() = 0;
    virtual const void* type() const = 0;
    virtual Tensor call(const Tensor& x) = 0;
    virtual Tensors call_all(const Tensors& inputs) = 0;
  };
  template <class M>
  struct Held;
  Holder& held() const {
    if (!held_) detail::fail_empty();
    return *held_;
  }

  Box<Holder> held_;
  detail::Mark<detail::Part::any_module> mark_;
};
using Model = AnyModule;

template <class M>
struct AnyModule::Held final : Holder {
  M value;
  explicit Held(const M& module) : value(module) {}
  explicit Held(M&& module) : value(std::move(module)) {}
  Box<Holder> copy() const override { return make_box<Held>(value); }
  Module& module() override { return value; }
  const void* type() const override { return &detail::type_tag<M>; }
  // The call operator may be that of a network that M derives from: here all of M's memory is looked at.
  Tensor call(const Tensor& x) override {
    const detail::Running running(value);
    if constexpr (requires { Tensor(value.forward(x)); })
      return value(x);
    else
      return detail::single(value, call_all({x}));
  }
  Tensors call_all(const Tensors& inputs) override {
    const detail::Running running(value);
    return call_with<0>(inputs);
  }

 private:
  template <size_t count>
  Tensors call_with(const Tensors& inputs) {
    if constexpr (count == 0 && requires { detail::as_list(value.forward(inputs)); }) {
      return detail::as_list(value(inputs));
    } else if constexpr (count > kMostInputs) {
      detail::fail_not_callable(value, inputs.size());
    } else {
      if (inputs.size() == count) return spread(inputs, std::make_index_sequence<count>());
      return call_with<count + 1>(inputs);
    }
  }
  template <size_t... I>
  Tensors spread([[maybe_unused]] const Tensors& inputs, std::index_sequence<I...>) {
    if constexpr (requires { detail::as_list(value.forward(inputs[I]...)); })
      return detail::as_list(value(inputs[I]...));
    else
      detail::fail_not_callable(value, inputs.size());
  }
};

// A member that may be replaced by a module of any type, and that most often is a Usual:
//
//     nn::Replaceable<nn::Linear> fc{nn::Linear(512, 1000)};
//     const Tensor weight = fc->weight;  // as a Linear; throws when it is none
//     fc = nn::Sequential(nn::Dropout(), nn::Linear(512, 10));
template <class Usual>
class Replaceable : public AnyModule {
 public:
  explicit Replaceable(AnyModule module) : AnyModule(static_cast<AnyModule&&>(module)) {}
  using AnyModule::operator=;

  Usual& operator*() const { return as<Usual>(); }
  Usual* operator->() const { return &as<Usual>(); }
  // A child, when the Usual is a container.
  AnyModule& operator[](int64_t index) const requires requires(Usual& usual) { usual[0]; }
  { return as<Usual>()[index]; }
};

}  // namespace kiln::nn
