#include <cstdio>
#include <exception>

#include <kiln/kiln.h>
#include <kiln/models/info.h>

// zoo_server NAME FOLDER [--flops]: loads FOLDER/weights.pth into the network of that name, computes what
// zoo.py asks for of FOLDER/input.pth, and writes FOLDER/out.pth.

namespace {

using namespace kiln;

// What draws random numbers is switched off: both sides have to compute the same.
void silence(nn::AnyModule& net) {
  net.apply([](nn::Module& module) {
    const std::string type = module.type_name();
    if (type == "Dropout" || type == "StochasticDepth") module.set_own_mode(false);
  });
}

// The scores with their full weight, those of heads in the middle with less.
Tensor loss_of(const Tensors& outputs, const Tensor& target) {
  constexpr double kAuxWeight = 0.3;
  Tensor loss = cross_entropy(outputs[0], target);
  for (size_t i = 1; i < outputs.size(); ++i) loss = loss + kAuxWeight * cross_entropy(outputs[i], target);
  return loss;
}

void run(const std::string& name, const std::string& folder, bool flops) {
  models::Model net = models::create(name, {.weights = folder + "/weights.pth"});
  const Value input = io::load(folder + "/input.pth");
  const Tensor x = input.at("x").as_tensor(), target = input.at("target").as_tensor();
  Value out = Value::dict();
  const models::ModelInfo info = models::info(name);
  int64_t parameters = 0;
  for (const Tensor& parameter : net.parameters()) parameters += parameter.numel();
  out["parameters"] = parameters;
  out["published_gmacs"] = info.gmacs;
  net.eval();
  if (flops) out["gmacs"] = double(nn::summarize(net, info.input).flops) / 2e9;
  {
    const NoGrad no_grad;
    out["logits"] = net(x);
  }
  net.to(float64);
  {
    const NoGrad no_grad;
    out["exact"] = net(x.to(float64));
  }
  net.train();
  silence(net);
  const Tensor loss = loss_of(net.call({x.to(float64)}), target);
  loss.backward();
  out["loss"] = loss.item<double>();
  Value gradients = Value::dict();
  for (const auto& [key, parameter] : net.named_parameters())
    if (parameter.grad().defined()) gradients[key] = parameter.grad();
  out["gradients"] = gradients;
  Value buffers = Value::dict();
  for (const auto& [key, buffer] : net.named_buffers()) buffers[key] = buffer;
  out["buffers"] = buffers;
  io::save(folder + "/out.pth", out);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw Error("zoo_server: needs a name and a folder");
    run(argv[1], argv[2], argc > 3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
