#include <kiln/io/pickle/pickle_numpy.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {

namespace {

// (version, shape, dtype, fortran, data), behind which a class of its own may have more.
constexpr size_t kOwnState = 5;

}  // namespace

TorchTree::Result TorchTree::numpy_opaque(Id type, Id shape, Id data, Id id) {
  std::string name = "?";
  if (graph_.kind(type) == Kind::object) {
    const Ids arguments = graph_.items(graph_.object(type).arguments);
    if (!arguments.empty() && graph_.is_text(arguments[0])) name = graph_.text(arguments[0]);
  }
  if (options_.strict && name.starts_with("O"))
    bad_sentence("it holds a numpy array of objects, which strict loading refuses");
  Fields fields;
  fields.own.entries = {{"dtype", name}, {"shape", {}}, {"data", {}}};
  fields.children = {{shape, 1}, {data, 2}};
  const Ids more = more_of_numpy(id);
  for (size_t i = 0; i < more.size(); ++i)
    fields.add_attribute(fmt::format("_state.{}", kOwnState + i), more[i]);
  return fill(Then::object, "numpy.ndarray", std::move(fields), id);
}

std::span<const PickleGraph::Id> TorchTree::more_of_numpy(Id id) const {
  const Id state = graph_.object(id).state;
  if (state == PickleGraph::kNothing || graph_.items(state).size() <= kOwnState) return {};
  return graph_.items(state).subspan(kOwnState);
}

// An array of numbers, and what a class of its own keeps beside them.
Value TorchTree::numpy_tensor(Id id) {
  Value made = numpy_array(graph_, id);
  const Ids more = more_of_numpy(id);
  if (more.empty()) return made;
  std::vector<Value::Entry> entries;
  size_t size = 1;
  for (size_t i = 0; i < more.size(); ++i) {
    entries.push_back({fmt::format("_state.{}", kOwnState + i), value(more[i])});
    size += size_;
  }
  size_ = size;
  const Ids arguments = graph_.items(graph_.object(id).arguments);
  made.set_attributes(
      Value::object(arguments.empty() ? "numpy.ndarray" : class_of(arguments[0]), std::move(entries)));
  return made;
}

bool TorchTree::numpy(Id id, Result* result) {
  const PickleGraph::Object& object = graph_.object(id);
  const Ids arguments = graph_.items(object.arguments);
  try {
    if (is_numpy_array(graph_, id)) {
      Id type = PickleGraph::kNothing, shape = type, data = type;
      if (object.state == PickleGraph::kNothing) {
        need(arguments.size() == 4, "numpy's _frombuffer");
        data = arguments[0], type = arguments[1], shape = arguments[2];
      } else {
        need(graph_.kind(object.state) == Kind::tuple && graph_.items(object.state).size() >= kOwnState,
             "a numpy array");
        const Ids state = graph_.items(object.state);
        shape = state[1], type = state[2], data = state[4];
      }
      if (is_numpy_number(graph_, type))
        *result = numpy_tensor(id);
      else
        *result = numpy_opaque(type, shape, data, id);
      return true;
    }
    if (!is_numpy_scalar(graph_, id)) return false;
    *result = numpy_scalar(graph_, id);
    return true;
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.starts_with("numpy")) bad_sentence(text);
    throw;
  }
}

}  // namespace kiln::io
