#pragma once

#include <kiln/models/model.h>
#include <kiln/nn/module.h>

// Networks of the registry made fit for another task. Each takes one that models::create made or one of the
// structs themselves (models::resnet18()). Their layers that give the scores are found by the class; where
// one was replaced by a Sequential, it is the last Linear or Conv2d in it.

namespace kiln::nn::models {

// "fc" for "resnet50": the path of the layer that gives the scores. Throws when there is no such model.
std::string head_name(std::string_view model);

// New last layers for another number of classes, with new values, also of heads in the middle; on the device
// and of the dtype of the old ones. Returns the path of the one that gives the result: its parameters,
// "fc.*", are those to learn first.
//
//     models::Model net = models::create("resnet50", {.weights = "resnet50-11ad3fa6.pth"});
//     const std::string head = models::replace_head(net, 2);
//     net.freeze("*");
//     net.unfreeze(head);
std::string replace_head(Module& net, int64_t num_classes);
// The same; its card forgets the names of the classes.
std::string replace_head(Model& net, int64_t num_classes);

// A copy, sharing weights, that gives what the last layer was given: [N, features]. (SqueezeNet's, whose last
// layer comes before the pooling, gives its pooled features.)
AnyModule without_head(const AnyModule& net);

namespace detail {

// Watches modules from construction to finish(), then leaves the hooks as they were.
class FeatureRun {
 public:
  FeatureRun(Module& net, const std::vector<std::string>& layers);
  ~FeatureRun();
  FeatureRun(const FeatureRun&) = delete;
  // The outputs, in the order asked for. Throws when a layer did not run or gave something else than one
  // tensor.
  StateDict finish();

 private:
  struct Watched {
    Module* module;
    int64_t hook;
  };
  std::vector<std::string> layers_;
  std::vector<Tensor> outputs_;
  std::vector<Watched> watched_;
};

}  // namespace detail

// What the layers of those paths give for x, by name (torchvision's create_feature_extractor), with their
// gradients unless under NoGrad. Of a layer that runs more than once, the last output. All of the network
// runs.
//
//     const Tensor map = models::features(net, {"layer4"}, x).at("layer4");
template <class M>
StateDict features(M& net, const std::vector<std::string>& layers, const Tensor& x) {
  detail::FeatureRun run(net, layers);
  net(x);
  return run.finish();
}

}  // namespace kiln::nn::models
