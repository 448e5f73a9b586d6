#include <kiln/project/evaluate.h>

#include <map>
#include <numeric>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/data/folders/pictures.h>
#include <kiln/data/loader.h>
#include <kiln/project/open_data.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

Tensor quarter_turn(const Tensor& x) { return flip(transpose(x, 2, 3), {2}); }

// The average over the views of a batch [N,C,H,W].
Tensor over_views(const Classifier& classifier, Tensor x, int64_t views) {
  if (views != 1 && views != 2 && views != 4 && views != 8)
    fail("evaluate: views is {}, and should be 1, 2, 4 or 8", views);
  const int64_t turns = views >= 4 ? 4 : 1;
  Tensor all;
  for (int64_t turn = 0; turn < turns; ++turn) {
    for (const bool mirrored : {false, true}) {
      if (mirrored && (views == 1 || views == 4)) continue;
      const Tensor p = classifier.probabilities(mirrored ? flip(x, {3}) : x);
      all = all.defined() ? all + p : p;
    }
    if (turns > 1) x = quarter_turn(x);
  }
  return all / double(views);
}

metrics::Report report_of(const Evaluation& evaluation, const std::vector<int64_t>& rows,
                          const metrics::ReportOptions& options) {
  metrics::Report report(evaluation.probabilities.size(1), options);
  const Tensor index = from_values(rows, {int64_t(rows.size())}).to(cpu);
  report.update(index_select(evaluation.probabilities, 0, index), index_select(evaluation.labels, 0, index));
  return report;
}

// Not the rows that are another's, since their pictures could not be read.
void leave_out(const std::vector<int64_t>& bad, data::Annotations& set, Predictions& predictions) {
  const std::vector<int64_t> rows = rows_without(int64_t(set.images.size()), bad);
  std::vector<data::AnnotatedImage> images;
  for (const int64_t row : rows) images.push_back(set.images[size_t(row)]);
  set.images = std::move(images);
  predictions = rows_of(predictions, rows);
}

std::vector<Evaluation::Slice> slices_of(const Evaluation& evaluation,
                                         const metrics::ReportOptions& options) {
  std::map<std::string, std::vector<int64_t>> rows;
  const std::vector<data::AnnotatedImage>& images = evaluation.set.images;
  for (size_t i = 0; i < images.size(); ++i) rows[images[i].slice].push_back(int64_t(i));
  std::vector<Evaluation::Slice> slices;
  if (rows.size() > 1)
    for (const auto& [name, of_slice] : rows)
      slices.push_back({name.empty() ? "(none)" : name, report_of(evaluation, of_slice, options)});
  return slices;
}

}  // namespace

Evaluation evaluate(const Classifier& classifier, const data::Annotations& set,
                    const EvaluateOptions& options) {
  if (set.images.empty()) fail("evaluate: the set has no pictures");
  check_pictures(set, "evaluate", options.skip_bad);
  const NoGrad scope;
  const std::vector<std::string>& names = classifier.card().class_names;
  const data::Pictures pictures(names.empty() ? set : with_classes(set, names),
                                {.skip_bad = options.skip_bad});
  const auto prepare = [&classifier](const Tensor& picture, data::RandomStream&) {
    return classifier.prepare(picture);
  };
  const data::DataLoader loader(
      pictures, {.batch_size = options.batch_size, .workers = options.workers, .transform = prepare});
  metrics::ReportOptions report = options.report;
  report.class_names = pictures.class_names();
  report.logits = false;
  Tensors probabilities, labels;
  Predictions all;
  int64_t done = 0;
  for (const data::Batch& batch : loader.evaluation()) {
    probabilities.push_back(over_views(classifier, batch[0], options.views));
    labels.push_back(batch[1].clone());
    all.names.insert(all.names.end(), batch.texts[0].begin(), batch.texts[0].end());
    if (options.progress) options.progress(done += batch.size(), pictures.size());
  }
  all.scores = cat(probabilities);
  all.labels = cat(labels);
  Evaluation evaluation{.set = pictures.annotations(),
                        .report = metrics::Report(int64_t(report.class_names.size()), report)};
  if (const std::vector<int64_t> bad = pictures.bad(); !bad.empty()) {
    for (const int64_t i : bad) evaluation.skipped.push_back(evaluation.set.images[size_t(i)].path);
    leave_out(bad, evaluation.set, all);
  }
  evaluation.probabilities = all.scores;
  evaluation.labels = all.labels;
  evaluation.files = all.names;
  evaluation.report.update(evaluation.probabilities, evaluation.labels);
  evaluation.slices = slices_of(evaluation, report);
  return evaluation;
}

std::vector<double> Evaluation::outcomes() const {
  return (argmax(probabilities, 1) == labels).to(float64).to_vector<double>();
}

std::vector<int64_t> Evaluation::worst(int64_t most) const {
  return surest_mistakes(probabilities, labels, most);
}

}  // namespace kiln::project
