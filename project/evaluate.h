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
  int64_t skip_bad = 0;                // so many pictures that cannot be read are left out
  metrics::ReportOptions report = {};  // names of classes are the model's
  Function<void(int64_t done, int64_t total)> progress = {};  // pictures
};

// How a classifier does on a set.
struct Evaluation {
  data::Annotations set;  // the pictures that it is about, one a sample; labels count the model's classes
  Tensor probabilities;   // float32 [samples, classes]
  Tensor labels;          // int64 [samples]
  std::vector<std::string> files;
  std::vector<std::string> skipped;  // files that could not be read and are left out
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
  // The report's, with the slices and what was left out: in JSON as "slices": {name: {"samples", "figures"}}
  // and "skipped": [file].
  std::string text() const;
  std::string json() const;
};

// "2 pictures could not be read and are left out: a.png, b.png".
std::string skipped_text(const std::vector<std::string>& skipped);

// Asks about all pictures of a set, each of which has one label. Classes of the set are found among the
// model's by name. Throws when one is not there, for files that are missing and for a picture that cannot be
// read, which it names (beyond options.skip_bad of them).
Evaluation evaluate(const Classifier& classifier, const data::Annotations& set,
                    const EvaluateOptions& options = {});

// report.txt, report.json, predictions.csv, confusion.svg, reliability.svg, and index.html with all of that
// and the worst mistakes as pictures, in a folder that is made.
void write(const Evaluation& evaluation, const Classifier& classifier, const std::string& folder,
           int64_t worst = 24);

}  // namespace kiln::project
