#include <kiln/io/look.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/command.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/leaves.h>
#include <kiln/tools/output.h>

namespace kiln::tools {

void verify(const VerifyOptions& options) {
  std::string warnings;
  const Value value = io::verify(options.file, {.warn = [&](const std::string& warning) {
                                   warnings += warning.substr(warning.find(": ") + 2) + "\n";
                                 }});
  const bool is_unsure = warnings.find("no checksum") != std::string::npos;
  if (const int64_t hidden = tensors_in_keys(value); hidden > 0) warnings += in_keys_text(hidden) + "\n";
  int64_t bytes = 0, count = 0;
  for (const Leaf& leaf : leaves_of(value)) {
    ++count;
    if (leaf.shares.empty()) bytes += bytes_of(*leaf.tensor);
  }
  print(fmt::format("{} is whole{}: {} tensor{}, {}\n{}", options.file,
                    is_unsure ? " as far as can be told" : "", grouped(count), count == 1 ? "" : "s",
                    size_text(bytes), warnings));
}

}  // namespace kiln::tools
