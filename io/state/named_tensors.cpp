#include <kiln/io/state/named_tensors.h>

#include <algorithm>
#include <unordered_set>

#include <kiln/io/bytes/json.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::io {
namespace {

// What is no tensor, in one line.
std::string described(const Value& value) {
  if (value.is_object()) return fmt::format("an object of the class {}", value.type());
  if (value.kind() > Value::Kind::tensor)
    return fmt::format("a {} of {}", name_of(value.kind()), value.size());
  constexpr size_t kShown = 60;
  std::string text = to_string(value);
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' '; }, '?');
  return text;
}

class Collector {
 public:
  explicit Collector(const std::string& path) : path_(path) {}
  std::vector<std::pair<std::string, Tensor>> found;

  void collect(const Value& value) {
    for (ValueWalk walk(value, '.'); walk.next();) {
      const Value& here = walk.value();
      if (walk.depth() > kMaxDepth)
        fail("save: '{}' would hold values nested deeper than {} levels, at '{}'", path_, kMaxDepth,
             walk.path());
      if (here.is_tensor())
        add(walk.path(), here.as_tensor());
      else if (walk.depth() > 0 && here.kind() > Value::Kind::tensor && here.size() == 0)
        fail(
            "save: '{}' holds tensors only, '{}' is an empty {}; choose the weights, or save to .kiln or "
            ".pth",
            path_, walk.path(), name_of(here.kind()));
      else if (here.kind() < Value::Kind::tensor || here.is_object())
        fail("save: '{}' holds tensors only, '{}' is {}; choose the weights, or save to .kiln or .pth{}",
             path_, walk.path(), described(here), where_weights_are(value));
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
    fail("save: '{}' holds tensors by name, the value is {}; {}", path, described(value),
         value.is_object() ? "choose its weights: weights_of(value), or `kiln convert --weights`"
                           : "give a dict of tensors, or save to .kiln or .pth");
  Collector collector(path);
  collector.collect(value);
  return std::move(collector.found);
}

void check_on_cpu(const std::string& name, const Tensor& x) {
  if (!x.device().is_cpu())
    fail("save: '{}' is on {}; copy it to the CPU first with .to(cpu)", name, x.device());
}

}  // namespace kiln::io
