#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <kiln/project/check/find.h>

namespace kiln::project {
namespace {

using Level = Finding::Level;

void count_classes(const data::Annotations& set, Check& check) {
  std::map<std::string, size_t> places;
  for (const data::AnnotatedImage& image : set.images) places.try_emplace(image.split, 0);
  for (auto& [name, place] : places) {
    place = check.splits.size();
    check.splits.push_back(name);
  }
  for (const std::string& name : set.classes)
    check.classes.push_back({name, std::vector<int64_t>(check.splits.size(), 0)});
  const auto count = [&](const data::AnnotatedImage& image, int64_t label) {
    if (label >= 0 && label < int64_t(check.classes.size()))
      ++check.classes[size_t(label)].pictures[places[image.split]];
  };
  for (const data::AnnotatedImage& image : set.images) {
    for (const int64_t label : image.labels) count(image, label);
    if (image.labels.empty())
      for (const data::ObjectBox& box : image.boxes) count(image, box.label);
  }
}

int64_t total(const ClassCount& of_class) {
  int64_t sum = 0;
  for (const int64_t pictures : of_class.pictures) sum += pictures;
  return sum;
}

void look_at_classes(const CheckOptions& options, Check& check) {
  int64_t least = INT64_MAX, most = 0;
  std::string rarest, commonest;
  for (const ClassCount& of_class : check.classes) {
    const int64_t pictures = total(of_class);
    if (pictures == 0)
      check.findings.push_back(
          {Level::error, "empty class", fmt::format("the class '{}' has no picture", of_class.name), {}});
    if (pictures > most) most = pictures, commonest = of_class.name;
    if (pictures > 0 && pictures < least) least = pictures, rarest = of_class.name;
    const auto train = std::ranges::find(check.splits, "train");
    if (train != check.splits.end() && pictures > 0 &&
        of_class.pictures[size_t(train - check.splits.begin())] == 0)
      check.findings.push_back({Level::error,
                                "unlearnable class",
                                fmt::format("the class '{}' has {} pictures, none of them in the split train",
                                            of_class.name, pictures),
                                {}});
  }
  if (most > 0 && double(most) > options.most_imbalance * double(least))
    check.findings.push_back(
        {Level::warning,
         "imbalance",
         fmt::format("the class '{}' has {} pictures, '{}' has {}", commonest, most, rarest, least),
         {}});
}

}  // namespace

void find_in_labels(const data::Annotations& set, const std::vector<PictureFacts>& facts,
                    const CheckOptions& options, Check& check) {
  for (const std::string& problem : options.problems)
    check.findings.push_back({Level::error, "annotation", problem, {}});
  for (size_t i = 0; i < set.images.size(); ++i) {
    data::AnnotatedImage image = set.images[i];
    if (image.labels.empty() && image.boxes.empty())
      check.findings.push_back(
          {Level::warning, "without a label", fmt::format("{} has no label", image.path), {image.path}});
    if (!facts[i].error.empty()) continue;
    const int64_t width = facts[i].info.width, height = facts[i].info.height;
    if (image.width > 0 && (image.width != width || image.height != height))
      check.findings.push_back({Level::error,
                                "other size",
                                fmt::format("{} has {} x {} pixels, and {} x {} in the annotations",
                                            image.path, width, height, image.width, image.height),
                                {image.path}});
    image.width = width;
    image.height = height;
    for (const data::ObjectBox& box : image.boxes)
      if (const std::string problem = problem_of(box, image); !problem.empty())
        check.findings.push_back(
            {Level::error, "box", fmt::format("{}: {}", image.path, problem), {image.path}});
  }
  count_classes(set, check);
  look_at_classes(options, check);
}

}  // namespace kiln::project
