#include <kiln/nn/any_module.h>

#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

void MemberVisitor::any_module(std::string_view name, AnyModule& module) {
  if (!module.empty()) this->module(name, module.module());
}

}  // namespace kiln::nn

namespace kiln::nn::detail {

void fail_not_callable(const Module& module, size_t count) {
  fail(
      "{}: its forward does not take {} and give tensors, so it cannot be called as any module; call it as "
      "what "
      "it is: as<{}>()(...)",
      module.type_name(), count == 1 ? "one tensor" : fmt::format("{} tensors", count), module.type_name());
}

void fail_other_type(const Module& module, std::string_view wanted_text) {
  // "constexpr const char* ...::type_text() [with T = kiln::nn::Linear]"
  constexpr std::string_view before = "T = ";
  wanted_text.remove_prefix(wanted_text.find(before) + before.size());
  fail("{}: the module is not a {}", module.type_name(),
       class_name(wanted_text.substr(0, wanted_text.find_first_of("];"))));
}

void fail_empty() { fail("AnyModule: it holds no module; assign one first"); }

Tensor single(const Module& module, Tensors results) {
  if (results.size() != 1)
    fail("{}: its forward gives {} tensors where one is wanted; use call(...), which gives all of them",
         module.type_name(), results.size());
  return std::move(results[0]);
}

}  // namespace kiln::nn::detail
