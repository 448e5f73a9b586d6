#include <kiln/data/sets/cifar_files.h>

#include <algorithm>
#include <cstring>

#include <kiln/io/bytes/file.h>
#include <kiln/io/pickle/pickle_numpy.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::data {
namespace {

using io::PickleGraph;

std::string read_whole(const std::string& path) {
  const io::InputFile file(path);
  return file.read(0, file.size());
}

PickleGraph parse_whole(const std::string& bytes, const std::string& path) {
  // Python 3 may write CIFAR-100's images as one text as long as the file, which doubles it at most.
  PickleGraph graph = io::parse_pickle(bytes, path, {.string_bytes = 2 * int64_t(bytes.size())});
  if (graph.consumed() != bytes.size())
    fail("{}: {} bytes follow after the pickle", path, bytes.size() - graph.consumed());
  return graph;
}

PickleGraph::Id entry(const PickleGraph& graph, const std::string& path, const char* key) {
  if (graph.kind(graph.root()) != PickleGraph::Kind::dict)
    fail("{}: needs a pickled dict, holds {}", path, name_of(graph.kind(graph.root())));
  const PickleGraph::Id value = graph.find(graph.root(), key);
  if (value == PickleGraph::kNothing) fail("{}: its dict has no '{}'", path, key);
  return value;
}

}  // namespace

CifarPart read_cifar_binary(const std::string& path, int label_bytes, int label) {
  const io::InputFile file(path);
  const int64_t record = label_bytes + kCifarImageBytes;
  if (file.size() == 0 || file.size() % record != 0)
    fail("{}: cut short or damaged: {} bytes are not a multiple of the {} of a record", path, file.size(),
         record);
  const std::string bytes = file.read(0, file.size());
  const int64_t count = file.size() / record;
  CifarPart part;
  part.images = empty({count, kCifarImageBytes}, {.dtype = uint8, .device = cpu});
  for (int64_t i = 0; i < count; ++i) {
    const char* from = bytes.data() + i * record;
    part.labels.push_back(uint8_t(from[label]));
    std::memcpy(part.images.data<uint8_t>() + i * kCifarImageBytes, from + label_bytes, kCifarImageBytes);
  }
  return part;
}

CifarPart read_cifar_pickle(const std::string& path, const char* labels_key) {
  const std::string bytes = read_whole(path);
  const PickleGraph graph = parse_whole(bytes, path);
  CifarPart part;
  try {
    part.images = io::numpy_array(graph, entry(graph, path, "data"));
  } catch (const Error& error) {
    const std::string message = error.what();
    fail("{}", message.starts_with(path) ? message : path + ": data: " + message);
  }
  const Tensor& images = part.images;
  if (images.dtype() != uint8 || images.dim() != 2 || images.shape()[1] != kCifarImageBytes ||
      !images.is_contiguous())
    fail("{}: 'data' must be uint8 [count,{}] in C order, is {} {}", path, kCifarImageBytes, images.dtype(),
         images.shape());
  for (const PickleGraph::Id id : graph.items(entry(graph, path, labels_key)))
    part.labels.push_back(graph.integer(id));
  if (int64_t(part.labels.size()) != images.shape()[0])
    fail("{}: {} labels for {} images", path, part.labels.size(), images.shape()[0]);
  return part;
}

std::vector<std::string> read_names_text(const std::string& path) {
  const std::string text = read_whole(path);
  std::vector<std::string> names;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    if (!name.empty() && name.back() == '\r') name.pop_back();
    if (!name.empty()) names.push_back(std::move(name));
    begin = end + 1;
  }
  return names;
}

std::vector<std::string> read_names_pickle(const std::string& path, const char* key) {
  const std::string bytes = read_whole(path);
  const PickleGraph graph = parse_whole(bytes, path);
  std::vector<std::string> names;
  for (const PickleGraph::Id id : graph.items(entry(graph, path, key))) names.emplace_back(graph.text(id));
  return names;
}

}  // namespace kiln::data
