#include <cstdio>
#include <cstring>

#include <oracle/call.h>

// Reads calls from standard input and answers on standard output, until it ends. A message is the length of
// its JSON (8 bytes, little endian), the JSON, and the bytes of its tensors. A call:
//   {"op": "softmax", "args": {"dim": 1}, "tensors": [{"dtype": "float32", "shape": [2, 3], "storage": 12,
//   "strides": [6, 2],
//    "offset": 0, "requires_grad": true}, ...], "grads": 1}
// where the last `grads` tensors are the gradients of the outputs to go back with. The answer has the
// outputs, then one gradient for each tensor that requires grad: {"outputs": 1, "tensors": [{"dtype",
// "shape"}...]} or {"error": "..."}.

using namespace kiln;
using nlohmann::json;

namespace {

bool read_exactly(void* out, size_t bytes) { return std::fread(out, 1, bytes, stdin) == bytes; }

Tensor read_tensor(const json& about) {
  const DType dtype = dtype_from_name(about["dtype"].get<std::string>());
  const Ref<Storage> storage = Storage::allocate(about["storage"].get<int64_t>() * size_of(dtype), cpu);
  if (!read_exactly(storage->data, size_t(storage->bytes)))
    throw Error("oracle: the input ends inside a tensor");
  Layout layout;
  layout.shape = Dims(std::span<const int64_t>(about["shape"].get<std::vector<int64_t>>()));
  layout.strides = Dims(std::span<const int64_t>(about["strides"].get<std::vector<int64_t>>()));
  layout.offset = about["offset"].get<int64_t>();
  return from_storage(storage, dtype, layout);
}

void write_answer(json answer, const Tensors& tensors) {
  Tensors dense;
  for (const Tensor& x : tensors) {
    if (!x.defined()) {
      answer["tensors"].push_back(nullptr);
      continue;
    }
    dense.push_back(x.detach().contiguous());
    answer["tensors"].push_back(
        {{"dtype", name_of(x.dtype())}, {"shape", std::vector<int64_t>(x.shape().begin(), x.shape().end())}});
  }
  const std::string text = answer.dump();
  const uint64_t length = text.size();
  std::fwrite(&length, sizeof length, 1, stdout);
  std::fwrite(text.data(), 1, text.size(), stdout);
  for (const Tensor& x : dense) std::fwrite(x.raw_data(), 1, size_t(x.numel() * size_of(x.dtype())), stdout);
  std::fflush(stdout);
}

void answer(const oracle::Table& table, const json& request) {
  Tensors tensors;
  for (const json& about : request["tensors"]) {
    tensors.push_back(read_tensor(about));
    if (about.value("requires_grad", false)) tensors.back().requires_grad_();
  }
  try {
    const auto found = table.find(request["op"].get<std::string>());
    if (found == table.end()) throw Error("oracle: there is no op " + request["op"].get<std::string>());
    const size_t grads = request["grads"].get<size_t>();
    const Tensors cotangents(tensors.end() - int64_t(grads), tensors.end());
    tensors.erase(tensors.end() - int64_t(grads), tensors.end());
    Tensors results = found->second({tensors, request["args"]});
    const size_t outputs = results.size();
    if (grads > 0) {
      const Tensors roots(results.begin(), results.begin() + int64_t(grads));
      autograd::backward(roots, cotangents);
      for (const Tensor& x : tensors)
        if (x.requires_grad()) results.push_back(x.grad());
    }
    write_answer({{"outputs", outputs}, {"tensors", json::array()}}, results);
  } catch (const Error& error) {
    write_answer({{"error", error.what()}, {"tensors", json::array()}}, {});
  }
}

}  // namespace

int main() {
  oracle::Table table;
  oracle::add_elementwise(table);
  oracle::add_tensor_ops(table);
  oracle::add_index_ops(table);
  oracle::add_network_ops(table);
  oracle::add_optimizers(table);
  oracle::add_picture_ops(table);
  uint64_t length = 0;
  while (read_exactly(&length, sizeof length)) {
    std::string text(length, '\0');
    if (!read_exactly(text.data(), length)) return 1;
    answer(table, json::parse(text));
  }
  return 0;
}
