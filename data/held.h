#pragma once

#include <type_traits>

#include <kiln/tensor/base/ref.h>

namespace kiln::data {

// What a handle owns whose header does not know the type.
struct Held : RefCounted {
  virtual ~Held() = default;
  static void destroy(Held* held) { delete held; }
};

template <class T>
struct HeldValue : Held {
  explicit HeldValue(T&& from) : value(static_cast<T&&>(from)) {}
  T value;
};

// A shared handle to a value of any type that derives from Base, or to none; made implicitly from the value.
template <class Base>
class Handle {
 public:
  Handle() = default;
  template <class T>
  requires std::is_base_of_v<Base, T> Handle(T value) {
    auto* held = new HeldValue<T>(static_cast<T&&>(value));
    owner_ = Ref<Held>(held);
    value_ = &held->value;
  }

  explicit operator bool() const { return value_ != nullptr; }
  const Base& operator*() const { return *value_; }
  const Base* operator->() const { return value_; }

 private:
  Ref<Held> owner_;
  const Base* value_ = nullptr;
};

}  // namespace kiln::data
