#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <kiln/tensor/base/error.h>

namespace kiln {

template <class Signature>
class Function;

// A function, or an object that can be called and copied; like std::function, for headers that users include:
// <functional> is a tenth of what <kiln/kiln.h> would cost to compile. Calling an empty one throws Error.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      Function(F&& f)
      : target_(new Target<std::decay_t<F>>(std::forward<F>(f))) {}
  Function(const Function& other) : target_(other.target_ == nullptr ? nullptr : other.target_->clone()) {}
  Function(Function&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
  Function& operator=(Function other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  ~Function() { delete target_; }

  R operator()(Args... args) const {
    if (target_ == nullptr) throw Error("an empty Function was called");
    return target_->call(std::forward<Args>(args)...);
  }
  explicit operator bool() const { return target_ != nullptr; }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(Args... args) = 0;
    virtual Callable* clone() const = 0;
  };
  template <class F>
  struct Target final : Callable {
    explicit Target(F g) : f(std::move(g)) {}
    R call(Args... args) override {
      if constexpr (std::is_void_v<R>)
        f(std::forward<Args>(args)...);
      else
        return f(std::forward<Args>(args)...);
    }
    Callable* clone() const override { return new Target(f); }
    F f;
  };

  Callable* target_ = nullptr;
};

}  // namespace kiln
