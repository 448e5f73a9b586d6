#include <algorithm>

#include <kiln/io/bytes/json.h>
#include <kiln/io/torch/torch_files.h>
#include <kiln/io/torch/torch_tree.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::io {
namespace {

constexpr size_t kDepth = 2000;  // of model.json: a module costs two levels
constexpr int64_t kJsonLimit = 256 << 20;

// model.json's words; of the rest PyTorch 1.0 to 1.3 had none.
constexpr std::pair<std::string_view, DType> kJsonTypes[] = {
    {"FLOAT", float32}, {"DOUBLE", float64}, {"FLOAT16", float16}, {"INT64", int64}, {"INT32", int32},
    {"INT16", int16},   {"INT8", int8},      {"UINT8", uint8},     {"BOOL", bool8},  {"BYTE", uint8}};

class ModelJson {
 public:
  ModelJson(Archive archive, const Source& source, std::string prefix, const ReadOptions& options)
      : archive_(std::move(archive)), source_(source), prefix_(std::move(prefix)), options_(options) {
    const ZipArchive::Record& record = *archive_->find(prefix_ + "model.json");
    where_ = archive_->where(record);
    if (record.size > kJsonLimit) fail("{} has {} bytes, the limit is {}", where_, record.size, kJsonLimit);
    json_ = parse_json(archive_->text(record, true), where_, kDepth);
    if (const Value* all = json_.find("tensors"); all != nullptr && all->is_list()) tensors_ = all->items();
  }

  Value read() {
    struct Visit {
      const Value* module;
      std::string prefix;
    };
    const Value* main = json_.find("mainModule");
    if (main == nullptr) fail("{} lacks 'mainModule'", where_);
    std::vector<Visit> visits = {{main, ""}};
    std::vector<Value::Entry> entries;
    while (!visits.empty()) {
      const Visit visit = std::move(visits.back());
      visits.pop_back();
      for (const Value& parameter : list(*visit.module, "parameters")) {
        const int64_t id = number(parameter, "tensorId", -1);
        if (id >= 0) entries.push_back({visit.prefix + text(parameter, "name"), tensor(id)});
      }
      const std::vector<Value>& children = list(*visit.module, "submodules");
      for (auto child = children.rbegin(); child != children.rend(); ++child)
        visits.push_back({&*child, visit.prefix + text(*child, "name") + "."});
    }
    return Value::object("__torch__.Module", std::move(entries));
  }

 private:
  static const std::vector<Value>& list(const Value& from, const char* key) {
    static const std::vector<Value> kNone;
    const Value* found = from.is_dict() ? from.find(key) : nullptr;
    return found != nullptr && found->is_list() ? found->items() : kNone;
  }
  std::string text(const Value& from, const char* key) const {
    const Value* found = from.is_dict() ? from.find(key) : nullptr;
    if (found == nullptr || !found->is_string()) fail("{} lacks a '{}'", where_, key);
    return found->as_string();
  }
  // Protobuf's JSON writes 64-bit numbers as strings.
  int64_t number(const Value& value) const {
    if (value.is_int()) return value.as_int();
    const std::string digits = value.is_string() ? value.as_string() : "";
    constexpr size_t kDigits = 18;
    if (digits.empty() || digits.size() > kDigits || digits.find_first_not_of("0123456789") != digits.npos)
      fail("{} has a tensor with a size that is no number", where_);
    return std::stoll(digits);
  }
  int64_t number(const Value& from, const char* key, int64_t missing) const {
    const Value* found = from.is_dict() ? from.find(key) : nullptr;
    return found == nullptr ? missing : number(*found);
  }
  Dims dims(const Value& from, const char* key) const {
    Dims result;
    const std::vector<Value>& items = list(from, key);
    if (items.size() > size_t(kMaxRank))
      fail("{} has a tensor of {} dimensions, Kiln holds up to {}", where_, items.size(), kMaxRank);
    for (const Value& item : items) result.push_back(number(item));
    return result;
  }

  Tensor tensor(int64_t id) {
    if (id >= int64_t(tensors_.size())) fail("{} has no tensor {}", where_, id);
    const Value& entry = tensors_[size_t(id)];
    const std::string type = text(entry, "dataType");
    const auto* known = std::ranges::find(kJsonTypes, type, &std::pair<std::string_view, DType>::first);
    if (known == std::end(kJsonTypes))
      fail("{} has a tensor of type '{}', which Kiln does not know", where_, type);
    const Value* data = entry.find("data");
    const ZipArchive::Record* record =
        data == nullptr ? nullptr : archive_->find(prefix_ + text(*data, "key"));
    if (record == nullptr) fail("{} lacks the data of tensor {}", where_, id);
    Ref<Storage>& memory = memories_[record];
    if (!memory)
      memory = source_.later(record->size,
                             [archive = archive_, record, width = source_.alignment_for(known->second),
                              verify = options_.verify] { return archive->storage(*record, width, verify); });
    const Layout layout = {dims(entry, "dims"), dims(entry, "strides"), number(entry, "offset", 0)};
    check_layout(layout, memory->bytes / size_of(known->second), where_);
    Tensor result = from_storage(memory, known->second, layout);
    correct_bools(result);
    return result;
  }

  Archive archive_;
  const Source& source_;
  std::string prefix_, where_;
  const ReadOptions& options_;
  Value json_;
  std::vector<Value> tensors_;
  std::unordered_map<const ZipArchive::Record*, Ref<Storage>> memories_;
};

}  // namespace

Value read_model_json(const Archive& archive, const Source& source, const std::string& prefix,
                      const ReadOptions& options) {
  warn_of_others(*archive, prefix, Content::model_json, source, options);
  return ModelJson(archive, source, prefix, options).read();
}

}  // namespace kiln::io
