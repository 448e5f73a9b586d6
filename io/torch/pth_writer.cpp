#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/pieces.h>
#include <kiln/io/pickle/pickle.h>
#include <kiln/io/pickle/pickle_writer.h>
#include <kiln/io/state/state_format.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/io/writers.h>
#include <kiln/io/zip/zip_writer.h>

namespace kiln::io {
namespace {

constexpr char kPrefix[] = "archive/";  // of all records; any name will do

// PyTorch's class of a storage of that dtype; null where only an untyped storage holds it.
const char* storage_class(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "FloatStorage";
    case DType::float64:
      return "DoubleStorage";
    case DType::float16:
      return "HalfStorage";
    case DType::bfloat16:
      return "BFloat16Storage";
    case DType::int64:
      return "LongStorage";
    case DType::int32:
      return "IntStorage";
    case DType::int16:
      return "ShortStorage";
    case DType::int8:
      return "CharStorage";
    case DType::uint8:
      return "ByteStorage";
    case DType::bool8:
      return "BoolStorage";
    case DType::complex64:
      return "ComplexFloatStorage";
    case DType::complex128:
      return "ComplexDoubleStorage";
    default:
      return nullptr;
  }
}

// A storage of the file: the elements of `source` as they lie in memory, or in row-major order.
struct Record {
  Tensor source;
  bool keeps_strides = false;
};

// A tensor of the file, in elements of its record.
struct Part {
  size_t record = 0;
  Layout layout;
};

struct Content {
  std::vector<Record> records;
  std::vector<Part> parts;  // one a tensor, in the order of a walk through the value
  int64_t bytes = 0;

  size_t add(const Tensor& source) {
    const bool keeps = source.layout().is_dense();
    const Layout flat = {{source.numel()}, {1}, source.layout().offset};
    records.push_back({keeps ? from_storage(source.impl()->storage, source.dtype(), flat) : source, keeps});
    bytes += source.numel() * size_of(source.dtype());
    return records.size() - 1;
  }
};

void collect(const Value& value, std::vector<Tensor>& out) {
  if (value.is_tensor()) out.push_back(value.as_tensor());
  if (value.is_dict())
    for (const auto& [key, child] : value.entries()) collect(child, out);
  if (value.is_list() || value.is_tuple())
    for (const Value& item : value.items()) collect(item, out);
}

Content content_of(const Value& value) {
  const Plan plan = plan_blocks(value, {.align = false});
  std::vector<Tensor> tensors;
  collect(value, tensors);
  Content content;
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> records(plan.blocks.size(), kNone);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Use& use = plan.uses[i];
    const Tensor& source = plan.blocks[use.block].source;
    // A storage has one type, so a view of another becomes a copy.
    const bool copied = use.dtype != source.dtype() || (use.is_view && storage_class(use.dtype) == nullptr);
    if (!copied && records[use.block] == kNone) records[use.block] = content.add(source);
    Part part = {copied ? content.add(tensors[i]) : records[use.block], use.layout};
    if (copied || !use.is_view) {
      part.layout.offset = 0;
      if (!content.records[part.record].keeps_strides)
        part.layout.strides = contiguous_strides(use.layout.shape);
    }
    content.parts.push_back(part);
  }
  return content;
}

class Pickler {
 public:
  Pickler(const Content& content, const std::string& path) : content_(content), path_(path) {}

  std::string run(const Value& value) {
    write(value, "");
    if (values_ > kMostValues)
      fail("save: '{}' would have more values than load takes; store long lists as tensors, or save to .kiln",
           path_);
    return pickle_.finish();
  }

 private:
  void write(const Value& value, const std::string& name) {
    values_ += value.kind() > Value::Kind::tensor ? 1 + 2 * value.size() : 1;
    switch (value.kind()) {
      case Value::Kind::none:
        return pickle_.none();
      case Value::Kind::boolean:
        return pickle_.boolean(value.as_bool());
      case Value::Kind::integer:
        return pickle_.integer(value.as_int());
      case Value::Kind::real:
        return pickle_.real(value.as_float());
      case Value::Kind::string:
        return text(value.as_string(), name);
      case Value::Kind::bytes:
        return pickle_.bytes(checked(value.as_bytes(), name));
      case Value::Kind::tensor:
        return tensor(value.as_tensor().dtype(), content_.parts[next_++]);
      case Value::Kind::list:
        pickle_.empty_list();
        return items(value, name);
      case Value::Kind::tuple:
        return items(value, name);
      case Value::Kind::dict:
        return dict(value, name);
      default:
        fail("save: '{}' cannot hold '{}', which is {}", path_, name, to_string(value));
    }
  }

  const std::string& checked(const std::string& text, const std::string& name) const {
    constexpr size_t kLimit = INT32_MAX / 2;  // two bytes each, if they are above 127
    if (text.size() > kLimit)
      fail("save: '{}' cannot hold '{}' of {} bytes, the limit is {}; store it as a tensor", path_, name,
           text.size(), kLimit);
    return text;
  }

