#include <kiln/project/check/check.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include <kiln/project/by_threads.h>
#include <kiln/project/check/find.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

std::vector<PictureFacts> look_at_all(const data::Annotations& set, const CheckOptions& options) {
  std::vector<PictureFacts> facts(set.images.size());
  for_each_picture(int64_t(facts.size()), options.threads, options.progress,
                   [&](int64_t i) { facts[size_t(i)] = facts_of(set.path_of(set.images[size_t(i)])); });
  return facts;
}

void average(const std::vector<PictureFacts>& facts, Check& check) {
  constexpr double kWhite = 255;
  for (size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0, pixels = 0;
    for (const PictureFacts& of_one : facts) {
      sum += of_one.sum[c];
      squares += of_one.squares[c];
      pixels += of_one.pixels;
    }
    if (pixels == 0) continue;
    const double mean = sum / pixels;
    check.mean[c] = mean / kWhite;
    check.std[c] = std::sqrt(std::max(squares / pixels - mean * mean, 0.0)) / kWhite;
  }
}

}  // namespace

int64_t Check::count(Finding::Level level) const {
  return std::ranges::count(findings, level, &Finding::level);
}

Check check_data(const data::Annotations& set, const CheckOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  if (!set.packed.empty())
    fail("check: the pictures are packed in {}; check the set that it was made of", set.packed);
  Check check;
  check.pictures = int64_t(set.images.size());
  const std::vector<PictureFacts> facts = look_at_all(set, options);
  find_in_files(set, facts, options, check);
  find_copies(set, facts, options.similar, check);
  find_in_labels(set, facts, options, check);
  average(facts, check);
  std::ranges::stable_sort(check.findings, [](const Finding& a, const Finding& b) {
    return a.level != b.level ? a.level < b.level : a.kind < b.kind;
  });
  check.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return check;
}

}  // namespace kiln::project
