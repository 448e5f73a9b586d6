#include <algorithm>
#include <cmath>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/annotations/yolo_text.h>

namespace kiln::data {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < line.size();) {
    const size_t begin = line.find_first_not_of(" \t", at);
    if (begin == line.npos) break;
    at = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, at - begin));
  }
  return words;
}

// Throws with a reason.
ObjectBox box_of(const std::vector<std::string_view>& words, const AnnotatedImage& image, size_t classes) {
  if (words.size() != 5 && (words.size() < 7 || words.size() % 2 == 0))
    fail("has {} numbers: a box has 5, an outline a class and pairs", words.size());
  ObjectBox box;
  double label = 0;
  if (!parse_number(words[0], label) || label != std::trunc(label) || label < 0 || label >= double(classes))
    fail("class '{}' is not one of 0 .. {}", words[0].substr(0, 20), int64_t(classes) - 1);
  box.label = int64_t(label);
  std::vector<double> shares;
  for (size_t i = 1; i < words.size(); ++i) {
    double share = 0;
    if (!parse_number(words[i], share)) fail("'{}' is no number", words[i].substr(0, 20));
    if (share < 0 || share > 1) fail("the coordinate {} is outside of 0 .. 1", share);
    shares.push_back(share * double(i % 2 == 1 ? image.width : image.height));
  }
  if (shares.size() == 4) {
    box.left = shares[0] - shares[2] / 2, box.top = shares[1] - shares[3] / 2;
    box.width = shares[2], box.height = shares[3];
    return box;
  }
  double right = shares[0], bottom = shares[1];
  box.left = right, box.top = bottom;
  for (size_t i = 0; i < shares.size(); i += 2) {
    box.left = std::min(box.left, shares[i]), right = std::max(right, shares[i]);
    box.top = std::min(box.top, shares[i + 1]), bottom = std::max(bottom, shares[i + 1]);
  }
  box.width = right - box.left, box.height = bottom - box.top;
  box.polygons.push_back(std::move(shares));
  return box;
}

}  // namespace

std::vector<ObjectBox> parse_yolo_labels(std::string_view text, const AnnotatedImage& image, size_t classes,
                                         const std::string& what, const AnnotationOptions& options) {
  std::vector<ObjectBox> boxes;
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::vector<std::string_view> words = words_of(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
    ++line;
    if (words.empty()) continue;
    std::string problem;
    try {
      ObjectBox box = box_of(words, image, classes);
      problem = problem_of(box, image);
      if (problem.empty()) boxes.push_back(std::move(box));
    } catch (const Error& error) {
      problem = error.what();
    }
    if (!problem.empty()) report(options, fmt::format("{}: line {}: {}", what, line, problem));
  }
  return boxes;
}

// 12 digits: what was written with fewer comes back as it was.
std::string yolo_labels_text(const AnnotatedImage& image) {
  const double width = double(image.width), height = double(image.height);
  const auto share = [](double x) { return fmt::format(" {:.12g}", std::clamp(x, 0.0, 1.0)); };
  std::string out;
  for (const ObjectBox& box : image.boxes) {
    out += std::to_string(box.label);
    if (!box.polygons.empty() && box.polygons[0].size() >= 6) {
      for (size_t i = 0; i < box.polygons[0].size(); ++i)
        out += share(box.polygons[0][i] / (i % 2 == 0 ? width : height));
    } else {
      out += share((box.left + box.width / 2) / width) + share((box.top + box.height / 2) / height) +
             share(box.width / width) + share(box.height / height);
    }
    out += '\n';
  }
  return out;
}

}  // namespace kiln::data
