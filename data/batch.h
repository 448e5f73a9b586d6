#pragma once

#include <utility>

#include <kiln/tensor/tensor.h>

namespace kiln::data {

// Samples stacked along a new first dimension: batch[i] holds the i-th tensor of each sample. A batch of
// pairs comes apart as `auto& [x, y] = batch`.
struct Batch {
  Tensors tensors;
  int64_t epoch = 0;
  int64_t index = 0;  // the number of the batch in its epoch

  int64_t size() const { return tensors.empty() ? 0 : tensors[0].size(0); }
  // Throws when samples have fewer tensors.
  Tensor& operator[](size_t part) { return part < tensors.size() ? tensors[part] : no_part(part); }
  const Tensor& operator[](size_t part) const { return const_cast<Batch&>(*this)[part]; }
  template <size_t I>
  Tensor& get() & {
    return (*this)[I];
  }
  template <size_t I>
  const Tensor& get() const& {
    return (*this)[I];
  }
  template <size_t I>
  Tensor get() && {
    return (*this)[I];
  }

 private:
  [[noreturn]] Tensor& no_part(size_t part) const;
};

}  // namespace kiln::data

template <>
struct std::tuple_size<kiln::data::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, kiln::data::Batch> {
  using type = kiln::Tensor;
};
