#include <kiln/io/torch/write/pth_pickler.h>

#include <kiln/io/state/state_format.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>
#include <kiln/tensor/base/with_article.h>
#include <kiln/tensor/value/key_spelling.h>

namespace kiln::io {

std::string pth_pickle(const Value& value, const PthContent& content, const std::string& path) {
  return PthPickler(value, content, path).run();
}

PthPickler::PthPickler(const Value& value, const PthContent& content, const std::string& path)
    : content_(content), value_(value), path_(path) {
  size_t next = 0;
  for (const Tensor* tensor : value.tensors()) {
    parts_[tensor] = &content.parts[next++];
    ++times_[tensor->impl().get()];
  }
  count_containers();
}

namespace {

// Null of what needs no memo.
const void* content_of(const Value& value) {
  if (value.kind() <= Value::Kind::tensor || value.size() == 0) return nullptr;
  return value.is_list() || value.is_tuple() ? static_cast<const void*>(&value.items()) : &value.entries();
}

}  // namespace

// Each is entered once, however many refer to it.
void PthPickler::count_containers() {
  std::vector<const Value*> pending = {&value_};
  while (!pending.empty()) {
    const Value& value = *pending.back();
    pending.pop_back();
    const void* const content = content_of(value);
    if (content != nullptr && container_times_[content]++ > 0) continue;
    if (value.is_list() || value.is_tuple())
      for (const Value& item : value.items()) pending.push_back(&item);
    else if (value.is_dict() || value.is_object())
      for (const Value::Entry& entry : value.entries()) pending.push_back(&entry.value);
    if (value.kind() >= Value::Kind::tensor && !value.attributes().is_none())
      pending.push_back(&value.attributes());
  }
}

std::string PthPickler::run() {
  write(value_, "");
  if (values_ > kMostValues)
    fail("save: '{}' would have more values than load takes; store long lists as tensors, or save to .kiln",
         path_);
  return pickle_.finish();
}

void PthPickler::cannot(const std::string& name, const std::string& what) const {
  fail("save: '{}' cannot hold {}, which is {}; save to .kiln", path_,
       name.empty() ? "the value" : "'" + name + "'", what);
}

void PthPickler::write(const Value& value, const std::string& name) {
  const void* const content = content_of(value);
  if (content == nullptr) return write_once(value, name);
  if (const auto known = containers_.find(content); known != containers_.end()) {
    values_ += known->second.values;
    return pickle_.recall(known->second.slot);
  }
  const size_t before = values_;
  write_once(value, name);
  const auto times = container_times_.find(content);
  if (times != container_times_.end() && times->second > 1)
    containers_.emplace(content, Written{pickle_.remember(), values_ - before});
}

void PthPickler::write_once(const Value& value, const std::string& name) {
  ++values_;
  switch (value.kind()) {
    case Value::Kind::none:
      return pickle_.none();
    case Value::Kind::boolean:
      return pickle_.boolean(value.as_bool());
    case Value::Kind::integer:
      return pickle_.integer(value.as_int());
    case Value::Kind::real:
      return pickle_.real(value.as_float());
    case Value::Kind::string:
      return text(value.as_string(), name);
    case Value::Kind::bytes:
      return pickle_.bytes(checked(value.as_bytes(), name));
    case Value::Kind::tensor:
      return tensor(value, name);
    case Value::Kind::list:
      no_attributes(value, name);
      pickle_.empty_list();
      return items(value, name);
    case Value::Kind::tuple:
      no_attributes(value, name);
      return items(value, name);
    case Value::Kind::dict:
      return dict(value, name);
    case Value::Kind::object:
      return object(value, name);
  }
}

const std::string& PthPickler::checked(const std::string& text, const std::string& name) const {
  constexpr size_t kLimit = INT32_MAX / 2;  // two bytes each, if they are above 127
  if (text.size() > kLimit)
    fail("save: '{}' cannot hold '{}' of {} bytes, the limit is {}; store it as a tensor", path_, name,
         text.size(), kLimit);
  return text;
}

void PthPickler::text(const std::string& text, const std::string& name) {
  if (!is_utf8(checked(text, name)))
    fail("save: '{}' cannot hold the string at '{}', which is not UTF-8; store it as bytes", path_, name);
  values_ += text.size() / 64;
  pickle_.string(text);
}

void PthPickler::items(const Value& value, const std::string& name) {
  if (value.size() == 0) {
    if (value.is_tuple()) pickle_.empty_tuple();
    return;
  }
  pickle_.mark();
  for (size_t i = 0; i < value.size(); ++i) write(value.items()[i], fmt::format("{}/{}", name, i));
  value.is_tuple() ? pickle_.tuple() : pickle_.append();
}

void PthPickler::key(const Value::Key& key, const std::string& name) {
  if (key.is_text()) {
    ++values_;
    return text(key.text(), name);
  }
  // What was a set that cannot change is a list here, which Python takes for no key.
  if (key.value().is_list() || key.value().is_dict()) cannot(name, "under a key that is no key in Python");
  write(key.value(), name);
}

void PthPickler::entries(const std::vector<Value::Entry>& entries, const std::string& name) {
  if (entries.empty()) return;
  pickle_.mark();
  for (const auto& [entry_key, child] : entries) {
    const std::string path = name.empty() ? to_string(entry_key) : name + "/" + to_string(entry_key);
    key(entry_key, path);
    write(child, path);
  }
  pickle_.put_items();
}

// A plain dict has no attributes.
void PthPickler::dict(const Value& value, const std::string& name) {
  const bool hangs = !value.attributes().is_none();
  if (!hangs) {
    pickle_.empty_dict();
  } else {
    pickle_.global("collections", "OrderedDict");
    pickle_.empty_tuple();
    pickle_.reduce();
  }
  entries(value.entries(), name);
  if (!hangs) return;
  pickle_.empty_dict();
  entries(value.attributes().entries(), name);
  pickle_.build();
}

void PthPickler::no_attributes(const Value& value, const std::string& name) const {
  if (!value.attributes().is_none())
    cannot(name, fmt::format("{} with attributes", with_article(name_of(value.kind()))));
}

}  // namespace kiln::io
