#include <filesystem>

#include <fmt/format.h>

#include <kiln/data/annotations/table.h>
#include <kiln/io/bytes/file.h>
#include <kiln/io/bytes/folder.h>
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

std::string mistakes(const Evaluation& evaluation, const Classifier& classifier, const data::Annotations& set,
                     int64_t most) {
  std::string text;
  for (const int64_t i : evaluation.worst(most)) {
    const Tensor row = evaluation.probabilities[i];
    const int64_t guess = ranked(row, 1)[0], label = evaluation.labels[i].item<int64_t>();
    const std::string said =
        fmt::format("{}: {} with {:.1f} %, is {}", evaluation.files[size_t(i)], classifier.class_name(guess),
                    100 * row[guess].item<double>(), classifier.class_name(label));
    text += "<figure>" + embedded_file(set.path_of(set.images[size_t(i)]), said) + "<figcaption>" +
            xml_escaped(said) + "</figcaption></figure>\n";
  }
  return text;
}

}  // namespace

void write(const Evaluation& evaluation, const Classifier& classifier, const data::Annotations& set,
           const std::string& folder, int64_t worst) {
  if (const std::error_code error = io::make_folders(folder)) fail("{}: {}", folder, error.message());
  const metrics::Report& report = evaluation.report;
  const std::vector<std::string>& names = report.class_names();
  io::write_text(folder + "/report.txt", report.text());
  io::write_text(folder + "/report.json", report.json() + "\n");
  io::write_text(folder + "/predictions.csv", predictions_csv(evaluation, names));
  std::string pictures;
  if (int64_t(names.size()) <= kMostInMatrix) {
    const std::string confusion = metrics::confusion_svg(report.confusion(), names);
    io::write_text(folder + "/confusion.svg", confusion);
    pictures += "<h2>Confusion</h2>\n" + confusion;
  }
  const std::string reliability = metrics::reliability_svg(report.calibration());
  io::write_text(folder + "/reliability.svg", reliability);
  std::string body = fmt::format("<p>{} on {} pictures</p>\n", xml_escaped(classifier.card().architecture),
                                 report.samples()) +
                     figures_table(report) + pictures + "<h2>Reliability</h2>\n" + reliability;
  if (!evaluation.slices.empty()) body += "<h2>Slices</h2>\n" + slices_table(evaluation.slices);
  body += "<h2>The surest mistakes</h2>\n" + mistakes(evaluation, classifier, set, worst);
  io::write_text(folder + "/index.html", page("Evaluation", body));
}

}  // namespace kiln::project
