#include <kiln/tensor/value/value_children.h>

namespace kiln {

Children::Children(const Value& value) : value_(&value) {
  if (value.kind() < Value::Kind::tensor) return;
  if (!value.is_tensor()) own_ = value.size();
  const Value& attributes = value.attributes();
  if (attributes.is_none()) return;
  attributes_ = &attributes.entries();
  attributes_count_ = attributes_->size();
  size_t skipped = 0;
  for (size_t i = 0; i < attributes_->size(); ++i)
    if (is_private((*attributes_)[i])) skipped_[skipped++] = i, --attributes_count_;
}

size_t Children::place(size_t i) const {
  size_t place = i - own_;
  for (const size_t skipped : skipped_) place += place >= skipped ? 1 : 0;
  return place;
}

bool is_private(const Value::Entry& attribute) {
  if (!attribute.key.is_text()) return false;
  const std::string& name = attribute.key.text();
  return name == "__dict__" || name == "__metadata__" ||
         (name == "_metadata" && attribute.value.tensors().empty());
}

const Value& Children::operator[](size_t i) const {
  if (is_attribute(i)) return (*attributes_)[place(i)].value;
  return value_->kind() >= Value::Kind::dict ? value_->entries()[i].value : value_->items()[i];
}

const Value::Key* Children::key(size_t i) const {
  if (is_attribute(i)) return &(*attributes_)[place(i)].key;
  return value_->kind() >= Value::Kind::dict ? &value_->entries()[i].key : nullptr;
}

}  // namespace kiln
