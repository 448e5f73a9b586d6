#include <kiln/data/batch.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::data {

Tensor& Batch::no_part(size_t part) const {
  fail("batch: part {} was asked for, samples have {} tensors", part, tensors.size());
}

void Batch::check_parts(size_t count) const {
  if (count != tensors.size())
    fail("batch: {} parts were asked for, samples have {} tensors", count, tensors.size());
}

size_t Batch::find(std::string_view name, bool text) const {
  const auto at = size_t(std::ranges::find(names, name) - names.begin());
  const size_t first = text ? tensors.size() : 0, count = text ? texts.size() : tensors.size();
  if (at < names.size() && at >= first && at < first + count) return at - first;
  const char* kind = text ? "text" : "tensor";
  if (names.empty())
    fail("batch: there is no {} '{}': parts have names when LoaderOptions::names gives them", kind, name);
  fail("batch: there is no {} '{}' among the parts {}", kind, name,
       fmt::join(names.begin(), names.end(), ", "));
}

}  // namespace kiln::data
