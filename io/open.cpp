#include <kiln/io/open.h>

#include <kiln/io/bytes/placement.h>
#include <kiln/io/format.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/value_tensors.h>
#include <kiln/tensor/value/value_walk.h>

namespace kiln::io {

struct File::State : RefCounted {
  std::string path;
  ReadOptions options;
  Outline outline;
  Value tree;

  static void destroy(State* state) { delete state; }
};

File::File(Ref<State> state) : state_(std::move(state)) {}
File::File(const File& other) = default;
File::File(File&& other) noexcept = default;
File& File::operator=(File other) noexcept {
  state_ = std::move(other.state_);
  return *this;
}
File::~File() = default;

File open(const std::string& path, const LoadOptions& options) {
  check_options(path, options);
  const Ref<File::State> state(new File::State);
  state->path = path;
  static_cast<LoadOptions&>(state->options) = options;
  state->options.map = true;
  state->options.progress = {};
  state->options.outline = &state->outline;
  state->tree = read_any(path, state->options);
  return File(state);
}

const std::string& File::path() const& { return state_->path; }
std::string File::path() && { return state_->path; }
const Value& File::outline() const& { return state_->tree; }
Value File::outline() && { return state_->tree; }
const Value& File::metadata() const& { return state_->outline.metadata; }
Value File::metadata() && { return state_->outline.metadata; }

std::vector<std::string> File::names() const {
  std::vector<std::string> names;
  for (ValueWalk walk(state_->tree, '/'); walk.next();)
    if (walk.value().is_tensor()) names.push_back(walk.path());
  return names;
}

Value File::value(std::string_view path) const {
  const Value* found = path.empty() ? &state_->tree : state_->tree.find(path);
  if (found == nullptr) {
    try {
      found = &state_->tree.at(path);
    } catch (const Error& error) {
      fail("load: '{}': {}", state_->path, error.what());
    }
  }
  Value result = *found;
  replace_tensors(result, with_data);
  check_sparse(result, fmt::format("load: '{}'", state_->path));
  if (state_->options.dtype || !state_->options.device.is_cpu()) place(result, state_->options);
  return result;
}

Tensor File::tensor(std::string_view path) const {
  Value found = value(path);
  if (!found.is_tensor())
    fail("load: '{}' has {} at '{}', not a tensor", state_->path, name_of(found.kind()), path);
  return found.as_tensor();
}

}  // namespace kiln::io
