#include <cmath>

#include <kiln/io/bytes/json.h>
#include <kiln/io/state/state_format.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

// Depth is bounded by kMaxDepth: the plan was made of the same value.
class TreeWriter {
 public:
  explicit TreeWriter(const Plan& plan) : plan_(plan) {}

  std::string take() { return std::move(out_); }

  void write(const Value& value) {
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
        tensor();
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
      case Value::Kind::object:  // the plan has refused it
        entries(value);
    }
  }

 private:
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
    out_ += "{\"dict\":[";
    bool first = true;
    for (const auto& [key, child] : value.entries()) {
      out_ += first ? "[" : ",[";
      out_ += key.is_int() ? fmt::format("{}", key.number()) : text(key.text());
      out_ += ',';
      write(child);
      out_ += ']';
      first = false;
    }
    out_ += "]}";
  }

  void tensor() {
    const Use& use = plan_.uses[next_use_++];
    const Layout& layout = use.layout;
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
  std::string out_;
};

}  // namespace

std::string tree_text(const Value& value, const Plan& plan) {
  TreeWriter writer(plan);
  writer.write(value);
  return writer.take();
}

}  // namespace kiln::io
