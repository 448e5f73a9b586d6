#include <cmath>

#include <kiln/io/json.h>
#include <kiln/tensor/fail.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/inspect.h>

namespace kiln::tools {
namespace {

// JSON has no words for these.
std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : fmt::format("\"{}\"", value);
}

class Writer {
 public:
  Writer(const Value& value, const InspectOptions& options) : leaves_(leaves_of(value)), options_(options) {}

  void value(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::none:
        out += "null";
        break;
      case Value::Kind::boolean:
        out += value.as_bool() ? "true" : "false";
        break;
      case Value::Kind::integer:
        out += fmt::format("{}", value.as_int());
        break;
      case Value::Kind::real:
        out += number(value.as_float());
        break;
      case Value::Kind::string:
        out += io::json_string(value.as_string());
        break;
      case Value::Kind::bytes:
        out += fmt::format("{{\"bytes\":{}}}", value.as_bytes().size());
        break;
      case Value::Kind::tensor:
        tensor(leaves_[next_++]);
        break;
      case Value::Kind::list:
      case Value::Kind::tuple:
        items(value);
        break;
      case Value::Kind::dict:
        entries(value);
        break;
      case Value::Kind::object:
        out += fmt::format("{{\"class\":{},\"entries\":", io::json_string(value.type()));
        entries(value);
        out += '}';
        break;
    }
  }

  std::string out;

 private:
  void items(const Value& list) {
    out += '[';
    for (const Value& item : list.items()) {
      if (&item != list.items().data()) out += ',';
      value(item);
    }
    out += ']';
  }

  void entries(const Value& dict) {
    out += '{';
    bool first = true;
    for (const auto& [key, child] : dict.entries()) {
      if (!first) out += ',';
      first = false;
      out += io::json_string(to_string(key)) + ":";
      value(child);
    }
    out += '}';
  }

  void tensor(const Leaf& leaf) {
    const Tensor& x = *leaf.tensor;
    out += fmt::format("{{\"dtype\":\"{}\",\"shape\":{},\"strides\":{},\"offset\":{},\"bytes\":{}",
                       leaf.dtype, x.shape(), x.strides(), x.layout().offset, bytes_of(x));
    if (!leaf.shares.empty()) out += ",\"shares\":" + io::json_string(leaf.shares);
    if (options_.sha256) out += fmt::format(",\"sha256\":\"{}\"", sha256_of(x));
    const Stats stats = options_.stats ? stats_of(x) : Stats();
    if (options_.stats)
      out += fmt::format(
          ",\"stats\":{{\"min\":{},\"max\":{},\"mean\":{},\"std\":{},\"nan\":{},\"infinite\":{}}}",
          number(stats.min), number(stats.max), number(stats.mean), number(stats.deviation), stats.nan,
          stats.infinite);
    out += '}';
  }

  std::vector<Leaf> leaves_;
  size_t next_ = 0;
  const InspectOptions& options_;
};

}  // namespace

std::string json_text(const Value& value, const InspectOptions& options) {
  Writer writer(value, options);
  writer.value(value);
  return fmt::format("{{\"file\":{},\"value\":{}}}\n", io::json_string(options.file), writer.out);
}

}  // namespace kiln::tools
