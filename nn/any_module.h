#pragma once

#include <kiln/nn/running.h>

namespace kiln::nn {

namespace detail {
[[noreturn]] void fail_not_callable(const Module& module);
[[noreturn]] void fail_other_type(const Module& module, const std::type_info& wanted);
}  // namespace detail

// A module of any type, held by value: an element of Sequential and ModuleList. A copy holds a copy.
class AnyModule {
 public:
  template <class M>
  requires(detail::IsModule<std::decay_t<M>>) AnyModule(M&& module)
      : held_(make_box<Held<std::decay_t<M>>>(std::forward<M>(module))) {}
  AnyModule(const AnyModule& other) : held_(other.held_->copy()) {}
  AnyModule(AnyModule&&) noexcept = default;
  AnyModule& operator=(AnyModule other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }

  // Throws when the module's forward does not take one tensor and give one.
  Tensor operator()(const Tensor& x) const { return held_->call(x); }
  Module& module() const { return held_->module(); }
  Module* operator->() const { return &held_->module(); }
  // The module as what it is. Throws when it is another type.
  template <class M>
  M& as() const {
    if (M* module = dynamic_cast<M*>(&held_->module())) return *module;
    detail::fail_other_type(held_->module(), typeid(M));
  }

 private:
  struct Holder {
    virtual ~Holder() = default;
    virtual Box<Holder> copy() const = 0;
    virtual Module& module() = 0;
    virtual Tensor call(const Tensor& x) = 0;
  };
  template <class M>
  struct Held final : Holder {
    M value;
    explicit Held(const M& module) : value(module) {}
    explicit Held(M&& module) : value(std::move(module)) {}
    Box<Holder> copy() const override { return make_box<Held>(value); }
    Module& module() override { return value; }
    Tensor call(const Tensor& x) override {
      if constexpr (requires { Tensor(value.forward(x)); })
        return value(x);
      else
        detail::fail_not_callable(value);
    }
  };

  Box<Holder> held_;
};

}  // namespace kiln::nn
