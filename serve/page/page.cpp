#include <kiln/serve/page/page.h>

#include <kiln/serve/page/pieces.h>

namespace kiln::serve {

const std::string& page_text() {
  static const std::string text = std::string("<!doctype html>\n<html lang=\"en\">\n<head>\n") + kPageHead +
                                  "<style>\n" + kPageStyle + "</style>\n</head>\n" + kPageBody +
                                  "<script>\n" + kPageScript + "</script>\n</body>\n</html>\n";
  return text;
}

Fields page_fields() {
  return {
      {"Content-Security-Policy",
       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' blob: "
       "data:; "
       "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cache-Control", "no-cache"}};
}

}  // namespace kiln::serve
