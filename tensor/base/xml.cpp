#include <kiln/tensor/base/xml.h>

#include <kiln/tensor/base/utf8.h>

namespace kiln {

std::string xml_escaped(std::string_view text) {
  const bool is_text = is_utf8(text);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else if ((c >= 0 && c < 0x20) || (c < 0 && !is_text))
      out += '?';
    else
      out += c;
  }
  return out;
}

}  // namespace kiln
