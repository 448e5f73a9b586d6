#include <kiln/optim/fields.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::optim {
namespace {

// PyTorch's files hold some numbers as one-element tensors.
double number(const Value& value) {
  return value.is_tensor() ? value.as_tensor().item<double>() : value.as_float();
}

template <class T>
Value list_of(const std::vector<T>& numbers) {
  Value list = Value::list();
  for (const T x : numbers) list.push_back(x);
  return list;
}

}  // namespace

const Value* Fields::find(const char* key) const {
  if (from_ == nullptr) return nullptr;
  for (const auto& [name, value] : from_->entries())
    if (name.is_text() && name.text() == key) return &value;
  return nullptr;
}

template <class Read>
void Fields::read(const char* key, Read&& read) {
  const Value* value = find(key);
  if (value == nullptr) return;
  try {
    read(*value);
  } catch (const Error& error) {
    fail("{}: '{}' in the state to load is unusable: {}", owner_, key, error.what());
  }
}

void Fields::operator()(const char* key, double& field) {
  if (to_ != nullptr) {
    (*to_)[key] = field;
    return;
  }
  read(key, [&](const Value& value) { field = number(value); });
}

void Fields::operator()(const char* key, int64_t& field) {
  if (to_ != nullptr) {
    (*to_)[key] = field;
    return;
  }
  read(key, [&](const Value& value) { field = value.as_int(); });
}

void Fields::operator()(const char* key, bool& field) {
  if (to_ != nullptr) {
    (*to_)[key] = field;
    return;
  }
  read(key, [&](const Value& value) { field = value.as_bool(); });
}

void Fields::operator()(const char* key, std::string& field) {
  if (to_ != nullptr) {
    (*to_)[key] = field;
    return;
  }
  read(key, [&](const Value& value) { field = value.as_string(); });
}

void Fields::operator()(const char* key, std::pair<double, double>& field) {
  if (to_ != nullptr) {
    (*to_)[key] = Value::tuple({field.first, field.second});
    return;
  }
  read(key, [&](const Value& value) {
    if (value.size() != 2) fail("needs 2 numbers, has {}", value.size());
    field = {number(value.items()[0]), number(value.items()[1])};
  });
}

void Fields::operator()(const char* key, std::vector<double>& field) {
  if (to_ != nullptr) {
    (*to_)[key] = list_of(field);
    return;
  }
  read(key, [&](const Value& value) {
    field.clear();
    for (const Value& item : value.items()) field.push_back(number(item));
  });
}

void Fields::operator()(const char* key, std::vector<int64_t>& field) {
  if (to_ != nullptr) {
    (*to_)[key] = list_of(field);
    return;
  }
  read(key, [&](const Value& value) {
    field.clear();
    for (const Value& item : value.items()) field.push_back(item.as_int());
  });
}

}  // namespace kiln::optim
