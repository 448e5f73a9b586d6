#include <cmath>
#include <utility>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value_children.h>
#include <kiln/tensor/value/value_walk.h>
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

  void write(const Value& root) {
    ValueWalk walk(root, '.');
    for (walk.raw(); walk.next();) {
      close(walk.depth());
      if (walk.is_attribute() && open_.back().end == kItemsEnd) {  // behind the items
        out += ']';
        open_.back() = {"}", false};
      }
      if (!open_.empty() && !std::exchange(open_.back().is_empty, false)) out += ',';
      if (walk.key() != nullptr) out += io::json_string(walk.name()) + ":";
      value(walk.value());
    }
    close(0);
  }

  std::string out;

 private:
  // Of a list with attributes: {"items": [...], "@name": ...}
  static constexpr std::string_view kItemsEnd = "]}";
  struct Open {
    std::string_view end;
    bool is_empty = true;
  };

  void open(const std::string& begin, std::string_view end) {
    out += begin;
    open_.push_back({end});
  }
  void close(size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) out += open_.back().end;
  }

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
        if (Children(value).size() > 0)
          open_.push_back({"}", false});
        else
          out += '}';
        break;
      case Value::Kind::list:
      case Value::Kind::tuple:
        if (Children(value).size() > value.size())
          open("{\"items\":[", kItemsEnd);
        else
          open("[", "]");
        break;
      case Value::Kind::dict:
        open("{", "}");
        break;
      case Value::Kind::object:
        open(fmt::format("{{\"class\":{},\"entries\":{{", io::json_string(value.type())), "}}");
        break;
    }
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
  }

  std::vector<Leaf> leaves_;
  size_t next_ = 0;
  const InspectOptions& options_;
  std::vector<Open> open_;  // containers
};

}  // namespace

std::string json_text(const Value& value, const InspectOptions& options) {
  const auto written = [&](const Value& part) {
    Writer writer(part, options);
    writer.write(part);
    return writer.out;
  };
  const Value* attributes = attributes_of(value);
  return fmt::format("{{\"file\":{},\"value\":{}{}}}\n", io::json_string(options.file), written(value),
                     attributes != nullptr ? ",\"attributes\":" + written(*attributes) : "");
}

}  // namespace kiln::tools
