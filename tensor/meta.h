#pragma once

#include <kiln/tensor/device/device.h>

namespace kiln {

// The "device" of tensors without memory, of which only dtype, shape and layout are known: the outline of a
// file (io/open.h). Any look at elements is an Error. It is none of the enumerators, which are the devices
// that compute, so that code that chooses among them need not know it.
inline constexpr Device meta{static_cast<DeviceType>(2)};

}  // namespace kiln
