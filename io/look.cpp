#include <kiln/io/look.h>

#include <kiln/io/bytes/placement.h>
#include <kiln/io/format.h>
#include <kiln/io/open.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::io {

Value look(const std::string& path, LoadOptions options) {
  options.map = true;
  check_options(path, options);
  ReadOptions reading = {options};
  reading.read_only = true;
  return read_any(path, reading);
}

Value verify(const std::string& path, const LoadOptions& options) {
  check_options(path, options);
  Outline outline;
  ReadOptions reading = {options};
  reading.verify = reading.map = reading.read_only = true;
  reading.outline = &outline;
  Value value = read_any(path, reading);
  for (const auto& check : outline.checks) check();
  // Whether indices fit is seen by their values.
  LoadOptions quiet = options;
  quiet.warn = {};
  for (ValueWalk walk(value, '/'); walk.next();)
    if (walk.value().is_object() && is_sparse_layout(walk.value().type())) {
      open(path, quiet).value(walk.path());
      walk.skip();
    }
  return value;
}

}  // namespace kiln::io
