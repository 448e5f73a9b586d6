#pragma once

#include <kiln/nn/any_module.h>
#include <kiln/tensor/value/name_index.h>

namespace kiln::nn {

// What Sequential and ModuleList share: modules of any type, named "0", "1", ... unless they are given names.
class ModuleContainer : public Module {
 public:
  void visit_NN_MEMBERS(MemberVisitor& visitor) override;
  ModuleContainer* listing_class() { return this; }
  size_t listing_size() const override { return sizeof(*this); }

  size_t size() const { return children_.size(); }
  bool empty() const { return children_.empty(); }
  auto begin() const { return children_.begin(); }
  auto end() const { return children_.end(); }
  // Throw when there is no such module; a negative index counts from the end.
  AnyModule& operator[](int64_t index) { return children_[checked(index)]; }
  const AnyModule& operator[](int64_t index) const { return children_[checked(index)]; }
  template <class M>
  M& get(int64_t index) const {
    return (*this)[index].template as<M>();
  }

  void push_back(AnyModule module);
  // Throws when the name is taken or has a dot.
  void push_back(std::string name, AnyModule module);

 protected:
  std::vector<AnyModule> children_;

 private:
  size_t checked(int64_t index) const;

  std::vector<std::string> names_;
  NameIndex index_;  // of the names
};

// Feeds each module the result of the one before. A BatchNorm2d and the ReLU behind it are one pass over
// memory while no hooks watch them:
//
//     nn::Sequential net(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
struct Sequential : ModuleContainer {
  template <class... Modules>
  requires(...&& detail::HoldsModule<std::decay_t<Modules>>) explicit Sequential(Modules&&... modules) {
    children_.reserve(sizeof...(Modules));
    (push_back(std::forward<Modules>(modules)), ...);
  }
  Sequential(const Sequential&) = default;
  Sequential(Sequential& other) : Sequential(std::as_const(other)) {}
  Sequential(Sequential&&) noexcept = default;
  Sequential& operator=(const Sequential&) = default;
  Sequential& operator=(Sequential&&) noexcept = default;

  Tensor operator()(const Tensor& x) const;
  Tensor forward(const Tensor& x) const;
};

// Modules to loop over in a forward of one's own: for (auto& layer : layers) x = layer(x);
struct ModuleList : ModuleContainer {
  template <class... Modules>
  requires(...&& detail::HoldsModule<std::decay_t<Modules>>) explicit ModuleList(Modules&&... modules) {
    (push_back(std::forward<Modules>(modules)), ...);
  }
  ModuleList(const ModuleList&) = default;
  ModuleList(ModuleList& other) : ModuleList(std::as_const(other)) {}
  ModuleList(ModuleList&&) noexcept = default;
  ModuleList& operator=(const ModuleList&) = default;
  ModuleList& operator=(ModuleList&&) noexcept = default;
};

}  // namespace kiln::nn
