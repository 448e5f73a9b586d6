#include <kiln/annotate/labels/find_pictures.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <kiln/data/annotations/reading.h>
#include <kiln/data/sets/file.h>

namespace kiln::annotate {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the begin, without leading zeros.
std::string_view take_number(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
  return number;
}

class Walk {
 public:
  explicit Walk(const std::string& folder) : root_(folder) {}

  Found take() {
    walk("");
    std::ranges::sort(found_.paths, comes_before);
    return std::move(found_);
  }

 private:
  // A folder that is reached twice, by links, is taken once.
  void walk(const std::string& name) {
    const std::string path = name.empty() ? root_ : data::join_path(root_, name);
    std::error_code error;
    if (!seen_.insert(fs::canonical(path, error).string()).second) return;
    for (const std::string& entry : data::names_in(path)) {
      const std::string inner = name.empty() ? entry : data::join_path(name, entry);
      const bool folder = data::is_folder(data::join_path(root_, inner));
      if (!folder && !data::is_picture_name(entry)) continue;
      if (fs::is_symlink(data::join_path(root_, inner), error) && real_path_in(root_, inner).empty())
        ++found_.outside;
      else if (folder)
        walk(inner);
      else
        found_.paths.push_back(inner);
    }
  }

  const std::string& root_;
  std::set<std::string> seen_;
  Found found_;
};

}  // namespace

bool comes_before(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view x = take_number(a), y = take_number(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else if (a.front() != b.front()) {
      return uint8_t(a.front()) < uint8_t(b.front());
    } else {
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.empty() && b.empty() ? whole_a < whole_b : a.empty();
}

Found find_pictures(const std::string& folder) { return Walk(folder).take(); }

std::string real_path_in(const std::string& folder, const std::string& path) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return "";
  const fs::path real = fs::canonical(data::join_path(folder, path), error);
  if (error) return "";
  const auto [end, at] = std::ranges::mismatch(root, real);
  return end == root.end() ? real.string() : "";
}

}  // namespace kiln::annotate
