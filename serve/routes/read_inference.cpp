#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/sizes.h>
#include <kiln/serve/routes/inference.h>
#include <kiln/serve/routes/ranges.h>
#include <kiln/tensor/tensor.h>

namespace kiln::serve {
namespace {

static_assert(std::endian::native == std::endian::little, "binary tensors are little-endian");

constexpr size_t kDepth = 32;       // of JSON
constexpr int64_t kMostNames = 16;  // inputs or outputs

const Value& member(const Value& dict, const char* name, Value::Kind kind) {
  const Value* found = dict.is_dict() ? dict.find(name) : nullptr;
  if (found == nullptr) refuse(400, "'{}' is missing", name);
  if (found->kind() != kind)
    refuse(400, "'{}' is {}; give a {}", name, name_of(found->kind()), name_of(kind));
  return *found;
}

const Value* parameter(const Value& dict, std::string_view name) {
  const Value* parameters = dict.find("parameters");
  if (parameters == nullptr) return nullptr;
  if (!parameters->is_dict()) refuse(400, "'parameters' is {}; give a dict", name_of(parameters->kind()));
  return parameters->find(name);
}

bool flag(const Value& dict, const char* name) {
  const Value* found = parameter(dict, name);
  if (found == nullptr) return false;
  if (!found->is_bool()) refuse(400, "'{}' is {}; give true or false", name, name_of(found->kind()));
  return found->as_bool();
}

// Numbers in a text of JSON are at most one more than its commas: what they would take is known before.
void check_count(std::string_view json, int64_t most) {
  constexpr int64_t kOthers = 1000;
  if (std::ranges::count(json, ',') > most + kOthers)
    refuse(413, "the tensors have more than {} numbers, the most that the model takes at once", most);
}

// Rows in any nesting.
void read_numbers(const Value& value, float*& out, const float* end) {
  if (value.is_list()) {
    for (const Value& item : value.items()) read_numbers(item, out, end);
    return;
  }
  if (!value.is_int() && !value.is_float())
    refuse(400, "'data' has a {}; give numbers", name_of(value.kind()));
  if (out == end) refuse(400, "'data' has more numbers than 'shape' says");
  *out++ = float(value.as_float());
}

// To the end whatever comes, so that the compiler takes many at a time.
bool all_finite(const float* x, int64_t count) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t others = 0;
  for (int64_t i = 0; i < count; ++i)
    others |= uint32_t((std::bit_cast<uint32_t>(x[i]) & kExponent) == kExponent);
  return others == 0;
}

Shape read_shape(const Value& input, const ModelInfo& info, int64_t most_rows) {
  const Value& sizes = member(input, "shape", Value::Kind::list);
  if (sizes.size() > size_t(kMaxRank))
    refuse(400, "'shape' has {} sizes, at most {} are known", sizes.size(), kMaxRank);
  Shape shape;
  for (const Value& size : sizes.items()) shape.push_back(in_range(range::kSize, size));
  Shape expected = info.input;
  expected.insert(0, shape.rank() > 0 ? shape[0] : 0);
  if (shape != expected)
    refuse(400, "'shape' is {}; the model takes {} behind a number of samples", shape, info.input);
  if (shape[0] < 1 || shape[0] > most_rows)
    refuse(400, "{} samples at once; give 1 to {}", shape[0], most_rows);
  if (!io::has_countable_bytes(shape, sizeof(float))) refuse(400, "'shape' {} is too large", shape);
  return shape;
}

Tensor read_tensor(const Value& input, const ModelInfo& info, int64_t most_rows, std::string_view& binary) {
  if (const std::string& name = member(input, "name", Value::Kind::string).as_string();
      name != info.input_name)
    refuse(400, "the model has no such input; it takes '{}'", info.input_name);
  if (member(input, "datatype", Value::Kind::string).as_string() != "FP32")
    refuse(400, "the model takes FP32");
  const Tensor x = empty(read_shape(input, info, most_rows), {.device = cpu});
  if (const Value* size = parameter(input, "binary_data_size")) {
    const int64_t bytes = in_range(range::kBinaryBytes, *size);
    if (bytes != x.nbytes())
      refuse(400, "binary_data_size is {}, the shape needs {} bytes", bytes, x.nbytes());
    if (bytes > int64_t(binary.size())) refuse(400, "{} bytes of {} follow the JSON", binary.size(), bytes);
    std::memcpy(x.raw_data(), binary.data(), size_t(bytes));
    binary.remove_prefix(size_t(bytes));
    return x;
  }
  float* out = x.data<float>();
  const float* end = out + x.numel();
  read_numbers(member(input, "data", Value::Kind::list), out, end);
  if (out != end) refuse(400, "'data' has {} numbers, 'shape' says {}", x.numel() - (end - out), x.numel());
  return x;
}

void read_outputs(const Value& body, const ModelInfo& info, Inference& inference) {
  inference.binary = flag(body, "binary_data_output");
  const Value* outputs = body.find("outputs");
  if (outputs == nullptr) return;
  if (!outputs->is_list() || outputs->size() > size_t(kMostNames))
    refuse(400, "'outputs' is no list of at most {}", kMostNames);
  if (outputs->size() == 0) return;
  if (outputs->size() > 1) refuse(400, "the model has one output, '{}'", info.output_name);
  const Value& output = outputs->items()[0];
  if (member(output, "name", Value::Kind::string).as_string() != info.output_name)
    refuse(400, "the model has no such output; it gives '{}'", info.output_name);
  if (parameter(output, "binary_data") != nullptr) inference.binary = flag(output, "binary_data");
  if (const Value* classes = parameter(output, "classification"))
    inference.classes = in_range(range::kClasses, *classes);
}

// The JSON, and the bytes of tensors behind it.
std::pair<std::string_view, std::string_view> split(const Request& request) {
  const std::string* length = request.find("inference-header-content-length");
  const std::string_view body = request.body;
  if (length == nullptr) return {body, {}};
  const int64_t bytes = number_in_range(range::kJsonBytes, *length);
  if (bytes > int64_t(body.size()))
    refuse(400, "Inference-Header-Content-Length is {}, the body has {} bytes", bytes, body.size());
  return {body.substr(0, size_t(bytes)), body.substr(size_t(bytes))};
}

Value parse(std::string_view json) {
  try {
    return io::parse_json(json, "the body", kDepth);
  } catch (const Error& error) {
    throw HttpError(400, error.what());
  }
}

}  // namespace

Inference read_inference(const Request& request, const ModelInfo& info, int64_t most_rows) {
  auto [json, binary] = split(request);
  int64_t numbers = most_rows;
  for (const int64_t size : info.input) numbers *= size;
  check_count(json, numbers);
  const Value body = parse(json);
  const Value& inputs = member(body, "inputs", Value::Kind::list);
  if (inputs.size() != 1) refuse(400, "the model has one input, '{}'", info.input_name);
  Inference inference;
  if (const Value* id = body.find("id")) {
    if (!id->is_string()) refuse(400, "'id' is {}; give a string", name_of(id->kind()));
    inference.id = *id;
  }
  if (const Value* timeout = parameter(body, "timeout"))
    inference.timeout_us = in_range(range::kTimeoutUs, *timeout);
  read_outputs(body, info, inference);
  inference.input = read_tensor(inputs.items()[0], info, most_rows, binary);
  if (!binary.empty()) refuse(400, "{} bytes follow the tensors", binary.size());
  if (!all_finite(inference.input.data<float>(), inference.input.numel()))
    refuse(400, "the input has a number that is not finite");
  return inference;
}

}  // namespace kiln::serve
