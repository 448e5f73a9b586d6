#include "plan.h"

#include <nlohmann/json.hpp>

#include "../memory.h"

namespace kiln::emulated {
namespace {

using nlohmann::json;

struct Wrong {
  std::string why;
};

std::string plan_json(cudnnBackendDescriptor_t plan) {
  int64_t count = 0;
  constexpr auto kName = CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION;
  if (cudnnBackendGetAttribute(plan, kName, CUDNN_TYPE_CHAR, 0, &count, nullptr) != CUDNN_STATUS_SUCCESS)
    throw Wrong{"the plan is not a finalised one"};
  std::string text(size_t(count), '\0');
  if (cudnnBackendGetAttribute(plan, kName, CUDNN_TYPE_CHAR, count, &count, text.data()) !=
      CUDNN_STATUS_SUCCESS)
    throw Wrong{"the plan does not describe itself"};
  return text.substr(0, text.find('\0'));
}

void check_workspace(cudnnBackendDescriptor_t plan, const VariantPack& pack) {
  int64_t bytes = 0, count = 0;
  cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                           &bytes);
  if (bytes > 0 && !device_allocation(pack.workspace, size_t(bytes)))
    throw Wrong{"the workspace is no " + std::to_string(bytes) + " bytes of device memory"};
}

cudnnDataType_t type_named(const std::string& name) {
  if (name == "CUDNN_DATA_FLOAT") return CUDNN_DATA_FLOAT;
  if (name == "CUDNN_DATA_DOUBLE") return CUDNN_DATA_DOUBLE;
  if (name == "CUDNN_DATA_HALF") return CUDNN_DATA_HALF;
  if (name == "CUDNN_DATA_BFLOAT16") return CUDNN_DATA_BFLOAT16;
  throw Wrong{"type " + name + " is not emulated"};
}

int64_t bytes_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
}

class Reader {
 public:
  Reader(const json& graph, const VariantPack& pack) : graph_(graph), pack_(pack) {}

  void read(ConvolutionTask& task) {
    std::string result;
    for (const json& node : graph_.at("nodes")) {
      const std::string operation = node.at("operation");
      if (operation == "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR")
        result = pointwise(node, result, task);
      else
        result = convolution(node, operation, task);
    }
    // The last operation's result is in memory, and those before are not.
    PlanTensor& output = task.part == ConvolutionPart::forward      ? task.y
                         : task.part == ConvolutionPart::input_grad ? task.x
                                                                    : task.w;
    output = tensor(result);
    if (!output.data) throw Wrong{"the result has no memory"};
  }

 private:
  const json& described(const std::string& name) const {
    for (const json& tensor : graph_.at("tensors"))
      if (tensor.at("name") == name) return tensor;
    throw Wrong{"tensor " + name + " is not described"};
  }

  void* pointer(const std::string& name) const {
    for (size_t i = 0; i < pack_.names.size(); ++i)
      if (std::to_string(pack_.names[i]) == name) return pack_.pointers[i];
    throw Wrong{"the variant pack has no tensor " + name};
  }

  // Without memory where it is virtual.
  PlanTensor tensor(const std::string& name) const {
    const json& d = described(name);
    PlanTensor t;
    t.type = type_named(d.at("dataType"));
    if (d.at("dim").size() != 4) throw Wrong{"tensor " + name + " has not four dimensions"};
    for (size_t i = 0; i < 4; ++i) {
      t.sizes[i] = d.at("dim")[i];
      t.strides[i] = d.at("stride")[i];
    }
    if (d.at("isVirtual")) return t;
    t.data = pointer(name);
    if (reinterpret_cast<uintptr_t>(t.data) % d.at("ptrAlignment").get<uintptr_t>())
      throw Wrong{"tensor " + name + " is not aligned as planned"};
    if (!device_allocation(t.data, size_t(t.span())))
      throw Wrong{"tensor " + name + " is no " + std::to_string(t.span()) + " bytes of device memory"};
    return t;
  }

  static void pair(const json& from, int64_t (&to)[2]) {
    if (from.size() != 2) throw Wrong{"a convolution of other than two dimensions"};
    to[0] = from[0];
    to[1] = from[1];
  }

  std::string convolution(const json& node, const std::string& operation, ConvolutionTask& task) const {
    struct Names {
      const char *x, *w, *y, *result;
    };
    Names names{};
    if (operation == "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR") {
      task.part = ConvolutionPart::forward;
      names = {"X", "W", "Y", "Y"};
    } else if (operation == "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR") {
      task.part = ConvolutionPart::input_grad;
      names = {"dX", "W", "dY", "dX"};
    } else if (operation == "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR") {
      task.part = ConvolutionPart::weight_grad;
      names = {"X", "dW", "dY", "dW"};
    } else {
      throw Wrong{operation + " is not emulated"};
    }
    task.x = tensor(node.at(names.x));
    task.w = tensor(node.at(names.w));
    task.y = tensor(node.at(names.y));
    pair(node.at("pad"), task.padding);
    pair(node.at("stride"), task.stride);
    pair(node.at("dilation"), task.dilation);
    task.alpha = node.at("alpha");
    if (node.at("beta") != 0.0) throw Wrong{"beta is not emulated"};
    if (node.at("mode") != "CUDNN_CROSS_CORRELATION") throw Wrong{"a convolution that flips is not emulated"};
    return node.at(names.result);
  }

  // After a forward convolution: a bias, then ReLU.
  std::string pointwise(const json& node, const std::string& before, ConvolutionTask& task) const {
    const std::string mode = node.at("pointwiseMode");
    if (node.at("X") != before || task.part != ConvolutionPart::forward)
      throw Wrong{mode + " does not follow the operation before it"};
    if (mode == "CUDNN_POINTWISE_ADD" && !task.has_bias && !task.has_relu && node.at("alpha1") == 1.0 &&
        node.at("alpha2") == 1.0) {
      task.has_bias = true;
      task.bias = tensor(node.at("B"));
      const int64_t(&sizes)[4] = task.bias.sizes;
      if (sizes[0] != 1 || sizes[1] != task.y.sizes[1] || sizes[2] != 1 || sizes[3] != 1)
        throw Wrong{"the bias is not one number a channel"};
    } else if (mode == "CUDNN_POINTWISE_RELU_FWD" && node.at("lowerClip") == 0.0 &&
               node.at("lowerClipSlope") == 0.0) {
      task.has_relu = true;
    } else {
      throw Wrong{mode + " is not emulated here"};
    }
    return node.at("Y");
  }

  const json& graph_;
  const VariantPack& pack_;
};

}  // namespace

int64_t PlanTensor::span() const {
  int64_t last = 0;
  for (int i = 0; i < 4; ++i) last += (sizes[i] - 1) * strides[i];
  return (last + 1) * bytes_of(type);
}

std::string read_plan(cudnnBackendDescriptor_t plan, const VariantPack& pack, ConvolutionTask& task) {
  try {
    if (pack.names.empty() || pack.names.size() != pack.pointers.size())
      throw Wrong{"the variant pack has not a pointer for each name"};
    const json description = json::parse(plan_json(plan));
    Reader(description.at("operationGraph"), pack).read(task);
    check_workspace(plan, pack);
    return "";
  } catch (const Wrong& wrong) {
    return wrong.why;
  } catch (const json::exception& error) {
    return std::string("the plan describes itself in another way than expected: ") + error.what();
  }
}

}  // namespace kiln::emulated
