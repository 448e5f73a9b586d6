#include <kiln/nn/repr.h>

#include <kiln/nn/members.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

namespace {

std::string indented(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Module& module) { return out << to_string(module); }

std::string to_string(const Module& module) {
  const std::string extra = module.extra_repr();
  std::string lines;
  for (const auto& [name, child] : Members(visitable(module)).modules)
    lines += "\n  (" + name + "): " + indented(to_string(*child));
  if (lines.empty()) return module.type_name() + "(" + extra + ")";
  if (!extra.empty()) lines = "\n  " + extra + lines;
  return module.type_name() + "(" + lines + "\n)";
}

std::string repr(bool value) { return value ? "True" : "False"; }

std::string repr(Pair pair) { return fmt::format("({}, {})", pair.h, pair.w); }

std::string repr(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

std::string repr(const Shape& shape) {
  if (shape.rank() == 1) return fmt::format("({},)", shape[0]);
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

std::string repr_short(Pair pair) { return pair.h == pair.w ? std::to_string(pair.h) : repr(pair); }

}  // namespace kiln::nn
