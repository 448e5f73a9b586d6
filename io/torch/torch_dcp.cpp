#include <kiln/io/torch/torch_dcp.h>

#include <sys/stat.h>

#include <cstring>
#include <map>
#include <memory>
#include <unordered_set>

#include <kiln/io/bytes/check_layout.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/bytes/sizes.h>
#include <kiln/io/bytes/source.h>
#include <kiln/io/format.h>
#include <kiln/io/torch/dcp_files.h>
#include <kiln/io/torch/dcp_tree.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/io/torch/torch_types.h>
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

// A part of a tensor: where it lies in it.
struct Chunk {
  Dims offsets, sizes;
  Blob blob;
};

// A tensor in its parts.
struct Stored {
  std::string where, name;
  const TorchType* type = nullptr;
  Dims shape;
  std::vector<Chunk> chunks;
};

// The tensor that a file has for a part. Throws when it is not the one that the index tells of.
Tensor tensor_of(const Stored& stored, const Chunk& chunk, const Value& found) {
  const bool is_raw = found.is_object() && found.type() == fmt::format("torch.{}", stored.type->name);
  const Value* raw = stored.type->is_plain ? &found : is_raw ? found.find("values") : nullptr;
  if (raw == nullptr || !raw->is_tensor() || raw->as_tensor().dtype() != stored.type->dtype ||
      raw->as_tensor().shape() != chunk.sizes)
    fail("{} says {} of shape {} for a part of '{}', the file '{}' has other things there", stored.where,
         stored.type->name, chunk.sizes, stored.name, chunk.blob.file);
  return raw->as_tensor();
}

bool overlap(const Chunk& a, const Chunk& b) {
  for (int d = 0; d < a.sizes.rank(); ++d)
    if (a.offsets[d] >= b.offsets[d] + b.sizes[d] || b.offsets[d] >= a.offsets[d] + a.sizes[d]) return false;
  return true;
}

// Copies `part` to where it lies in the row-major `whole`, row by row.
void place(const Tensor& part, const Tensor& whole, const Dims& offsets) {
  const int rank = offsets.rank();
  const int64_t width = size_of(whole.dtype()), row = rank == 0 ? 1 : part.shape()[rank - 1],
                step = rank == 0 ? 1 : part.strides()[rank - 1];
  const auto* from = static_cast<const char*>(part.raw_data());
  auto* to = static_cast<char*>(whole.raw_data());
  Dims index = Dims::filled(rank, 0);
  for (int64_t rows = row == 0 ? 0 : part.numel() / row; rows > 0; --rows) {
    int64_t at = 0, target = 0;
    for (int d = 0; d < rank; ++d) {
      at += index[d] * part.strides()[d];
      target += (offsets[d] + index[d]) * whole.strides()[d];
    }
    for (int64_t i = 0; step != 1 && i < row; ++i)
      std::memcpy(to + (target + i) * width, from + (at + i * step) * width, size_t(width));
    if (step == 1) std::memcpy(to + target * width, from + at * width, size_t(row * width));
    for (int d = rank - 2; d >= 0 && ++index[d] == part.shape()[d]; --d) index[d] = 0;
  }
}

// Put together; one that is a single part may stay where it lies.
Ref<Storage> read_whole(const Stored& stored, const DcpFiles& files) {
  const int64_t bytes = numel(stored.shape) * size_of(stored.type->dtype);
  if (stored.chunks.size() == 1 && stored.chunks[0].sizes == stored.shape) {
    const Tensor only = tensor_of(stored, stored.chunks[0], files.read(stored.chunks[0].blob));
    const Ref<Storage>& memory = only.impl()->storage;
    if (only.device().is_cpu() && only.is_contiguous() &&
        (is_mapped_to_read(*memory) || memory->bytes == bytes))
      return part_of(memory, only.layout().offset * size_of(only.dtype()), bytes);
  }
  const Tensor whole = empty(stored.shape, {.dtype = stored.type->dtype, .device = cpu});
  for (const Chunk& chunk : stored.chunks) {
    const Tensor part = tensor_of(stored, chunk, files.read(chunk.blob));
    if (!part.device().is_cpu())
      fail("{} places '{}' in '{}', which has a part of it without data", stored.where, stored.name,
           chunk.blob.file);
    place(part, whole, chunk.offsets);
    leave_if_mapped(part);
  }
  return whole.impl()->storage;
}

class DcpReader {
 public:
  DcpReader(const std::string& folder, const ReadOptions& options)
      : where_(fmt::format("load: '{}{}'", folder, kIndex)),
        options_(options),
        files_(std::make_shared<const DcpFiles>(folder, options)) {
    ReadOptions plain = options;
    plain.outline = nullptr;
    plain.progress = {};
    plain.strict = false;  // the index is made of classes that are known here
    index_ = read_pickle(InputFile(folder + kIndex), plain);
  }

