#include <kiln/io/state/named_tensors.h>

#include <algorithm>

#include <kiln/io/bytes/outline.h>
#include <kiln/io/bytes/sizes.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>
#include <kiln/tensor/base/with_article.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::io {
namespace {

bool is_plain_key(const Value& key) {
  if (key.is_tuple() || key.is_list()) return std::ranges::all_of(key.items(), is_plain_key);
  return key.kind() < Value::Kind::tensor;
}

// What the bytes of such an object mean; null for another.
const RawFormat* raw_format_of(const Value& value) {
  const RawFormat* raw = value.is_object() ? raw_format_of_type(value.type()) : nullptr;
  if (raw == nullptr) return nullptr;
  const Value *values = value.find("values"), *shape = value.find("shape");
  const auto is_size = [](const Value& size) { return size.is_int() && size.as_int() >= 0; };
  const bool is_shape = shape != nullptr && (shape->is_tuple() || shape->is_list()) &&
                        std::ranges::all_of(shape->items(), is_size);
  const bool is_whole = values != nullptr && values->is_tensor() && values->as_tensor().dtype() == uint8 &&
                        value.size() == (is_shape ? 2 : 1);
  return is_whole ? raw : nullptr;
}

// Of the bytes of a raw tensor, in its own elements, which must fill them.
Shape raw_shape(const Value& value, const RawFormat& raw, const std::string& name) {
  const Tensor& bytes = value.at("values").as_tensor();
  const Value* sizes = value.find("shape");
  Shape shape = bytes.shape();
  if (sizes != nullptr) {
    shape = {};
    for (const Value& size : sizes->items()) shape.push_back(size.as_int());
  } else if (raw.bits < 8 && !shape.empty()) {
    shape[shape.rank() - 1] = shape.back() * 8 / raw.bits;
  }
  if (!has_countable_bytes(shape, 8) || numel(shape) * raw.bits != bytes.numel() * 8)
    fail("save: '{}' has {} bytes, which are not {} elements of shape {}", name, bytes.numel(), raw.type,
         shape);
  return shape;
}

// What is no tensor, in one line.
std::string described(const Value& value) {
  if (value.is_object()) return fmt::format("an object of the class {}", value.type());
  if (value.kind() > Value::Kind::tensor)
    return fmt::format("{} of {}", with_article(name_of(value.kind())), value.size());
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
  std::vector<NamedTensor> found;

  void collect(const Value& value) {
    ValueWalk walk(value, '.');
    for (walk.raw(); walk.next();) {
      const Value& here = walk.value();
      if (walk.depth() > kMaxDepth)
        fail("save: '{}' would hold values nested deeper than {} levels, at '{}'", path_, kMaxDepth,
             walk.path());
      if (walk.key() != nullptr && !is_plain_key(walk.key()->value()))
        fail("save: '{}' holds tensors by name, and what stands under '{}' has {} as key; save to .kiln",
             path_, walk.path(), with_article(name_of(walk.key()->value().kind())));
      if (here.is_tensor()) {
        add({walk.path(), here.as_tensor(), here});
      } else if (const RawFormat* raw = raw_format_of(here)) {
        add({walk.path(), here.at("values").as_tensor(), here, raw, raw_shape(here, *raw, walk.path())});
        walk.skip_content();
      } else if (walk.depth() > 0 && here.kind() > Value::Kind::tensor && here.size() == 0) {
        fail(
            "save: '{}' holds tensors only, '{}' is an empty {}; choose the weights, or save to .kiln or "
            ".pth",
            path_, walk.path(), name_of(here.kind()));
      } else if (here.kind() < Value::Kind::tensor || here.is_object()) {
        fail("save: '{}' holds tensors only, '{}' is {}; choose the weights, or save to .kiln or .pth{}",
             path_, walk.path(), described(here), where_weights_are(value));
      }
    }
  }

 private:
  void add(NamedTensor tensor) {
    check_on_cpu(tensor.name, tensor.tensor);
    if (!is_utf8(tensor.name))
      fail("save: '{}' needs names in UTF-8, number {} is not", path_, found.size() + 1);
    found.push_back(std::move(tensor));
  }

  const std::string& path_;
};

}  // namespace

std::vector<NamedTensor> named_tensors(const std::string& path, const Value& value) {
  if (!value.is_dict())
    fail("save: '{}' holds tensors by name, the value is {}; {}", path, described(value),
         value.is_object() ? "choose its weights: weights_of(value), or `kiln convert --weights`"
                           : "give a dict of tensors, or save to .kiln or .pth");
  Collector collector(path);
  collector.collect(value);
  return std::move(collector.found);
}

void check_on_cpu(const std::string& name, const Tensor& x) {
  if (!x.device().is_cpu() && !is_placeholder(*x.impl()->storage))
    fail("save: '{}' is on {}; copy it to the CPU first with .to(cpu)", name, x.device());
}

}  // namespace kiln::io
