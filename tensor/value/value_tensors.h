#pragma once

#include <kiln/tensor/base/function.h>
#include <kiln/tensor/value/value.h>

namespace kiln {

// Internal: puts replace(tensor) in the place of every tensor of the value, in keys and attributes too. It is
// called once for a tensor, however often its handle is there, and parts that the value refers to several
// times are gone through once.
void replace_tensors(Value& value, Function<Tensor(const Tensor&)> replace);

}  // namespace kiln
