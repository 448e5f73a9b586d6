#include <kiln/io/bytes/outline.h>

#include <kiln/tensor/meta.h>

namespace kiln::io {

Ref<Storage> Outline::add(int64_t bytes, Read read) {
  Ref<Storage> placeholder = Storage::adopt(nullptr, bytes, meta, nullptr, [](void*) {});
  entries_.emplace(placeholder.get(), Entry{placeholder, std::move(read), {}});
  return placeholder;
}

Ref<Storage> Outline::data(const Ref<Storage>& storage) {
  const auto found = entries_.find(storage.get());
  if (found == entries_.end()) return storage;
  Entry& entry = found->second;
  if (!entry.data) entry.data = entry.read();
  return entry.data;
}

}  // namespace kiln::io
