#include <algorithm>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/annotations/yolo_text.h>

namespace kiln::data {
namespace {

// The part of YAML that these files have: "key: value", "key: [a, b]", and below a key indented "- item" or
// "0: item". Values are plain or in quotes.
class Yaml {
 public:
  Yaml(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  YoloFile read() {
    for (size_t begin = 0; begin < text_.size();) {
      const size_t end = std::min(text_.find('\n', begin), text_.size());
      ++line_;
      take(text_.substr(begin, end - begin));
      begin = end + 1;
    }
    if (!has_names_) fail("{}: has no 'names'", what_);
    const ClassNames checked(file_.names, what_);
    return std::move(file_);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: line {}: {}", what_, line_, fmt::format(format, std::forward<Args>(args)...));
  }

  // Without a comment, which begins the line or follows a blank, outside of quotes.
  static std::string_view without_comment(std::string_view line) {
    char quote = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quote != 0)
        quote = c == quote ? 0 : quote;
      else if (c == '"' || c == '\'')
        quote = c;
      else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
        return line.substr(0, i);
    }
    return line;
  }

  std::string scalar(std::string_view text) const {
    text = trimmed(text);
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')) {
      if (text.back() != text.front()) refuse("a quote is not closed");
      std::string out;
      const char quote = text.front();
      text = text.substr(1, text.size() - 2);
      for (size_t i = 0; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') refuse("escapes in quotes are not read");
        if (quote == '\'' && text[i] == quote && i + 1 < text.size() && text[i + 1] == quote) ++i;
        out += text[i];
      }
      return out;
    }
    if (!text.empty() && std::string_view("&*!|>{%@`").find(text.front()) != std::string_view::npos)
      refuse("'{}' is YAML that is not read here; write plain text or quotes", text.substr(0, 20));
    return std::string(text);
  }

  void take(std::string_view raw) {
    const std::string_view line = without_comment(raw);
    const std::string_view content = trimmed(line);
    if (content.empty() || content == "---" || content == "...") return;
    if (line.front() == '\t') refuse("is indented by a tab");
    const bool item = content == "-" || content.starts_with("- ");
    if (line.front() == ' ' || item) return below(content, item);
    const auto [key, value] = split(content);
    key_ = key;
    if (!keys_.add_new(key)) refuse("the key '{}' comes twice", key);
    has_names_ |= key == "names";
    if (value.empty()) return;
    if (value.front() == '[') {
      if (value.back() != ']') refuse("a list does not end in its line");
      for (const std::string& each : flow(value.substr(1, value.size() - 2))) add(each);
    } else if (value == "{}") {
      return;
    } else if (key == "names") {
      refuse("'names' is neither a list nor a map");
    } else {
      add(scalar(value));
    }
  }

  void below(std::string_view content, bool item) {
    if (key_ == "names" && !item) {
      const auto [number, name] = split(content);
      int64_t label = 0;
      if (!parse_count(number, label) || label != int64_t(file_.names.size()))
        refuse("class '{}' of 'names' is not the number {}, which comes next", number, file_.names.size());
      return add(scalar(name));
    }
    if (item) add(scalar(content.substr(1)));
  }

  std::pair<std::string, std::string_view> split(std::string_view content) const {
    size_t colon = content.find(": ");
    if (colon == content.npos && content.ends_with(':')) colon = content.size() - 1;
    if (colon == content.npos) refuse("is neither 'key: value' nor '- item': '{}'", content.substr(0, 40));
    return {scalar(content.substr(0, colon)), trimmed(content.substr(colon + 1))};
  }

  std::vector<std::string> flow(std::string_view list) const {
    std::vector<std::string> items;
    char quote = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= list.size(); ++i) {
      const char c = i < list.size() ? list[i] : ',';
      if (quote != 0 && i < list.size()) {
        quote = c == quote ? 0 : quote;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == ',') {
        const std::string_view text = trimmed(list.substr(begin, i - begin));
        if (!text.empty() || i < list.size()) items.push_back(scalar(text));
        begin = i + 1;
      }
    }
    return items;
  }

  void add(std::string value) {
    constexpr size_t kMost = 1 << 20;
    if (key_ == "names") {
      if (file_.names.size() == kMost) refuse("more than {} classes", kMost);
      file_.names.push_back(std::move(value));
    } else if (key_ == "path") {
      file_.root = std::move(value);
    } else if (key_ == "train" || key_ == "val" || key_ == "test") {
      if (!value.empty()) file_.lists[key_].push_back(std::move(value));
    }
  }

  struct Keys : ClassNames {
    bool add_new(const std::string& key) { return find(key) < 0 && add(key) >= 0; }
  };

  std::string_view text_;
  const std::string& what_;
  int64_t line_ = 0;
  std::string key_;
  bool has_names_ = false;
  Keys keys_;
  YoloFile file_;
};

}  // namespace

YoloFile parse_yolo_file(std::string_view text, const std::string& what) { return Yaml(text, what).read(); }

}  // namespace kiln::data
