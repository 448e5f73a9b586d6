#include <kiln/io/bytes/json.h>

#include <nlohmann/json.hpp>

#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

using Json = nlohmann::json;

// Builds the value while nlohmann's parser, which does not recurse, reads the text.
class Builder {
 public:
  Builder(const std::string& what, size_t max_depth) : what_(what), max_depth_(max_depth) {}

  Value take() { return std::move(result_); }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) {
    if (value > uint64_t(INT64_MAX)) fail("{} has the number {}, which is too large", what_, value);
    return add(value);
  }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool key(std::string& value) {
    open_.back().key = std::move(value);
    return true;
  }
  bool start_object(size_t) { return start(true); }
  bool start_array(size_t) { return start(false); }
  bool end_object() {
    Value value;
    try {
      value = Value::dict(std::move(open_.back().entries));
    } catch (const Error& error) {
      fail("{} is refused: {}", what_, error.what());
    }
    open_.pop_back();
    return add(std::move(value));
  }
  bool end_array() {
    Value value = Value::list(std::move(open_.back().items));
    open_.pop_back();
    return add(std::move(value));
  }
  bool parse_error(size_t position, const std::string&, const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..."
    std::string_view reason = error.what();
    if (const size_t colon = reason.find(": "); colon != std::string::npos) reason.remove_prefix(colon + 2);
    constexpr size_t kShown = 120;  // it quotes the text, which may be long
    fail("{} is not valid JSON at byte {}: {}", what_, position, reason.substr(0, kShown));
  }

 private:
  struct Container {
    bool is_dict;
    std::vector<Value> items;
    std::vector<Value::Entry> entries;
    std::string key;
  };

  bool start(bool is_dict) {
    if (open_.size() == max_depth_) fail("{} is nested deeper than {} levels", what_, max_depth_);
    open_.push_back({is_dict, {}, {}, {}});
    return true;
  }
  bool add(Value value) {
    if (open_.empty())
      result_ = std::move(value);
    else if (open_.back().is_dict)
      open_.back().entries.push_back({std::move(open_.back().key), std::move(value)});
    else
      open_.back().items.push_back(std::move(value));
    return true;
  }

  const std::string& what_;
  size_t max_depth_;
  std::vector<Container> open_;
  Value result_;
};

}  // namespace

namespace {

// The parser takes a zero byte for the end of the text, and passes over a byte order mark; others do neither.
void check_bytes(std::string_view text, const std::string& what) {
  if (const size_t zero = text.find('\0'); zero != text.npos)
    fail("{} is not valid JSON at byte {}: it has a zero byte", what, zero);
  if (text.starts_with("\xEF\xBB\xBF"))
    fail("{} is not valid JSON at byte 0: it begins with a byte order mark", what);
}

}  // namespace

Value parse_json(std::string_view text, const std::string& what, size_t max_depth) {
  check_bytes(text, what);
  Builder builder(what, max_depth);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kiln::io
