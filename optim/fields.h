#pragma once

#include <utility>

#include <kiln/tensor/value/value.h>

namespace kiln::optim {

// Visits named fields of options or of a scheduler, to write them to a dict or to read them from one. A key
// that the dict lacks leaves the field as it is. Throws, naming owner and key, when a value has another kind.
class Fields {
 public:
  explicit Fields(Value& to) : to_(&to) {}
  Fields(const Value& from, const char* owner) : from_(&from), owner_(owner) {}

  void operator()(const char* key, double& field);
  void operator()(const char* key, int64_t& field);
  void operator()(const char* key, bool& field);
  void operator()(const char* key, std::string& field);
  void operator()(const char* key, std::pair<double, double>& field);
  void operator()(const char* key, std::vector<double>& field);
  void operator()(const char* key, std::vector<int64_t>& field);
  bool reads() const { return from_ != nullptr; }
  Value* to() const { return to_; }
  // Null when writing, or when there is no such key.
  const Value* find(const char* key) const;

 private:
  template <class Read>
  void read(const char* key, Read&& read);

  Value* to_ = nullptr;
  const Value* from_ = nullptr;
  const char* owner_ = "";
};

}  // namespace kiln::optim
