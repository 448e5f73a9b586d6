#include <kiln/io/torch/torch_dcp.h>

#include <sys/stat.h>

#include <cstring>
#include <map>
#include <memory>

#include <kiln/io/bytes/check_layout.h>
#include <kiln/io/bytes/sizes.h>
#include <kiln/io/format.h>
#include <kiln/io/torch/dcp_tree.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/io/zip/zip.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/dtype/element.h>

namespace kiln::io {
namespace {

constexpr const char* kIndex = "/.metadata";

bool is_file(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// A file of torch.save within one of the folder's.
struct Blob {
  std::string file;
  int64_t begin = 0, bytes = 0;
};

// A part of a tensor: where it lies in it.
struct Chunk {
  Dims offsets, sizes;
  Blob blob;
};

// The files of a folder, each opened when it is first asked for.
class Files {
 public:
  Files(std::string folder, const ReadOptions& options) : folder_(std::move(folder)), options_(options) {
    options_.outline = nullptr;
    options_.progress = {};
  }

  Value read(const Blob& blob) const {
    const std::string path = folder_ + "/" + blob.file;
    const InputFile file(path);
    const std::string where = fmt::format("load: '{}', {} bytes at byte {}", path, blob.bytes, blob.begin);
    if (blob.begin < 0 || blob.bytes < 0 || blob.begin > file.size() || blob.bytes > file.size() - blob.begin)
      fail("{}: the file has {} (is it incomplete?)", where, file.size());
    const std::string content = file.read(blob.begin, blob.bytes);
    const Source source(content, where);
    if (content.starts_with("PK\3\4")) return read_zip(source, options_, 1);
    if (is_legacy(content)) return read_legacy(source, options_, 1);
    fail("{} is no file of torch.save", where);
  }

 private:
  std::string folder_;
  ReadOptions options_;
};

bool overlap(const Chunk& a, const Chunk& b) {
  for (int d = 0; d < a.sizes.rank(); ++d)
    if (a.offsets[d] >= b.offsets[d] + b.sizes[d] || b.offsets[d] >= a.offsets[d] + a.sizes[d]) return false;
  return true;
}

// Copies `part` to where it lies in the row-major `whole`.
void place(const Tensor& part, const Tensor& whole, const Dims& offsets) {
  const int64_t width = size_of(whole.dtype());
  Layout target = {part.shape(), whole.strides(), 0};
  for (int d = 0; d < offsets.rank(); ++d) target.offset += offsets[d] * whole.strides()[d];
  std::vector<int64_t> places;
  places.reserve(size_t(part.numel()));
  const int64_t first = target.offset;
  target.offset = 0;
  for_each_offset(target, [&](int64_t at) { places.push_back(first + at); });
  const auto* from = static_cast<const char*>(part.raw_data());
  auto* to = static_cast<char*>(whole.raw_data());
  size_t i = 0;
  for_each_offset(part.layout(), [&](int64_t at) {
    std::memcpy(to + places[i++] * width, from + at * width, size_t(width));
  });
}

class DcpReader {
 public:
  DcpReader(const std::string& folder, const ReadOptions& options)
      : where_(fmt::format("load: '{}{}'", folder, kIndex)),
        options_(options),
        files_(std::make_shared<const Files>(folder, options)) {
    ReadOptions plain = options;
    plain.outline = nullptr;
    plain.progress = {};
    plain.strict = false;  // the index is made of classes that are known here
    index_ = read_pickle(InputFile(folder + kIndex), plain);
  }

  Value read() {
    find_places();
    if (options_.outline != nullptr && options_.verify)
      for (const auto& place : places_)
        options_.outline->checks.push_back([files = files_, blob = place.second] { files->read(blob); });
    DcpTree tree(where_, index_.find("planner_data"));
    for (const auto& [name, stored] : part(index_, "state_dict_metadata").entries()) {
      if (!name.is_text()) bad("a name that is not a string");
      const bool is_tensor = stored.is_object() && stored.type().ends_with(".TensorStorageMetadata");
      if (!is_tensor && !(stored.is_object() && stored.type().ends_with(".BytesStorageMetadata")))
        bad(fmt::format("'{}' as a {}, which Kiln does not know", name.text(), kind_of(stored)));
      tree.add(name.text(), is_tensor ? tensor(name.text(), stored) : files_->read(blob_of(name.text(), {})));
    }
    return tree.take();
  }

 private:
  using Place = std::pair<std::string, std::vector<int64_t>>;  // name, and offsets of a chunk

  [[noreturn]] void bad(const std::string& what) const { fail("{} has {}", where_, what); }
  static std::string kind_of(const Value& value) {
    return value.is_object() ? value.type() : name_of(value.kind());
  }

  const Value& part(const Value& of, const char* name) const {
    const Value* found = of.is_object() ? of.find(name) : nullptr;
    if (found == nullptr) bad(fmt::format("no '{}' in its {}", name, kind_of(of)));
    return *found;
  }
  int64_t number(const Value& of, const char* name) const {
    const Value& found = part(of, name);
    if (!found.is_int()) bad(fmt::format("a '{}' that is no int", name));
    return found.as_int();
  }
  std::string text(const Value& of, const char* name) const {
    const Value& found = part(of, name);
    if (!found.is_string()) bad(fmt::format("a '{}' that is no string", name));
    return found.as_string();
  }
  Dims dims(const Value& of, const char* name) const {
    const Value& found = part(of, name);
    Dims result;
    if ((!found.is_tuple() && !found.is_list()) || found.size() > size_t(kMaxRank))
      bad(fmt::format("a '{}' of no or too many dimensions", name));
    for (const Value& size : found.items()) {
      if (!size.is_int() || size.as_int() < 0) bad(fmt::format("a '{}' that is not of ints", name));
      result.push_back(size.as_int());
    }
    return result;
  }

  // storage_data: {MetadataIndex(fqn, offset, index): _StorageInfo(relative_path, offset, length)}
  void find_places() {
    const Value& all = part(index_, "storage_data");
    if (!all.is_dict()) bad("a 'storage_data' that is no dict");
    for (const auto& [key, info] : all.entries()) {
      const Value index = key.value();
      Place place = {text(index, "fqn"), {}};
      if (const Value* offset = index.find("offset"); offset != nullptr && !offset->is_none())
        for (const int64_t at : dims(index, "offset")) place.second.push_back(at);
      Blob blob = {text(info, "relative_path"), number(info, "offset"), number(info, "length")};
      if (!is_plain_path(blob.file)) bad(fmt::format("the file '{}', which is not in its folder", blob.file));
      if (const Value* changed = info.find("transform_descriptors");
          changed != nullptr && !changed->is_none() && changed->size() > 0)
        bad(fmt::format("'{}' in the file '{}' compressed by an extension, which Kiln does not read",
                        place.first, blob.file));
      if (!places_.emplace(std::move(place), std::move(blob)).second)
        bad("two places for one part of a tensor");
    }
  }

  const Blob& blob_of(const std::string& name, const Dims& offsets) const {
    const auto found = places_.find({name, {offsets.begin(), offsets.end()}});
    if (found == places_.end()) bad(fmt::format("no place for '{}'", name));
    return found->second;
  }

  const TorchType& type_of(const Value& stored) const {
    const Value& properties = part(stored, "properties");
    const Value* dtype = properties.is_object() ? properties.find("dtype") : nullptr;
    const Value* state = properties.is_object() ? properties.find("_state") : nullptr;
    if (dtype == nullptr && state != nullptr && state->is_tuple() && state->size() > 0)
      dtype = &state->items()[0];
    constexpr std::string_view kTorch = "torch.";
    const TorchType* type =
        dtype != nullptr && dtype->is_string() && dtype->as_string().starts_with(kTorch)
            ? torch_type_of_name(std::string_view(dtype->as_string()).substr(kTorch.size()))
            : nullptr;
    if (type == nullptr) bad("a tensor without a dtype that Kiln knows");
    return *type;
  }

  // The chunks cover the tensor: none outside of it, none over another, and as many elements as it has.
  std::vector<Chunk> chunks_of(const std::string& name, const Value& stored, const Dims& shape) const {
    std::vector<Chunk> chunks;
    int64_t covered = 0;
    const Value& list = part(stored, "chunks");
    if (!list.is_list()) bad(fmt::format("'{}' without a list of chunks", name));
    for (const Value& item : list.items()) {
      Chunk chunk = {dims(item, "offsets"), dims(item, "sizes"), {}};
      bool fits = chunk.offsets.rank() == shape.rank() && chunk.sizes.rank() == shape.rank();
      for (int d = 0; fits && d < shape.rank(); ++d)
        fits = chunk.sizes[d] <= shape[d] && chunk.offsets[d] <= shape[d] - chunk.sizes[d];
      if (!fits) bad(fmt::format("a part of '{}' that reaches beyond its shape {}", name, shape));
      if (numel(chunk.sizes) == 0 && numel(shape) != 0) continue;
      chunk.blob = blob_of(name, chunk.offsets);
      covered += numel(chunk.sizes);
      chunks.push_back(std::move(chunk));
    }
    constexpr size_t kMost = 20'000;  // each is compared with each
    if (chunks.size() > kMost)
      bad(fmt::format("'{}' in {} parts, the limit is {}", name, chunks.size(), kMost));
    for (size_t i = 0; i < chunks.size() && numel(shape) > 0; ++i)
      for (size_t k = 0; k < i; ++k)
        if (overlap(chunks[i], chunks[k])) bad(fmt::format("parts of '{}' that overlap", name));
    if (covered != numel(shape))
      bad(fmt::format("'{}' of {} elements in parts of {}", name, numel(shape), covered));
    return chunks;
  }

  Value tensor(const std::string& name, const Value& stored) {
    const TorchType& type = type_of(stored);
    const Dims shape = dims(stored, "size");
    constexpr int64_t kWidest = 16;
    if (!has_countable_bytes(shape, kWidest)) bad(fmt::format("'{}' of the shape {}", name, shape));
    const int64_t bytes = numel(shape) * size_of(type.dtype);
    const auto read = [files = files_, chunks = chunks_of(name, stored, shape), shape, &type, name,
                       where = where_] {
      const Tensor whole = empty(shape, {.dtype = type.dtype, .device = cpu});
      for (const Chunk& chunk : chunks) {
        const Value found = files->read(chunk.blob);
        const Value* raw = found.is_object() ? found.find("values") : &found;
        if (raw == nullptr || !raw->is_tensor() || raw->as_tensor().dtype() != type.dtype ||
            raw->as_tensor().shape() != chunk.sizes)
          fail("{} says {} of shape {} for a part of '{}', the file '{}' has other things there", where,
               type.name, chunk.sizes, name, chunk.blob.file);
        place(raw->as_tensor(), whole, chunk.offsets);
      }
      return whole.impl()->storage;
    };
    Tensor made = from_storage(options_.outline != nullptr ? options_.outline->add(bytes, read) : read(),
                               type.dtype, Layout::contiguous(shape));
    if (type.is_plain) return made;
    return Value::object("torch." + std::string(type.name), {{"values", std::move(made)}});
  }

  std::string where_;
  const ReadOptions& options_;
  std::shared_ptr<const Files> files_;
  Value index_;
  std::map<Place, Blob> places_;
};

}  // namespace

bool is_dcp_folder(const std::string& path) { return is_file(path + kIndex); }

Value read_dcp(const std::string& folder, const ReadOptions& options) {
  return DcpReader(folder, options).read();
}

}  // namespace kiln::io
