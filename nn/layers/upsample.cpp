#include <kiln/nn/layers/upsample.h>

#include <kiln/nn/repr.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

std::string Upsample::extra_repr() const {
  constexpr const char* kModes[] = {"nearest", "nearest-exact", "bilinear", "bicubic"};
  const std::string size = options_.size ? "size=" + repr_short(*options_.size)
                                         : "scale_factor=" + repr(options_.scale_factor.value_or(0));
  return fmt::format("{}, mode={}", size, kModes[int(options_.mode)]);
}

}  // namespace kiln::nn