  Value read() {
    find_places();
    DcpTree tree(where_, index_.find("planner_data"));
    for (const auto& [name, stored] : part(index_, "state_dict_metadata").entries()) {
      if (!name.is_text()) bad("a name that is not a string");
      const bool is_tensor = stored.is_object() && stored.type().ends_with(".TensorStorageMetadata");
      if (!is_tensor && !(stored.is_object() && stored.type().ends_with(".BytesStorageMetadata")))
        bad(fmt::format("'{}' as a {}, which Kiln does not know", name.text(), kind_of(stored)));
      tree.add(name.text(), is_tensor ? tensor(name.text(), stored)
                                      : files_->read(blob_of(name.text(), {}), options_.outline));
    }
    look_at_rest();
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

  // Null when it has none.
  const Blob* find_blob(const std::string& name, const Dims& offsets) {
    const auto found = places_.find({name, {offsets.begin(), offsets.end()}});
    if (found == places_.end()) return nullptr;
    used_.insert(&found->second);
    return &found->second;
  }
  const Blob& blob_of(const std::string& name, const Dims& offsets) {
    const Blob* blob = find_blob(name, offsets);
    if (blob == nullptr) bad(fmt::format("no place for '{}'", name));
    return *blob;
  }

  // Parts that no value needs, and what is in no part.
  void look_at_rest() {
    std::vector<Blob> blobs;
    size_t unused = 0;
    const std::string* first = nullptr;
    for (const auto& [place, blob] : places_) {
      blobs.push_back(blob);
      if (used_.contains(&blob)) continue;
      if (unused++ == 0) first = &place.first;
      if (options_.outline != nullptr && options_.verify)
        options_.outline->checks.push_back([files = files_, unneeded = blob] { files->check(unneeded, {}); });
    }
    if (!options_.warn) return;
    if (unused > 0)
      options_.warn(fmt::format("{}: {} of {} parts belong to nothing in the value, the first to '{}'",
                                where_, unused, places_.size(), *first));
    files_->warn_of_rest(std::move(blobs));
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
  std::vector<Chunk> chunks_of(const std::string& name, const Value& stored, const Dims& shape) {
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
      if (numel(chunk.sizes) == 0 && numel(shape) != 0) {
        find_blob(name, chunk.offsets);
        continue;
      }
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

  Value tensor(const std::string& name, const Value& told) {
    Stored stored = {where_, name, &type_of(told), dims(told, "size"), {}};
    constexpr int64_t kWidest = 16;
    if (!has_countable_bytes(stored.shape, kWidest))
      bad(fmt::format("'{}' of the shape {}", name, stored.shape));
    stored.chunks = chunks_of(name, told, stored.shape);
    // Of a quantised tensor the index does not tell what else belongs to it.
    if (stored.type->name.starts_with('q') && stored.chunks.size() == 1) {
      Value whole = files_->read(stored.chunks[0].blob, options_.outline);
      tensor_of(stored, stored.chunks[0], whole);
      return whole;
    }
    if (options_.outline == nullptr) return made_of(stored, read_whole(stored, *files_));
    const auto shared = std::make_shared<const Stored>(std::move(stored));
    if (options_.verify)
      for (const Chunk& chunk : shared->chunks)
        options_.outline->checks.push_back([files = files_, shared, &chunk] {
          files->check(chunk.blob, [&](const Value& found) { tensor_of(*shared, chunk, found); });
        });
    const int64_t bytes = numel(shared->shape) * size_of(shared->type->dtype);
    const auto read = [files = files_, shared] { return read_whole(*shared, *files); };
    return made_of(*shared, options_.outline->add(bytes, read, Outline::From::file));
  }

  static Value made_of(const Stored& stored, Ref<Storage> memory) {
    Tensor made = from_storage(std::move(memory), stored.type->dtype, Layout::contiguous(stored.shape));
    if (stored.type->is_plain) return made;
    return Value::object("torch." + std::string(stored.type->name), {{"values", std::move(made)}});
  }

  std::string where_;
  const ReadOptions& options_;
  std::shared_ptr<const DcpFiles> files_;
  Value index_;
  std::map<Place, Blob> places_;
  std::unordered_set<const Blob*> used_;
};

}  // namespace

bool is_dcp_folder(const std::string& path) { return is_file(path + kIndex); }

Value read_dcp(const std::string& folder, const ReadOptions& options) {
  return DcpReader(folder, options).read();
}

}  // namespace kiln::io
