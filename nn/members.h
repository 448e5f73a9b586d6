#pragma once

#include <kiln/nn/module.h>

// Internal, for the sources of nn: walking a module's members.

namespace kiln::nn {

struct Members final : MemberVisitor {
  template <class T>
  struct Member {
    std::string name;
    T* value;
  };
  std::vector<Member<Parameter>> parameters;
  std::vector<Member<Buffer>> buffers;
  std::vector<Member<Module>> modules;

  explicit Members(Module& module) { module.visit_members(*this); }
  void parameter(std::string_view name, Parameter& x) override { add(parameters, name, x); }
  void buffer(std::string_view name, Buffer& x) override { add(buffers, name, x); }
  void module(std::string_view name, Module& x) override { add(modules, name, x); }

 private:
  template <class T>
  static void add(std::vector<Member<T>>& list, std::string_view name, T& x) {
    list.push_back({std::string(name), &x});
  }
};

// Visiting changes nothing; only what is found can be changed.
inline Module& visitable(const Module& module) { return const_cast<Module&>(module); }

inline std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

// f(path of the module, module, its members), callers before called.
template <class F>
void walk(Module& module, const std::string& path, F&& f) {
  const Members members(module);
  f(path, module, members);
  for (const auto& [name, child] : members.modules) walk(*child, join(path, name), f);
}

// Makes x's handle stand for value's memory, dtype and layout; whoever holds the handle sees it.
void set_data(const Tensor& x, const Tensor& value);

}  // namespace kiln::nn
