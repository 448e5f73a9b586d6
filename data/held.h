#pragma once

#include <kiln/tensor/ref.h>

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

}  // namespace kiln::data
