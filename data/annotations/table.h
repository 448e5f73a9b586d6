#pragma once

// Internal: tables as text (RFC 4180, and with tabs).

#include <string>
#include <string_view>
#include <vector>

namespace kiln::data {

// Reads a table row by row. Fields may stand in quotes, in which a quote is doubled and lines may break;
// lines end by CRLF, LF or CR; a byte order mark at the begin is passed over; empty lines are no rows. Throws
// "FILE: line 7: ..." for a quote that does not close or stands inside of a field, and beyond the limits.
class TableReader {
 public:
  // `what` names the file and must outlive the reader, as the text.
  TableReader(std::string_view text, char separator, const std::string& what);

  // False at the end.
  bool next(std::vector<std::string>& fields);
  // Of the last row, from 1: where it begins.
  int64_t line() const { return row_line_; }

  static constexpr size_t kMostFields = 4096, kMostFieldBytes = 16 << 20;

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return at_end() || text_[at_] == '\n' || text_[at_] == '\r'; }
  void pass_line_end();
  std::string quoted_field();
  std::string plain_field();

  std::string_view text_;
  char separator_;
  const std::string& what_;
  size_t at_ = 0;
  int64_t line_ = 1, row_line_ = 0;
};

// In quotes where it needs them.
std::string table_field(const std::string& text, char separator);

}  // namespace kiln::data
