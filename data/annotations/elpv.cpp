#include <kiln/data/annotations/elpv.h>

#include <algorithm>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/sets/file.h>

namespace kiln::data {

Annotations elpv(const std::string& folder, const ElpvOptions& options) {
  if (!(options.threshold >= 0 && options.threshold <= 1))
    fail("elpv: the threshold must be in 0 .. 1, got {}", options.threshold);
  const std::string path = join_path(folder, "labels.csv");
  const TextFile file(path);
  Annotations result = {folder, {"functional", "defective"}, {}};
  int64_t line = 0;
  for (std::string_view rest = file.text(); !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view row = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++line;
    if (row.empty()) continue;
    std::vector<std::string> words;  // path, probability, kind, with any number of blanks between
    while (!row.empty()) {
      const size_t blank = std::min(row.find_first_of(" \t,"), row.size());
      words.emplace_back(row.substr(0, blank));
      row = trimmed(row.substr(std::min(blank + 1, row.size())));
    }
    double probability = 0;
    if (words.size() != 3 || !parse_number(words[1], probability) || probability < 0 || probability > 1)
      fail("{}: line {}: is not 'images/x.png PROBABILITY KIND'", path, line);
    if (const std::string problem = path_problem(words[0], {}); !problem.empty())
      fail("{}: line {}: {}", path, line, problem);
    result.images.push_back(
        {.path = words[0], .labels = {int64_t(probability >= options.threshold)}, .slice = words[2]});
  }
  return result;
}

}  // namespace kiln::data
