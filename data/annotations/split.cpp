#include <kiln/data/annotations/split.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/random_stream.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

constexpr int64_t kNone = -1;

void check(const std::vector<SplitPart>& parts) {
  if (parts.empty()) fail("split_annotations: there are no parts");
  double sum = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!(parts[i].share >= 0) || parts[i].name.empty())
      fail("split_annotations: part '{}' of share {} needs a name and a share of 0 or more", parts[i].name,
           parts[i].share);
    for (size_t other = 0; other < i; ++other)
      if (parts[other].name == parts[i].name)
        fail("split_annotations: the part '{}' comes twice", parts[i].name);
    sum += parts[i].share;
  }
  if (std::abs(sum - 1) > 1e-9) fail("split_annotations: the shares must sum to 1, their sum is {}", sum);
}

// Pictures that stay together.
struct Group {
  std::vector<size_t> images;
  std::map<int64_t, int64_t> classes;  // how many of them have each
  int64_t part = kNone;
};

class Splitter {
 public:
  Splitter(Annotations& annotations, const std::vector<SplitPart>& parts,
           const SplitAnnotationsOptions& options)
      : images_(annotations.images), parts_(parts), options_(options), totals_(annotations.class_counts()) {
    find_strata(annotations);
    find_groups();
    if (options.keep) keep_parts();
    given_.assign(parts.size(), 0);
    given_of_.assign(parts.size(), {});
  }

  void run() {
    for (Group& group : groups_)
      if (group.part != kNone) give(group, size_t(group.part));
    for (const size_t i : order()) give(groups_[i], best_for(groups_[i]));
    for (const Group& group : groups_)
      for (const size_t image : group.images) images_[image].split = parts_[size_t(group.part)].name;
  }

 private:
  // The class that a picture is dealt by: of several the rarest, of equally rare ones the first.
  void find_strata(const Annotations& annotations) {
    for (const AnnotatedImage& image : annotations.images) {
      int64_t rarest = kNone;
      const auto look = [&](int64_t label) {
        if (label < 0 || label >= int64_t(totals_.size()))
          fail("split_annotations: '{}' has the label {} of {} classes", image.path, label, totals_.size());
        if (rarest == kNone || totals_[size_t(label)] < totals_[size_t(rarest)] ||
            (totals_[size_t(label)] == totals_[size_t(rarest)] && label < rarest))
          rarest = label;
      };
      for (const int64_t label : image.labels) look(label);
      for (const ObjectBox& box : image.boxes) look(box.label);
      strata_.push_back(options_.stratify ? rarest : kNone);
      ++in_stratum_[strata_.back()];
    }
  }

  // In the order of paths, so that the order of the pictures does not matter.
  void find_groups() {
    std::vector<size_t> sorted(images_.size());
    std::iota(sorted.begin(), sorted.end(), size_t(0));
    std::sort(sorted.begin(), sorted.end(),
              [&](size_t a, size_t b) { return images_[a].path < images_[b].path; });
    std::map<std::string, size_t> named;
    for (size_t k = 0; k < sorted.size(); ++k) {
      const size_t i = sorted[k];
      if (k > 0 && images_[sorted[k - 1]].path == images_[i].path)
        fail("split_annotations: the picture '{}' comes twice", images_[i].path);
      size_t group = groups_.size();
      if (!images_[i].group.empty()) group = named.try_emplace(images_[i].group, group).first->second;
      if (group == groups_.size()) groups_.emplace_back();
      groups_[group].images.push_back(i);
      ++groups_[group].classes[strata_[i]];
    }
  }

  void keep_parts() {
    for (Group& group : groups_)
      for (const size_t i : group.images) {
        if (images_[i].split.empty()) continue;
        const auto found = std::find_if(parts_.begin(), parts_.end(),
                                        [&](const SplitPart& part) { return part.name == images_[i].split; });
        if (found == parts_.end())
          fail("split_annotations: '{}' has the split '{}', which is none of the parts", images_[i].path,
               images_[i].split);
        const int64_t part = found - parts_.begin();
        if (group.part != kNone && group.part != part)
          fail("split_annotations: the group '{}' is in '{}' and in '{}'", images_[i].group,
               parts_[size_t(group.part)].name, parts_[size_t(part)].name);
        group.part = part;
      }
  }

