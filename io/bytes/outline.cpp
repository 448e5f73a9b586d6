#include <kiln/io/bytes/outline.h>

#include <mutex>
#include <unordered_map>

#include <kiln/tensor/dtype/element.h>
#include <kiln/tensor/meta.h>

namespace kiln::io {

// What was read last, and for which placeholder.
struct Outline::Newest {
  const Storage* of = nullptr;
  Ref<Storage> data;
  int64_t reads = 0;
};

namespace {

constexpr char kPlaceholder[] = "the outline of a file";  // stands where the last op in place does

struct Placeholder {
  const Storage* storage = nullptr;
  Outline::Read read;
  Outline::From from = Outline::From::others;
  std::shared_ptr<Outline::Newest> newest;  // null: `data` is kept
  Ref<Storage> data;
};

struct Placeholders {
  std::mutex mutex;
  std::unordered_map<const Storage*, Placeholder*> of;
};

// Never destroyed: a placeholder may be one of the last objects of a program.
Placeholders& placeholders() {
  static auto& all = *new Placeholders;
  return all;
}

void forget(void* owner) {
  const std::unique_ptr<Placeholder> placeholder(static_cast<Placeholder*>(owner));
  if (Outline::Newest* newest = placeholder->newest.get(); newest && newest->of == placeholder->storage)
    *newest = {nullptr, {}, newest->reads};
  const std::lock_guard lock(placeholders().mutex);
  placeholders().of.erase(placeholder->storage);
}

// A part is got from a whole, which is what the next part wants.
Ref<Storage> read_again(const Placeholder& placeholder) {
  Outline::Newest& newest = *placeholder.newest;
  const int64_t read = ++newest.reads;
  if (newest.of == placeholder.storage) return newest.data;
  if (placeholder.from == Outline::From::file) newest = {nullptr, {}, read};
  Ref<Storage> data = placeholder.read();
  if (newest.reads == read) newest = {placeholder.storage, data, read};
  return data;
}

}  // namespace

Ref<Storage> without_memory(int64_t bytes) {
  return Storage::adopt(nullptr, bytes, meta, nullptr, [](void*) {});
}

bool is_placeholder(const Storage& storage) { return storage.last_write == kPlaceholder; }

bool has_no_data(const Tensor& x) { return x.device() == meta && !is_placeholder(*x.impl()->storage); }

Ref<Storage> data_of(const Ref<Storage>& storage) {
  if (!is_placeholder(*storage)) return storage;
  Placeholder* placeholder = nullptr;
  {
    const std::lock_guard lock(placeholders().mutex);
    placeholder = placeholders().of.at(storage.get());
  }
  if (placeholder->newest) return read_again(*placeholder);
  if (!placeholder->data) placeholder->data = placeholder->read();
  return placeholder->data;
}

void correct_bools(const Tensor& x) {
  if (x.dtype() != bool8 || !x.device().is_cpu() || x.numel() == 0) return;
  auto* first = static_cast<unsigned char*>(x.raw_data());
  const auto correct = [&](int64_t at) {
    if (first[at] > 1) first[at] = 1;
  };
  // Strides can make more elements than there are bytes, of a hostile file without bound.
  const int64_t span = x.layout().span();
  if (x.numel() <= span) return for_each_offset(x.layout(), correct);
  for (int64_t at = 0; at < span; ++at) correct(at);
}

Tensor with_data(const Tensor& x) {
  const Ref<Storage> storage = data_of(x.impl()->storage);
  if (storage == x.impl()->storage) return x;
  Tensor result = from_storage(storage, x.dtype(), x.layout());
  correct_bools(result);
  return result;
}

Outline::Outline(bool keeps) : newest_(keeps ? nullptr : std::make_shared<Newest>()) {}

Ref<Storage> Outline::add(int64_t bytes, Read read, From from) {
  auto placeholder = std::make_unique<Placeholder>();
  placeholder->read = std::move(read);
  placeholder->from = from;
  placeholder->newest = newest_;
  Placeholder* const owner = placeholder.get();
  Ref<Storage> storage = Storage::adopt(nullptr, bytes, meta, placeholder.release(), forget);
  storage->last_write = kPlaceholder;
  owner->storage = storage.get();
  const std::lock_guard lock(placeholders().mutex);
  placeholders().of.emplace(storage.get(), owner);
  return storage;
}

}  // namespace kiln::io
