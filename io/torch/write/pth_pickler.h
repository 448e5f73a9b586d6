#pragma once

#include <unordered_map>

#include <kiln/io/pickle/pickle_writer.h>
#include <kiln/io/torch/torch_types.h>
#include <kiln/io/torch/write/pth_content.h>

// Internal: the pickle of a PyTorch file that is written.

namespace kiln::io {

class PthPickler {
 public:
  PthPickler(const Value& value, const PthContent& content, const std::string& path);

  std::string run();

 private:
  [[noreturn]] void cannot(const std::string& name, const std::string& what) const;

  void count_containers();
  void write(const Value& value, const std::string& name);
  void write_once(const Value& value, const std::string& name);
  void key(const Value::Key& key, const std::string& name);
  const std::string& checked(const std::string& text, const std::string& name) const;
  void text(const std::string& text, const std::string& name);
  void items(const Value& value, const std::string& name);
  void dict(const Value& value, const std::string& name);
  void entries(const std::vector<Value::Entry>& entries, const std::string& name);
  void no_attributes(const Value& value, const std::string& name) const;

  // pth_pickler_tensors.cpp
  void tensor(const Value& value, const std::string& name);
  template <class F>
  void rebuilt(const Value& value, const std::string& name, const char* function, F&& arguments);
  void plain_tensor(const Value& value, const Tensor& x, const TorchType& type, const std::string& name);
  void storage(const PthPart& part, const TorchType& type);
  void layout(const PthPart& part);
  void end_of_rebuild();
  void object(const Value& value, const std::string& name);
  bool typed(const Value& value, const std::string& name);
  bool quantised(const Value& value, const std::string& name);
  bool sparse(const Value& value, const std::string& name);
  void dims(const Dims& dims);

  const PthContent& content_;
  const Value& value_;
  const std::string& path_;
  PickleWriter pickle_;
  std::unordered_map<const Tensor*, const PthPart*> parts_;
  // Tensors and containers that are there several times are one object in Python too. A container is known by
  // where its content is, which copies share.
  std::unordered_map<const void*, int> container_times_;
  struct Written {
    uint32_t slot;
    size_t values;  // in it
  };
  std::unordered_map<const void*, Written> containers_;
  std::unordered_map<const TensorImpl*, int> times_;
  std::unordered_map<const TensorImpl*, uint32_t> written_;
  size_t values_ = 0;  // as load() counts them, each as often as it is there
};

}  // namespace kiln::io
