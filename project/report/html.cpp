#include <kiln/project/report/html.h>

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/resize.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/base/xml.h>

namespace kiln::project {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { display: inline-block; margin: .3rem; vertical-align: top; width: 10rem; }
figure img { max-width: 100%; border-radius: 4px; } figcaption { font-size: .8rem; color: var(--dim); overflow-wrap: anywhere; }
.error { color: #c22; font-weight: 600; } .warning { color: #a60; font-weight: 600; } .dim { color: var(--dim); }
svg { max-width: 100%; height: auto; background: #fff; }
)";

bool is_number(std::string_view cell) {
  return !cell.empty() && std::ranges::all_of(cell, [](unsigned char c) {
    return std::isdigit(c) || std::string_view(".,%-+ ").find(char(c)) != std::string_view::npos;
  });
}

}  // namespace

std::string page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n{2}</body>\n</html>\n",
      xml_escaped(title), kStyle, body);
}

std::string embedded(const Tensor& picture, std::string_view alt, int64_t most) {
  constexpr int kQuality = 80;
  const int64_t height = picture.size(1), width = picture.size(2);
  const double scale = std::min(1.0, double(most) / double(std::max(height, width)));
  const image::Size size = {std::max<int64_t>(1, int64_t(double(height) * scale)),
                            std::max<int64_t>(1, int64_t(double(width) * scale))};
  const std::string bytes = image::encode_jpeg(image::resize(picture, size), {.quality = kQuality});
  return fmt::format(
      "<img loading=\"lazy\" width=\"{}\" height=\"{}\" alt=\"{}\" src=\"data:image/jpeg;base64,{}\">",
      size.width, size.height, xml_escaped(alt), base64(bytes));
}

std::string embedded_file(const std::string& path, std::string_view alt, int64_t most) {
  try {
    return embedded(image::read(path), alt, most);
  } catch (const Error&) {
    return "";  // what is wrong with it is said elsewhere
  }
}

std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::vector<bool> numbers(head.size(), !rows.empty());
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      if (!row[i].empty() && !is_number(row[i])) numbers[i] = false;
  const auto line = [&](const std::vector<std::string>& cells, const char* tag) {
    std::string text = "<tr>";
    for (size_t i = 0; i < cells.size(); ++i)
      text += fmt::format("<{0}{1}>{2}</{0}>", tag, numbers[i] ? " class=\"n\"" : "", cells[i]);
    return text + "</tr>\n";
  };
  std::string text = "<table>\n" + line(head, "th");
  for (const auto& row : rows) text += line(row, "td");
  return text + "</table>\n";
}

// RFC 4648.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? uint8_t(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : kLetters[group >> (18 - 6 * k) & 63];
  }
  return text;
}

}  // namespace kiln::project