  void text(const std::string& text, const std::string& name) {
    if (!is_utf8(checked(text, name)))
      fail("save: '{}' cannot hold the string at '{}', which is not UTF-8; store it as bytes", path_, name);
    values_ += text.size() / 64;
    pickle_.string(text);
  }

  void items(const Value& value, const std::string& name) {
    if (value.size() == 0) {
      if (value.is_tuple()) pickle_.empty_tuple();
      return;
    }
    pickle_.mark();
    for (size_t i = 0; i < value.size(); ++i) write(value.items()[i], fmt::format("{}/{}", name, i));
    value.is_tuple() ? pickle_.tuple() : pickle_.append();
  }

  void dict(const Value& value, const std::string& name) {
    const Value* metadata = value.attributes().is_none() ? nullptr : value.attributes().find("_metadata");
    if (metadata == nullptr) {
      pickle_.empty_dict();
    } else {  // a plain dict has no attributes
      pickle_.global("collections", "OrderedDict");
      pickle_.empty_tuple();
      pickle_.reduce();
    }
    if (value.size() > 0) {
      pickle_.mark();
      for (const auto& [key, child] : value.entries()) {
        const std::string path = name.empty() ? to_string(key) : name + "/" + to_string(key);
        key.is_int() ? pickle_.integer(key.number()) : text(key.text(), path);
        write(child, path);
      }
      pickle_.put_items();
    }
    if (metadata == nullptr) return;
    if (!metadata->tensors().empty())
      fail("save: '{}' cannot hold tensors in the _metadata of '{}'", path_, name);
    plan_blocks(*metadata, {});  // for its bound of depth
    pickle_.empty_dict();
    pickle_.mark();
    pickle_.string("_metadata");
    write(*metadata, name);
    pickle_.put_items();
    pickle_.build();
  }

  void dims(const Dims& dims) {
    pickle_.mark();
    for (const int64_t size : dims) pickle_.integer(size);
    pickle_.tuple();
  }

  void tensor(DType dtype, const Part& part) {
    const Tensor& source = content_.records[part.record].source;
    const char* typed = storage_class(dtype);
    pickle_.global("torch._utils", typed != nullptr ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    pickle_.mark();

    pickle_.mark();
    pickle_.string("storage");
    typed != nullptr ? pickle_.global("torch", typed) : pickle_.global("torch.storage", "UntypedStorage");
    pickle_.string(fmt::format("{}", part.record));
    pickle_.string("cpu");
    pickle_.integer(typed != nullptr ? source.numel() : source.numel() * size_of(dtype));
    pickle_.tuple();
    pickle_.persistent();

    pickle_.integer(part.layout.offset);
    dims(part.layout.shape);
    dims(part.layout.strides);
    pickle_.boolean(false);
    pickle_.global("collections", "OrderedDict");
    pickle_.empty_tuple();
    pickle_.reduce();
    if (typed == nullptr) pickle_.global("torch", name_of(dtype));
    pickle_.tuple();
    pickle_.reduce();
  }

  const Content& content_;
  const std::string& path_;
  PickleWriter pickle_;
  size_t next_ = 0, values_ = 0;
};

// What load() would refuse by its limits. Most are far from any of them.
void check_readable(const std::string& pickle, const std::string& path) {
  const LoadLimits limits;
  if (int64_t(pickle.size()) < std::min(limits.nodes, limits.string_bytes)) return;  // at least a byte each
  try {
    if (int64_t(pickle.size()) > limits.pickle_bytes)
      fail("save: '{}' would have a pickle of {} bytes, the limit is {} (limits.pickle_bytes)", path,
           pickle.size(), limits.pickle_bytes);
    parse_pickle(pickle, fmt::format("save: '{}'", path), pickle_limits({}));
  } catch (const Error& error) {
    fail("{}; it could not be loaded again: store long lists and texts as tensors, or save to .kiln",
         error.what());
  }
}

}  // namespace

void write_pth(const std::string& path, const Value& value, const SaveOptions&) {
  const Content content = content_of(value);
  constexpr int64_t kOtherRecords = 6;
  check_record_count(path, int64_t(content.records.size()) + kOtherRecords);
  const std::string pickle = Pickler(content, path).run(value);
  check_readable(pickle, path);
  ZipWriter zip(path, content.bytes + int64_t(pickle.size()));
  zip.record(kPrefix + std::string("data.pkl"), pickle);
  zip.record(kPrefix + std::string(".format_version"), "1");
  zip.record(kPrefix + std::string(".storage_alignment"), "64");
  zip.record(kPrefix + std::string("byteorder"), "little");
  for (size_t i = 0; i < content.records.size(); ++i) {
    const Tensor& source = content.records[i].source;
    zip.begin(fmt::format("{}data/{}", kPrefix, i), source.numel() * size_of(source.dtype()));
    each_piece(source, [&](const char* data, int64_t bytes) { zip.write(data, bytes); });
    zip.end();
  }
  zip.record(kPrefix + std::string("version"), "3\n");
  zip.record(kPrefix + std::string(".data/serialization_id"),
             fmt::format("{:020}{:020}", zip.names_checksum(), zip.contents_checksum()));
  zip.commit();
}

}  // namespace kiln::io
