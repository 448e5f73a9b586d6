#include <algorithm>
#include <numeric>

#include <kiln/io/bytes/json.h>
#include <kiln/io/bytes/little_endian.h>
#include <kiln/serve/routes/inference.h>
#include <kiln/tensor/fmt.h>

namespace kiln::serve {
namespace {

// Triton's form: "0.913000:281:tabby".
std::vector<std::string> labels(const Tensor& scores, const ModelInfo& info, int64_t most) {
  std::vector<std::string> all;
  for (int64_t row = 0; row < scores.size(0); ++row) {
    const float* begin = scores.data<float>() + row * scores.size(1);
    for (const int64_t index : top(begin, scores.size(1), most)) {
      all.push_back(fmt::format("{:f}:{}", begin[index], index));
      if (index < int64_t(info.classes.size())) all.back() += ":" + info.classes[size_t(index)];
    }
  }
  return all;
}

std::string binary_text(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += io::little_endian(text.size(), 4) + text;
  return out;
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + io::json_string(text);
  return "[" + out + "]";
}

std::string json_list(const float* numbers, int64_t count) {
  std::string out = "[";
  for (int64_t i = 0; i < count; ++i)
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",", numbers[i]);
  return out + "]";
}

}  // namespace

std::vector<int64_t> top(const float* numbers, int64_t count, int64_t most) {
  std::vector<int64_t> order(size_t(count), 0);
  std::iota(order.begin(), order.end(), 0);
  most = std::min(most, count);
  const auto is_before = [&](int64_t a, int64_t b) {
    return numbers[a] != numbers[b] ? numbers[a] > numbers[b] : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + most, order.end(), is_before);
  order.resize(size_t(most));
  return order;
}

Response inference_response(const Inference& inference, const ModelInfo& info, const Outcome& outcome) {
  const Tensor scores = outcome.scores.contiguous();
  const bool has_labels = inference.classes > 0;
  const std::vector<std::string> texts =
      has_labels ? labels(scores, info, inference.classes) : std::vector<std::string>();
  const auto columns = has_labels ? int64_t(texts.size()) / scores.size(0) : scores.size(1);
  std::string data, binary;
  if (inference.binary)
    binary = has_labels ? binary_text(texts)
                        : std::string(static_cast<const char*>(scores.raw_data()), size_t(scores.nbytes()));
  else
    data = has_labels ? json_list(texts) : json_list(scores.data<float>(), scores.numel());

  std::string json = fmt::format(R"({{"model_name":{},"model_version":{},)", io::json_string(info.name),
                                 io::json_string(info.version));
  if (inference.id.is_string()) json += fmt::format(R"("id":{},)", io::json_text(inference.id));
  json +=
      fmt::format(R"("outputs":[{{"name":{},"datatype":"{}","shape":[{},{}],)",
                  io::json_string(info.output_name), has_labels ? "BYTES" : "FP32", scores.size(0), columns);
  json += inference.binary ? fmt::format(R"("parameters":{{"binary_data_size":{}}}}}]}})", binary.size())
                           : fmt::format(R"("data":{}}}]}})", data);
  Response response = {.body = std::move(json)};
  if (inference.binary) {
    response.type = "application/octet-stream";
    response.fields = {{"Inference-Header-Content-Length", std::to_string(response.body.size())}};
    response.body += binary;
  }
  return response;
}

}  // namespace kiln::serve
