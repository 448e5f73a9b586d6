#include <kiln/data/annotations/table.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::data {

TableReader::TableReader(std::string_view text, char separator, const std::string& what)
    : text_(text), separator_(separator), what_(what) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
}

void TableReader::pass_line_end() {
  if (at_end()) return;
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

std::string TableReader::quoted_field() {
  std::string field;
  const int64_t begin = line_;
  for (++at_; !at_end(); ++at_) {
    const char c = text_[at_];
    if (c == '"' && (at_ + 1 >= text_.size() || text_[at_ + 1] != '"')) {
      ++at_;
      if (!at_line_end() && text_[at_] != separator_)
        fail("{}: line {}: something follows a closing quote; quotes in a field are doubled", what_, line_);
      return field;
    }
    if (c == '"') ++at_;
    line_ += c == '\n' || (c == '\r' && !(at_ + 1 < text_.size() && text_[at_ + 1] == '\n'));
    field += c;
    if (field.size() > kMostFieldBytes)
      fail("{}: line {}: a field has more than {} bytes; is a quote missing?", what_, begin, kMostFieldBytes);
  }
  fail("{}: line {}: a quote is not closed", what_, begin);
}

std::string TableReader::plain_field() {
  const size_t begin = at_;
  while (!at_line_end() && text_[at_] != separator_) ++at_;
  const std::string_view field = text_.substr(begin, at_ - begin);
  if (field.size() > kMostFieldBytes)
    fail("{}: line {}: a field has more than {} bytes", what_, line_, kMostFieldBytes);
  if (separator_ == ',' && field.find('"') != field.npos)
    fail("{}: line {}: a quote stands inside of a field; put the field in quotes and double it", what_,
         line_);
  return std::string(field);
}

bool TableReader::next(std::vector<std::string>& fields) {
  fields.clear();
  while (!at_end() && at_line_end()) pass_line_end();
  if (at_end()) return false;
  row_line_ = line_;
  for (;;) {
    fields.push_back(!at_end() && text_[at_] == '"' ? quoted_field() : plain_field());
    if (fields.size() > kMostFields) fail("{}: line {}: more than {} columns", what_, row_line_, kMostFields);
    if (at_line_end()) break;
    ++at_;  // the separator
  }
  pass_line_end();
  return true;
}

std::string table_field(const std::string& text, char separator) {
  if (text.find_first_of(std::string("\"\r\n") + separator) == text.npos && !text.starts_with("\xEF\xBB\xBF"))
    return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace kiln::data
