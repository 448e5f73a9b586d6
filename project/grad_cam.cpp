#include <kiln/project/grad_cam.h>

#include <kiln/autograd/engine.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/ops.h>
#include <kiln/nn/mode_guard.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

// A hook for as long as it lives.
class Hook {
 public:
  Hook(nn::Module& module, nn::ForwardHook hook)
      : module_(&module), id_(module.register_forward_hook(std::move(hook))) {}
  ~Hook() { module_->remove_hook(id_); }
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

 private:
  nn::Module* module_;
  int64_t id_;
};

bool is_maps(const Tensor& y) { return y.defined() && y.dim() == 4 && y.size(2) * y.size(3) > 1; }

// The innermost module that gives maps last.
std::string last_layer(nn::AnyModule& net, const Tensor& x) {
  const NoGrad scope;
  std::string last;
  std::vector<Box<Hook>> hooks;
  for (const nn::NamedModule& named : net.named_modules()) {
    // A module ends after those in it: of several that give the same maps the first is the innermost.
    hooks.push_back(make_box<Hook>(
        named.module, [&last, name = named.name](nn::Module&, const Tensors&, Tensors& outputs) {
          if (outputs.size() == 1 && is_maps(outputs[0]) && !last.starts_with(name + ".")) last = name;
        }));
  }
  net(x);
  if (last.empty())
    fail("grad_cam: no module of {} gives maps [N,C,H,W]; name a layer that does", net.type_name());
  return last;
}

nn::Module& module_at(nn::AnyModule& net, const std::string& path) {
  for (const auto& [name, module] : net.named_modules())
    if (name == path) return module;
  fail("grad_cam: {} has no module '{}'", net.type_name(), path);
}

}  // namespace

HeatMap grad_cam(nn::AnyModule& net, const Tensor& x, int64_t index, const std::string& layer) {
  if (x.dim() != 4 || x.size(0) != 1)
    fail("grad_cam: x is {}, and should be one picture [1,C,H,W]", to_string(x.shape()));
  const nn::ModeGuard eval(net);
  const std::string path = layer.empty() ? last_layer(net, x) : layer;
  Tensor maps, gradient;
  {
    const EnableGrad scope;
    const Hook hook(module_at(net, path), [&](nn::Module&, const Tensors&, Tensors& outputs) {
      if (outputs.size() != 1 || !is_maps(outputs[0])) fail("grad_cam: '{}' gives no maps [N,C,H,W]", path);
      maps = outputs[0].detach();
      maps.requires_grad_();
      outputs[0] = maps;
    });
    const Tensor scores = net(x);
    if (scores.dim() != 2 || index < 0 || index >= scores.size(1))
      fail("grad_cam: there is no class {}, the scores are {}", index, to_string(scores.shape()));
    gradient = grad({scores[0][index]}, {maps})[0];
  }
  const NoGrad scope;
  const Tensor weights = mean(gradient, {2, 3}, true);
  const Tensor heat = relu(sum(weights * maps, 1))[0].to(float32);
  const double most = max(heat).item<double>();
  return {(most > 0 ? heat / most : heat).to(cpu).contiguous(), path};
}

}  // namespace kiln::project