  // Large groups first, while there is room to make up for them; single pictures class by class.
  std::vector<size_t> order() const {
    std::vector<int64_t> shuffled(groups_.size());
    std::iota(shuffled.begin(), shuffled.end(), int64_t(0));
    RandomStream random = RandomStream::for_split(options_.seed);
    shuffle(shuffled, random);
    std::vector<size_t> left;
    for (const int64_t i : shuffled)
      if (groups_[size_t(i)].part == kNone) left.push_back(size_t(i));
    std::stable_sort(left.begin(), left.end(), [&](size_t a, size_t b) {
      const Group &first = groups_[a], &second = groups_[b];
      if (first.images.size() != second.images.size()) return first.images.size() > second.images.size();
      return first.images.size() == 1 && first.classes.begin()->first < second.classes.begin()->first;
    });
    return left;
  }

  // Whether the part may have one more picture of the class, so that in the end each has its share of it,
  // rounded down or up.
  bool may_have(size_t part, int64_t label) const {
    int64_t missing = 0, lacks = 0;
    for (size_t other = 0; other < parts_.size(); ++other) {
      const auto least = int64_t(std::floor(share_of(other, label) + 1e-9));
      const int64_t misses = std::max<int64_t>(0, least - given_to(other, label));
      missing += misses;
      if (other == part) lacks = misses;
    }
    if (missing >= in_stratum_.at(label) - dealt_of(label)) return lacks > 0;
    return double(given_to(part, label)) < std::ceil(share_of(part, label) - 1e-9);
  }

  // Of a single picture the part that is most behind of all pictures so far, among those that may have it; of
  // several the part that lacks most of their classes.
  size_t best_for(const Group& group) const {
    size_t best = 0;
    double best_of_class = -INFINITY, best_of_all = -INFINITY;
    const bool single = group.images.size() == 1;
    for (size_t part = 0; part < parts_.size(); ++part) {
      if (parts_[part].share <= 0) continue;
      double of_class = 0;
      for (const auto& [label, count] : group.classes)
        of_class += single ? double(may_have(part, label))
                           : (share_of(part, label) - double(given_to(part, label))) * double(count) /
                                 double(in_stratum_.at(label));
      const double of_all = parts_[part].share * double(dealt_ + 1) - double(given_[part]);
      if (of_class > best_of_class + 1e-12 ||
          (of_class > best_of_class - 1e-12 && of_all > best_of_all + 1e-12)) {
        best = part;
        best_of_class = of_class;
        best_of_all = of_all;
      }
    }
    return best;
  }

  double share_of(size_t part, int64_t label) const {
    return parts_[part].share * double(in_stratum_.at(label));
  }
  int64_t given_to(size_t part, int64_t label) const {
    const auto found = given_of_[part].find(label);
    return found == given_of_[part].end() ? 0 : found->second;
  }
  int64_t dealt_of(int64_t label) const {
    int64_t sum = 0;
    for (size_t part = 0; part < parts_.size(); ++part) sum += given_to(part, label);
    return sum;
  }

  void give(Group& group, size_t part) {
    group.part = int64_t(part);
    given_[part] += int64_t(group.images.size());
    dealt_ += int64_t(group.images.size());
    for (const auto& [label, count] : group.classes) given_of_[part][label] += count;
  }

  std::vector<AnnotatedImage>& images_;
  const std::vector<SplitPart>& parts_;
  const SplitAnnotationsOptions& options_;
  std::vector<int64_t> totals_, strata_;
  std::map<int64_t, int64_t> in_stratum_;
  std::vector<Group> groups_;
  int64_t dealt_ = 0;
  std::vector<int64_t> given_;                        // pictures of each part
  std::vector<std::map<int64_t, int64_t>> given_of_;  // of each class
};

}  // namespace

void split_annotations(Annotations& annotations, const std::vector<SplitPart>& parts,
                       const SplitAnnotationsOptions& options) {
  check(parts);
  Splitter(annotations, parts, options).run();
}

int64_t keep_splits(Annotations& annotations, const Annotations& earlier) {
  std::map<std::string, const AnnotatedImage*> known;
  for (const AnnotatedImage& image : earlier.images) known[absolute_path(earlier.path_of(image))] = &image;
  int64_t count = 0;
  for (AnnotatedImage& image : annotations.images) {
    const auto found = known.find(absolute_path(annotations.path_of(image)));
    if (found == known.end()) continue;
    image.split = found->second->split;
    image.group = found->second->group;
    ++count;
  }
  return count;
}

}  // namespace kiln::data
