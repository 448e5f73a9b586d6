#include <kiln/train/program.h>

#include <cstdio>
#include <exception>
#include <string_view>

namespace kiln::train {
namespace {

std::string quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace

int run_program(const char* name, const Function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

std::string command_text(int argc, const char* const* argv, const std::string& more) {
  std::string text;
  bool is_there = more.empty();
  for (int i = 0; i < argc; ++i) {
    text += (i == 0 ? "" : " ") + quoted(argv[i]);
    is_there = is_there || (i > 0 && argv[i] == more);
  }
  return is_there ? text : text + " " + more;
}

}  // namespace kiln::train
