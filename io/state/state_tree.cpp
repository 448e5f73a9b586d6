#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <kiln/io/bytes/json.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::io {
namespace {

// Depth is bounded by kMaxDepth: the plan was made of the same value.
class TreeWriter {
 public:
  TreeWriter(const Value& value, const Plan& plan) : plan_(plan) { find_keys(value); }

  Tree take() { return {std::move(out_), version_}; }

  void write(const Value& value) {
    const bool hangs = value.kind() >= Value::Kind::tensor && !value.attributes().is_none();
    if (hangs) begin_new("{\"value\":");
    write_itself(value);
    if (!hangs) return;
    out_ += ",\"attributes\":";
    write(value.attributes());
    out_ += '}';
  }

 private:
  // What version 1 does not have.
  void begin_new(std::string_view text) {
    version_ = 2;
    out_ += text;
  }

  void write_itself(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::none:
        out_ += "null";
        break;
      case Value::Kind::boolean:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Value::Kind::integer:
        out_ += fmt::format("{}", value.as_int());
        break;
      case Value::Kind::real:
        out_ += real(value.as_float());
        break;
      case Value::Kind::string:
        out_ += text(value.as_string());
        break;
      case Value::Kind::bytes:
        out_ += "{\"bytes\":\"" + hex(value.as_bytes()) + "\"}";
        break;
      case Value::Kind::tensor:
        tensor(value.as_tensor());
        break;
      case Value::Kind::list:
        items(value);
        break;
      case Value::Kind::tuple:
        out_ += "{\"tuple\":";
        items(value);
        out_ += '}';
        break;
      case Value::Kind::dict:
        out_ += "{\"dict\":";
        entries(value);
        out_ += '}';
        break;
      case Value::Kind::object:
        begin_new("{\"object\":" + text(value.type()) + ",\"entries\":");
        entries(value);
        out_ += '}';
    }
  }

  // The shortest text that reads back as the same number, with a mark that it is a float.
  static std::string real(double value) {
    if (std::isnan(value)) return R"({"float":"nan"})";
    if (std::isinf(value)) return value > 0 ? R"({"float":"inf"})" : R"({"float":"-inf"})";
    const std::string digits = fmt::format("{}", value);
    return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
  }

  static std::string text(const std::string& string) {
    return is_utf8(string) ? json_string(string) : "{\"string\":\"" + hex(string) + "\"}";
  }

  void items(const Value& value) {
    out_ += '[';
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out_ += ',';
      write(value.items()[i]);
    }
    out_ += ']';
  }

  void entries(const Value& value) {
    out_ += '[';
    bool first = true;
    for (const auto& [key, child] : value.entries()) {
      out_ += first ? "[" : ",[";
      if (!key.is_text() && !key.is_int()) version_ = 2;
      write(key.value());
      out_ += ',';
      write(child);
      out_ += ']';
      first = false;
    }
    out_ += ']';
  }

  // Tensors in keys, which are only the same as themselves.
  void find_keys(const Value& value) {
    std::vector<const Value*> pending = {&value};
    while (!pending.empty()) {
      const Value& next = *pending.back();
      pending.pop_back();
      if (next.is_list() || next.is_tuple())
        for (const Value& item : next.items()) pending.push_back(&item);
      if (next.is_dict() || next.is_object())
        for (const auto& [key, child] : next.entries()) {
          const Value held = key.value();
          for (const Tensor* tensor : held.tensors()) keys_.insert(tensor->impl().get());
          pending.push_back(&child);
        }
      if (next.kind() >= Value::Kind::tensor && !next.attributes().is_none())
        pending.push_back(&next.attributes());
    }
  }

  void tensor(const Tensor& x) {
    if (keys_.contains(x.impl().get())) {
      const auto [known, is_new] = numbers_.try_emplace(x.impl().get(), next_use_);
      if (!is_new) {
        ++next_use_;
        return begin_new(fmt::format("{{\"same\":{}}}", known->second));
      }
    }
    const Use& use = plan_.uses[next_use_++];
    const Layout& layout = use.layout;
    if (use.block == Use::kNoBlock)
      return begin_new(fmt::format("{{\"meta\":\"{}\",\"shape\":{},\"strides\":{}}}", use.dtype, layout.shape,
                                   layout.strides));
    out_ += "{\"tensor\":" + json_string(plan_.blocks[use.block].name);
    if (use.is_view)
      out_ += fmt::format(",\"dtype\":\"{}\",\"shape\":{},\"strides\":{},\"offset\":{}", use.dtype,
                          layout.shape, layout.strides, layout.offset);
    else if (!layout.is_contiguous() && layout.is_dense())
      out_ += fmt::format(",\"strides\":{}", layout.strides);
    out_ += '}';
  }

  const Plan& plan_;
  size_t next_use_ = 0;
  int64_t version_ = 1;
  std::unordered_set<const TensorImpl*> keys_;
  std::unordered_map<const TensorImpl*, size_t> numbers_;  // of those that were written, among all tensors
  std::string out_;
};

}  // namespace

Tree tree_text(const Value& value, const Plan& plan) {
  TreeWriter writer(value, plan);
  writer.write(value);
  return writer.take();
}

}  // namespace kiln::io
