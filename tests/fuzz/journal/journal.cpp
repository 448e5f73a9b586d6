#include "fuzz/journal/journal.h"

#include <kiln/annotate/labels/journal.h>
#include <kiln/io/bytes/crc32c.h>
#include <kiln/tensor/fmt.h>

namespace kiln::fuzz {
namespace {

const std::string kFile = "some/file";

annotate::Journalled parse(std::string_view text) {
  return annotate::parse_journal(text, data::ClassNames({"cat", "dog"}, "fuzz"), kFile);
}

bool are_same(const annotate::Change& a, const annotate::Change& b) {
  return a.number == b.number && a.when == b.when && a.who == b.who && a.path == b.path && a.work == b.work &&
         a.added == b.added && a.saved == b.saved;
}

std::string problem_of(const annotate::Change& change, size_t classes) {
  for (const int64_t label : change.work.labels)
    if (label < 0 || label >= int64_t(classes)) return fmt::format("label {} of {} classes", label, classes);
  for (const data::ObjectBox& box : change.work.boxes)
    if (box.label < 0 || box.label >= int64_t(classes))
      return fmt::format("a box of class {} of {}", box.label, classes);
  return "";
}

std::string problem_of_reading(std::string_view text) {
  const annotate::Journalled read = parse(text);
  if (read.bytes > text.size()) return fmt::format("{} bytes of {}", read.bytes, text.size());
  std::string written;
  for (const annotate::Change& change : read.changes) {
    if (std::string problem = problem_of(change, read.classes.names().size()); !problem.empty())
      return problem;
    written += annotate::line_of(change, read.classes.names());
  }
  const std::string cut = written.substr(0, written.size() - std::min<size_t>(written.size(), 1));
  const size_t count = read.changes.size();
  for (const auto& [again, wanted] :
       {std::pair(parse(written), count), std::pair(parse(cut), count - (count > 0 ? 1 : 0))}) {
    if (again.changes.size() != wanted)
      return fmt::format("{} changes come back of {}", again.changes.size(), wanted);
    for (size_t i = 0; i < wanted; ++i)
      if (!are_same(again.changes[i], read.changes[i])) return "a change does not come back: " + written;
  }
  return "";
}

}  // namespace

std::string problem_of_journal(std::string_view text) {
  constexpr size_t kLongest = 2000;
  try {
    return problem_of_reading(text);
  } catch (const Error& error) {
    const std::string told = error.what();
    if (told.find(kFile) == told.npos) return "an Error that does not name the file: " + told;
    return told.size() > kLongest ? fmt::format("an Error of {} bytes", told.size()) : "";
  } catch (const std::exception& error) {
    return fmt::format("an exception other than Error: {}", error.what());
  }
}

std::string with_right_checksums(std::string_view text) {
  constexpr std::string_view kChecksum = ",\"crc\":";
  std::string all;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const size_t at = end == text.npos ? text.npos : line.rfind(kChecksum);
    if (at == line.npos)
      all += text.substr(0, end == text.npos ? end : end + 1);
    else
      all += fmt::format("{}{}{}}}\n", line.substr(0, at), kChecksum, io::crc32c(line.data(), at));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return all;
}

}  // namespace kiln::fuzz
