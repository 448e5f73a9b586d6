#include <array>
#include <map>

#include <fmt/format.h>

#include <kiln/io/bytes/json.h>
#include <kiln/project/check/check.h>
#include <kiln/project/report/html.h>
#include <kiln/tensor/base/xml.h>

namespace kiln::project {
namespace {

constexpr size_t kShown = 10;  // findings of a kind in text, pictures of a finding in the page

std::string plural(int64_t count, const char* word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

const char* name_of(Finding::Level level) { return level == Finding::Level::error ? "error" : "warning"; }

std::string summary(const Check& check) {
  std::string text = fmt::format("{}, {:.1f} MB, looked at in {:.1f} s", plural(check.pictures, "picture"),
                                 double(check.bytes) / 1e6, check.seconds);
  if (check.most_width > 0)
    text += fmt::format("\nsizes {} x {} to {} x {}", check.least_width, check.least_height, check.most_width,
                        check.most_height);
  return text +
         fmt::format("\nmean {:.4f} {:.4f} {:.4f}, std {:.4f} {:.4f} {:.4f} (red, green, blue; 0 .. 1)",
                     check.mean[0], check.mean[1], check.mean[2], check.std[0], check.std[1], check.std[2]);
}

std::string verdict(const Check& check) {
  return fmt::format("{}, {}", plural(check.count(Finding::Level::error), "error"),
                     plural(check.count(Finding::Level::warning), "warning"));
}

std::vector<std::string> heads(const Check& check) {
  std::vector<std::string> head = {"class"};
  for (const std::string& split : check.splits) head.push_back(split.empty() ? "pictures" : split);
  return head;
}

// Of each kind in the order of the findings.
std::vector<std::vector<const Finding*>> by_kind(const Check& check) {
  std::vector<std::vector<const Finding*>> kinds;
  for (const Finding& finding : check.findings) {
    if (kinds.empty() || kinds.back()[0]->kind != finding.kind || kinds.back()[0]->level != finding.level)
      kinds.emplace_back();
    kinds.back().push_back(&finding);
  }
  return kinds;
}

}  // namespace

std::string to_text(const Check& check) {
  std::string text = summary(check) + "\n\n";
  size_t widest = 0;
  for (const ClassCount& of_class : check.classes) widest = std::max(widest, of_class.name.size());
  const std::vector<std::string> head = heads(check);
  for (size_t i = 0; i < head.size(); ++i)
    text += i == 0 ? fmt::format("{:<{}}", head[i], std::max(widest, head[i].size()))
                   : fmt::format("  {:>8}", head[i]);
  for (const ClassCount& of_class : check.classes) {
    text += fmt::format("\n{:<{}}", of_class.name, std::max(widest, head[0].size()));
    for (const int64_t pictures : of_class.pictures) text += fmt::format("  {:>8}", pictures);
  }
  text += "\n";
  for (const auto& kind : by_kind(check)) {
    text += fmt::format("\n{}: {} ({})\n", name_of(kind[0]->level), kind[0]->kind, kind.size());
    for (size_t i = 0; i < kind.size() && i < kShown; ++i) text += "  " + kind[i]->text + "\n";
    if (kind.size() > kShown) text += fmt::format("  and {} more\n", kind.size() - kShown);
  }
  return text + "\n" + verdict(check) + "\n";
}

std::string to_json(const Check& check) {
  Value findings = Value::list(), classes = Value::list();
  for (const Finding& finding : check.findings) {
    Value files = Value::list();
    for (const std::string& file : finding.files) files.push_back(file);
    findings.push_back({{"level", name_of(finding.level)},
                        {"kind", finding.kind},
                        {"text", finding.text},
                        {"files", files}});
  }
  for (const ClassCount& of_class : check.classes) {
    Value counts = Value::dict();
    for (size_t i = 0; i < check.splits.size(); ++i)
      counts[check.splits[i].empty() ? "pictures" : check.splits[i]] = of_class.pictures[i];
    classes.push_back({{"name", of_class.name}, {"counts", counts}});
  }
  const auto three = [](const std::array<double, 3>& x) { return Value::list({x[0], x[1], x[2]}); };
  return io::json_text({{"pictures", check.pictures},
                        {"unreadable", check.unreadable},
                        {"bytes", check.bytes},
                        {"errors", check.count(Finding::Level::error)},
                        {"warnings", check.count(Finding::Level::warning)},
                        {"mean", three(check.mean)},
                        {"std", three(check.std)},
                        {"classes", classes},
                        {"findings", findings}},
                       1) +
         "\n";
}

std::string to_html(const Check& check, const data::Annotations& set) {
  std::map<std::string, std::string> paths;
  for (const data::AnnotatedImage& image : set.images) paths[image.path] = set.path_of(image);
  std::string body =
      "<p>" + xml_escaped(summary(check)) + "</p>\n<p><strong>" + verdict(check) + "</strong></p>\n";
  std::vector<std::vector<std::string>> rows;
  for (const ClassCount& of_class : check.classes) {
    rows.push_back({xml_escaped(of_class.name)});
    for (const int64_t pictures : of_class.pictures) rows.back().push_back(std::to_string(pictures));
  }
  body += "<h2>Classes</h2>\n" + table(heads(check), rows);
  for (const auto& kind : by_kind(check)) {
    body += fmt::format("<h2><span class=\"{0}\">{0}</span> {1} <span class=\"dim\">{2}</span></h2>\n",
                        name_of(kind[0]->level), xml_escaped(kind[0]->kind), kind.size());
    for (size_t i = 0; i < kind.size() && i < kShown; ++i) {
      body += "<p>" + xml_escaped(kind[i]->text) + "</p>\n<div>";
      for (size_t k = 0; k < kind[i]->files.size() && k < kShown; ++k) {
        const std::string& file = kind[i]->files[k];
        body += "<figure>" + embedded_file(paths[file], file) + "<figcaption>" + xml_escaped(file) +
                "</figcaption></figure>";
      }
      body += "</div>\n";
    }
    if (kind.size() > kShown) body += fmt::format("<p class=\"dim\">and {} more</p>\n", kind.size() - kShown);
  }
  return page("Data check", body);
}

}  // namespace kiln::project
