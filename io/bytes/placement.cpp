#include <kiln/io/bytes/placement.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cuda/devices.h>
#include <kiln/tensor/device/transfer.h>
#include <kiln/tensor/dtype/cast.h>
#include <kiln/tensor/meta.h>
#include <kiln/tensor/value/value_tensors.h>

namespace kiln::io {
namespace {

// A tensor of the value, and what stands in its place afterwards.
struct Placed {
  Tensor before, after;
};

// Tensors of one storage, and of one dtype where it changes: they move together.
struct Group {
  std::vector<Placed*> tensors;
  int64_t begin = INT64_MAX, end = 0;  // bytes of the storage that they reach
};

void cast_group(const Group& group, DType dtype) {
  const Tensor& first = group.tensors[0]->after;
  const int64_t width = size_of(first.dtype()), count = (group.end - group.begin) / width;
  const Tensor from = from_storage(first.impl()->storage, first.dtype(), {{count}, {1}, group.begin / width});
  const Tensor to = empty({count}, {.dtype = dtype, .device = cpu});
  cast_floating(from, to);
  for (Placed* tensor : group.tensors) {
    Layout layout = tensor->after.layout();
    layout.offset -= group.begin / width;
    tensor->after = from_storage(to.impl()->storage, dtype, layout);
  }
}

void copy_group(const Group& group, Device device) {
  constexpr int64_t kWidest = 16;  // offsets stay multiples of any element
  const int64_t begin = group.begin - group.begin % kWidest;
  const Ref<Storage> from = group.tensors[0]->after.impl()->storage;
  const Ref<Storage> to = Storage::allocate(group.end - begin, device);
  transfer(to->data, device, static_cast<const char*>(from->data) + begin, from->device, group.end - begin);
  for (Placed* tensor : group.tensors) {
    Layout layout = tensor->after.layout();
    layout.offset -= begin / size_of(tensor->after.dtype());
    tensor->after = from_storage(to, tensor->after.dtype(), layout);
  }
}

void check_gpu(const std::string& path, Device device) {
  if constexpr (kCudaBuilt) {
    try {
      cuda::check_device(device);
    } catch (const Error& error) {
      fail("load: '{}' should go to {}: {}", path, device, error.what());
    }
  } else {
    fail("load: '{}' should go to {}, and there is no CUDA in this build; load to the CPU", path, device);
  }
}

void add_parts_of_quantised(const Value& value, std::unordered_set<const TensorImpl*>& out) {
  std::vector<const Value*> pending = {&value};
  while (!pending.empty()) {
    const Value& next = *pending.back();
    pending.pop_back();
    if (next.is_object() && next.find("scheme") != nullptr && next.find("values") != nullptr)
      for (const Tensor* tensor : next.tensors()) out.insert(tensor->impl().get());
    else if (next.is_list() || next.is_tuple())
      for (const Value& item : next.items()) pending.push_back(&item);
    else if (next.is_dict() || next.is_object())
      for (const auto& [key, child] : next.entries()) pending.push_back(&child);
  }
}

}  // namespace

void check_options(const std::string& path, const LoadOptions& options) {
  if (!options.device.is_cpu()) check_gpu(path, options.device);
  if (options.dtype && !is_floating(*options.dtype))
    fail("load: '{}' should become {}; weights become a floating dtype", path, *options.dtype);
}

void place(Value& value, const LoadOptions& options) {
  std::unordered_set<const TensorImpl*> kept;
  add_parts_of_quantised(value, kept);
  std::unordered_map<const TensorImpl*, Placed> placed;
  std::map<std::pair<const Storage*, int>, size_t> numbers;
  std::vector<std::pair<Group, bool>> groups;
  for (const Tensor* tensor : std::as_const(value).tensors()) {
    const auto [place, is_first] = placed.try_emplace(tensor->impl().get(), Placed{*tensor, *tensor});
    if (!is_first || tensor->device() == meta) continue;
    const bool casts = options.dtype && is_floating(tensor->dtype()) && tensor->dtype() != *options.dtype &&
                       !kept.contains(tensor->impl().get());
    const auto key = std::pair(tensor->impl()->storage.get(), casts ? int(tensor->dtype()) : -1);
    const auto [known, is_new] = numbers.try_emplace(key, groups.size());
    if (is_new) groups.push_back({{}, casts});
    Group& group = groups[known->second].first;
    const int64_t width = size_of(tensor->dtype()), begin = tensor->layout().offset * width;
    group.tensors.push_back(&place->second);
    group.begin = std::min(group.begin, begin);
    group.end = std::max(group.end, begin + tensor->layout().span() * width);
  }
  for (const auto& [group, casts] : groups) {
    if (casts) cast_group(group, *options.dtype);
    if (casts && !options.device.is_cpu())
      copy_group({group.tensors, 0, group.tensors[0]->after.impl()->storage->bytes}, options.device);
    else if (!casts && (!options.map || !options.device.is_cpu()))
      copy_group(group, options.device);
  }
  replace_tensors(value, [&](const Tensor& tensor) { return placed.at(tensor.impl().get()).after; });
}

Value from_gpu(const Value& value) {
  Value result = value;
  std::map<const Storage*, Ref<Storage>> copies;
  replace_tensors(result, [&](const Tensor& tensor) {
    if (!tensor.device().is_cuda()) return tensor;
    const Storage& from = *tensor.impl()->storage;
    Ref<Storage>& to = copies[&from];
    if (!to) {
      to = Storage::allocate(from.bytes, cpu);
      transfer(to->data, cpu, from.data, from.device, from.bytes);
    }
    return from_storage(to, tensor.dtype(), tensor.layout());
  });
  return result;
}

}  // namespace kiln::io
