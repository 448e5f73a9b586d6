#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <kiln/data/sample.h>

namespace kiln::data {

// Samples side by side: batch[i] holds the i-th tensor of each sample, stacked along a new first dimension,
// and batch.texts[i][k] is the i-th text of sample k. A batch of pairs comes apart as `auto& [x, y] = batch`,
// one of any number of parts as `auto [image, mask, label] = batch.parts<3>()`.
struct Batch {
  Tensors tensors;
  int64_t epoch = 0;
  int64_t index = 0;  // the number of the batch in its epoch
  std::vector<std::vector<std::string>> texts = {};
  std::vector<std::string> names = {};  // of the tensors, then of the texts; from LoaderOptions::names
  int64_t samples = -1;                 // -1: the first size of the first tensor

  int64_t size() const { return samples >= 0 ? samples : tensors.empty() ? 0 : tensors[0].size(0); }
  // Throws when samples have fewer tensors.
  Tensor& operator[](size_t part) { return part < tensors.size() ? tensors[part] : no_part(part); }
  const Tensor& operator[](size_t part) const { return const_cast<Batch&>(*this)[part]; }
  // By its name. Throws an Error that lists the names when there is none of it.
  Tensor& operator[](std::string_view name) { return tensors[find(name, false)]; }
  const Tensor& operator[](std::string_view name) const { return tensors[find(name, false)]; }
  const std::vector<std::string>& text(std::string_view name) const { return texts[find(name, true)]; }

  // All tensors. Throws when they are not N.
  template <size_t N>
  std::array<Tensor, N> parts() const {
    check_parts(N);
    return [this]<size_t... I>(std::index_sequence<I...>) { return std::array<Tensor, N>{tensors[I]...}; }
    (std::make_index_sequence<N>());
  }

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
  void check_parts(size_t count) const;
  size_t find(std::string_view name, bool text) const;
};

}  // namespace kiln::data

template <>
struct std::tuple_size<kiln::data::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, kiln::data::Batch> {
  using type = kiln::Tensor;
};
