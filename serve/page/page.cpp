#include <kiln/serve/page/page.h>

#include <kiln/serve/page/pieces.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {

std::string page_around(std::string_view title, std::string_view style, std::string_view body,
                        std::string_view script) {
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{}</title>
<link rel="icon" href="data:,">
<style>
{}{}</style>
</head>
{}<script>
{}{}</script>
</body>
</html>
)",
                     title, kSharedStyle, style, body, kSharedScript, script);
}

const std::string& page_text() {
  static const std::string text = page_around("Kiln", kPageStyle, kPageBody, kPageScript);
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
