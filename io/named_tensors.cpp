#include <kiln/io/named_tensors.h>

#include <unordered_set>

#include <kiln/io/json.h>
#include <kiln/io/state_format.h>
#include <kiln/tensor/fail.h>

namespace kiln::io {
namespace {

class Collector {
 public:
  explicit Collector(const std::string& path) : path_(path) {}
  std::vector<std::pair<std::string, Tensor>> found;

  void walk(const Value& value, const std::string& name, size_t depth) {
    if (depth > kMaxDepth)
      fail("save: '{}' would hold values nested deeper than {} levels, at '{}'", path_, kMaxDepth, name);
    const auto below = [&](const std::string& key) { return name.empty() ? key : name + "." + key; };
    if (value.is_dict()) {
      for (const auto& [key, child] : value.entries()) walk(child, below(to_string(key)), depth + 1);
    } else if (value.is_list() || value.is_tuple()) {
      for (size_t i = 0; i < value.size(); ++i)
        walk(value.items()[i], below(fmt::format("{}", i)), depth + 1);
    } else if (value.is_tensor()) {
      add(name, value.as_tensor());
    } else {
      fail("save: '{}' holds tensors only, '{}' is {}; choose the weights, or save to .kiln or .pth", path_,
           name, to_string(value));
    }
  }

 private:
  void add(const std::string& name, const Tensor& tensor) {
    check_on_cpu(name, tensor);
    if (!is_utf8(name)) fail("save: '{}' needs names in UTF-8, the {}th is not", path_, found.size() + 1);
    if (!names_.insert(name).second) fail("save: '{}' would hold two tensors named '{}'", path_, name);
    found.emplace_back(name, tensor);
  }

  const std::string& path_;
  std::unordered_set<std::string> names_;
};

}  // namespace

std::vector<std::pair<std::string, Tensor>> named_tensors(const std::string& path, const Value& value) {
  if (!value.is_dict())
    fail("save: '{}' holds tensors by name, the value is {} and not a dict", path, to_string(value));
  Collector collector(path);
  collector.walk(value, "", 0);
  return std::move(collector.found);
}

void check_on_cpu(const std::string& name, const Tensor& x) {
  if (!x.device().is_cpu())
    fail("save: '{}' is on {}; copy it to the CPU first with .to(cpu)", name, x.device());
}

}  // namespace kiln::io
