#include <filesystem>

#include <fmt/format.h>

#include <kiln/data/annotations/table.h>
#include <kiln/data/folders/pictures.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>
#include <kiln/io/bytes/json.h>
#include <kiln/project/evaluate.h>
#include <kiln/project/report/html.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/xml.h>

namespace kiln::project {
namespace {

constexpr int64_t kMostInMatrix = 100;  // classes that confusion_svg takes

// A line a picture: path, label, prediction, its probability.
std::string predictions_csv(const Evaluation& evaluation, const std::vector<std::string>& names) {
  std::string text = "path,label,predicted,probability\n";
  for (size_t i = 0; i < evaluation.files.size(); ++i) {
    const Tensor row = evaluation.probabilities[int64_t(i)];
    const int64_t guess = ranked(row, 1)[0], label = evaluation.labels[int64_t(i)].item<int64_t>();
    text += fmt::format("{},{},{},{:.6f}\n", data::table_field(evaluation.files[i], ','),
                        data::table_field(names[size_t(label)], ','),
                        data::table_field(names[size_t(guess)], ','), row[guess].item<double>());
  }
  return text;
}

std::string figures_table(const metrics::Report& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& figure : report.figures()) {
    const bool has_ends = figure.value.low == figure.value.low;
    rows.push_back({figure.name, fmt::format("{:.4f}", figure.value.value),
                    has_ends ? fmt::format("{:.4f} - {:.4f}", figure.value.low, figure.value.high) : ""});
  }
  return table({"figure", "value", "95 %"}, rows);
}

std::string slices_table(const std::vector<Evaluation::Slice>& slices) {
  std::vector<std::vector<std::string>> rows;
  for (const Evaluation::Slice& slice : slices)
    rows.push_back({xml_escaped(slice.name), std::to_string(slice.report.samples()),
                    fmt::format("{:.4f}", slice.report.figure("accuracy").value),
                    fmt::format("{:.4f}", slice.report.figure("f1_macro").value)});
  return table({"slice", "pictures", "accuracy", "macro F1"}, rows);
}

// The picture as <img>; "" when it cannot be read.
std::string embedded_sample(const data::Pictures& pictures, int64_t index, const std::string& alt) {
  try {
    return embedded(pictures.sample(index).tensors[0], alt);
  } catch (const Error&) {
    return "";  // it could be when it was judged
  }
}

std::string mistakes(const Evaluation& evaluation, const Classifier& classifier, int64_t most) {
  const data::Pictures pictures(evaluation.set);
  std::string text;
  for (const int64_t i : evaluation.worst(most)) {
    const Tensor row = evaluation.probabilities[i];
    const int64_t guess = ranked(row, 1)[0], label = evaluation.labels[i].item<int64_t>();
    const std::string said =
        fmt::format("{}: {} with {:.1f} %, is {}", evaluation.files[size_t(i)], classifier.class_name(guess),
                    100 * row[guess].item<double>(), classifier.class_name(label));
    text += "<figure>" + embedded_sample(pictures, i, said) + "<figcaption>" + xml_escaped(said) +
            "</figcaption></figure>\n";
  }
  return text;
}

}  // namespace

std::string skipped_text(const std::vector<std::string>& skipped) {
  return fmt::format("{} could not be read and {} left out: {}",
                     skipped.size() == 1 ? "1 picture" : fmt::format("{} pictures", skipped.size()),
                     skipped.size() == 1 ? "is" : "are", fmt::join(skipped, ", "));
}

std::string Evaluation::text() const {
  std::string text = report.text();
  for (const Slice& slice : slices)
    text += fmt::format("\nslice {:<16} {:>6} pictures  accuracy {:.4f}  f1_macro {:.4f}", slice.name,
                        slice.report.samples(), slice.report.figure("accuracy").value,
                        slice.report.figure("f1_macro").value);
  if (!slices.empty()) text += "\n";
  return skipped.empty() ? text : text + "\n" + skipped_text(skipped) + "\n";
}

std::string Evaluation::json() const {
  constexpr size_t kDepth = 16;
  Value all = io::parse_json(report.json(), "the report", kDepth);
  Value parts = Value::dict(), left_out = Value::list();
  for (const Slice& slice : slices) {
    const Value of_slice = io::parse_json(slice.report.json(), "the report", kDepth);
    parts[slice.name] = {{"samples", of_slice.at("samples")}, {"figures", of_slice.at("figures")}};
  }
  for (const std::string& file : skipped) left_out.push_back(file);
  all["slices"] = parts;
  all["skipped"] = left_out;
  return io::json_text(all, 1);
}

void write(const Evaluation& evaluation, const Classifier& classifier, const std::string& folder,
           int64_t worst) {
  if (const std::error_code error = io::make_folders(folder)) fail("{}: {}", folder, error.message());
  const metrics::Report& report = evaluation.report;
  const std::vector<std::string>& names = report.class_names();
  io::write_text(folder + "/report.txt", evaluation.text());
  io::write_text(folder + "/report.json", evaluation.json() + "\n");
  io::write_text(folder + "/predictions.csv", predictions_csv(evaluation, names));
  std::string pictures;
  if (int64_t(names.size()) <= kMostInMatrix) {
    const std::string confusion = metrics::confusion_svg(report.confusion(), names);
    io::write_text(folder + "/confusion.svg", confusion);
    pictures += "<h2>Confusion</h2>\n" + confusion;
  }
  const std::string reliability = metrics::reliability_svg(report.calibration());
  io::write_text(folder + "/reliability.svg", reliability);
  std::string body =
      fmt::format("<p>{} on {} pictures</p>\n", xml_escaped(classifier.card().architecture),
                  report.samples()) +
      (evaluation.skipped.empty()
           ? ""
           : "<p class=\"warning\">" + xml_escaped(skipped_text(evaluation.skipped)) + "</p>\n") +
      figures_table(report) + pictures + "<h2>Reliability</h2>\n" + reliability;
  if (!evaluation.slices.empty()) body += "<h2>Slices</h2>\n" + slices_table(evaluation.slices);
  body += "<h2>The surest mistakes</h2>\n" + mistakes(evaluation, classifier, worst);
  io::write_text(folder + "/index.html", page("Evaluation", body));
}

}  // namespace kiln::project
