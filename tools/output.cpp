#include <kiln/tools/output.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <kiln/io/bytes/json.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::tools {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    fail("cannot write to the standard output: {}", std::strerror(errno));
}

void print_json(const Value& value, int indent) { print(io::json_text(value, indent) + "\n"); }

}  // namespace kiln::tools
