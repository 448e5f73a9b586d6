#include <kiln/tools/inspect.h>

#include <kiln/io/look.h>
#include <kiln/models/card.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/facts.h>
#include <kiln/tools/output.h>

namespace kiln::tools {

std::string one_line(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out += char(c);
  }
  return out;
}

namespace {

std::string tsv_rows(const Value& value, const InspectOptions& options, const std::string& begin) {
  std::string out;
  for (const Leaf& leaf : leaves_of(value)) {
    const Tensor& x = *leaf.tensor;
    out += fmt::format("{}{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", begin, one_line(leaf.key), leaf.dtype,
                       x.dim() == 0 ? "scalar" : joined(x.shape()), options.sha256 ? sha256_of(x) : "",
                       joined(x.strides()), x.layout().offset, bytes_of(x), one_line(leaf.shares),
                       options.stats ? to_string(stats_of(x)) : "");
  }
  return out;
}

}  // namespace

std::string tsv_text(const Value& value, const InspectOptions& options) {
  std::string out = "#key\tdtype\tshape\tsha256\tstrides\toffset\tbytes\tshares\tstats\n";
  out += tsv_rows(value, options, "");
  for (const Foreign& array : foreign_arrays(value))
    out += fmt::format("{}\t{}\t{}\t{}\t\t\t\t\t\n", one_line(array.key), one_line(array.dtype),
                       one_line(array.shape), options.sha256 ? "non-numeric" : "");
  // Comments, as they are no weights.
  if (const Value* attributes = attributes_of(value)) out += tsv_rows(*attributes, options, "#attribute: ");
  return out;
}

namespace {

// What a whole network's card says, for people; of a damaged one why it cannot be read.
std::string card_text(const Value& value, const std::string& file) {
  try {
    return to_string(models::read_card(value, file)) + "\n";
  } catch (const Error& error) {
    return one_line(error.what()) + "\n\n";
  }
}

}  // namespace

void inspect(const InspectOptions& options) {
  // Elements are read when they are asked for.
  const Value value = io::look(options.file);
  if (options.format == "table" && models::is_whole_model(value)) print(card_text(value, options.file));
  const auto text = options.format == "tsv" ? tsv_text : options.format == "json" ? json_text : table_text;
  print(text(value, options));
}

}  // namespace kiln::tools
