#pragma once

#include <string>
#include <vector>

#include <kiln/data/annotations/annotations.h>
#include <kiln/metrics/report.h>
#include <kiln/project/classifier.h>
#include <kiln/project/predictions.h>

namespace kiln::project {

struct EvaluateOptions {
  int64_t batch_size = 32;
  int workers = 1;
  // Each picture is asked about so many times, and the probabilities are averaged: 1 as it is, 2 also
  // mirrored, 4 in its quarter turns, 8 in these and their mirrors.
  int64_t views = 1;
  metrics::ReportOptions report = {};  // names of classes are the model's
};

// How a classifier does on a set.
struct Evaluation {
  Tensor probabilities;  // float32 [samples, classes]
  Tensor labels;         // int64 [samples]
  std::vector<std::string> files;
  metrics::Report report;
  struct Slice {
    std::string name;
    metrics::Report report;
  };
  std::vector<Slice> slices;  // of AnnotatedImage::slice, sorted; none where nothing has one
  // 1 where the likeliest class is the label's: what two models are compared by.
  std::vector<double> outcomes() const;
  // Of the samples whose class was not the likeliest, those that the classifier was surest of.
  std::vector<int64_t> worst(int64_t most) const;
};

// Asks about all pictures of a set, each of which has one label. Classes of the set are found among the
// model's by name. Throws when one is not there, and for a picture that cannot be read, which it names.
Evaluation evaluate(const Classifier& classifier, const data::Annotations& set,
                    const EvaluateOptions& options = {});

// report.txt, report.json, predictions.csv, confusion.svg, reliability.svg, and index.html with all of that
// and the worst mistakes as pictures, in a folder that is made.
void write(const Evaluation& evaluation, const Classifier& classifier, const data::Annotations& set,
           const std::string& folder, int64_t worst = 24);

}  // namespace kiln::project
