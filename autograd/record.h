#pragma once

#include <optional>

#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/node.h>

// How an op says its gradient. An op computes its result and then calls
//
//     return autograd::record("softmax", {x}, y, [y = autograd::SavedOutput(y), dim](const Tensor& g) {
//       return softmax_backward(y.get(), g, dim);
//     });
//
// With several inputs the rule takes what is wanted and computes nothing else:
//
//     using namespace autograd;
//     return record("mul", {a, b}, y, [a = Saved(a), b = Saved(b)](const Tensor& g, Wanted wanted) {
//       return gradients(wanted, [&] { return g * b.get(); }, [&] { return g * a.get(); });
//     });
//
// Rules are written with recording ops, so gradients have gradients. A user's own function is written the
// same way.

namespace kiln::autograd {

// An input of record().
struct Input {
  const Tensor* tensor;
  Input(const Tensor& x) : tensor(&x) {}
};
using Inputs = std::initializer_list<Input>;

// A tensor kept for the backward pass: memory, version and history at the time of saving. get() throws when
// the memory was written in place since.
class Saved {
 public:
  Saved() = default;  // of an undefined tensor
  explicit Saved(const Tensor& x) : Saved(x, false) {}
  // The tensor again, with its history if gradients are recorded.
  Tensor get() const;
  bool defined() const { return bool(storage_); }

 protected:
  Saved(const Tensor& x, bool is_output);

 private:
  Ref<Storage> storage_;
  Layout layout_;
  Edge edge_;
  DType dtype_ = DType::float32;
  bool is_output_ = false;
  uint32_t version_ = 0;
};

// An output of the op that saves it (output 0 of the node): holds no reference to the node itself.
class SavedOutput : public Saved {
 public:
  explicit SavedOutput(const Tensor& y) : Saved(y, true) {}
};

// The gradients of the inputs: each function runs when its input wants a gradient.
template <class... Functions>
Gradients gradients(const Wanted& wanted, Functions&&... functions) {
  Gradients result;
  size_t i = 0;
  (result.push_back(wanted[i++] ? functions() : Tensor()), ...);
  return result;
}

namespace detail {

bool wants_grad(const Tensor& x);
bool wants_record(Inputs inputs);
bool wants_record(std::span<const Tensor> inputs);
// What a user's function gave: throws when it is undefined.
void check_result(const char* op, const Tensor& y);
// The result as one that may be given a history: a handle of its own for one that has a history, or is a leaf
// that requires grad, already.
Tensor without_history(Tensor y);
void check_results(const char* op, const Tensors& ys);
void link(Node& node, Inputs inputs);
void link(Node& node, std::span<const Tensor> inputs);
// y is the node's only output, or one of those that the node has been told of.
void set_history(const Tensor& y, Ref<Node> node);
void set_history(const Tensor& y, Ref<Node> node, int output);
void rebase_history(const Tensor& x, Ref<Node> node);

template <class F>
class RuleNode final : public Node {
 public:
  RuleNode(const char* op, F&& rule) : Node(op), rule_(std::move(rule)) {
    saves = !std::is_trivially_destructible_v<F>;  // not one of sizes and flags only
  }
  Gradients backward(const Gradients& grads) override {
    F& rule = *rule_;
    if constexpr (requires { rule(grads, Wanted(inputs)); }) {
      return rule(grads, Wanted(inputs));
    } else if constexpr (requires { rule(grads[0], Wanted(inputs)); }) {
      if (!grads[0].defined()) return Gradients(inputs.size());
      return rule(grads[0], Wanted(inputs));
    } else {
      Gradients result;
      result.push_back(grads[0].defined() ? Tensor(rule(grads[0])) : Tensor());
      return result;
    }
  }
  void release() override { rule_.reset(); }

 private:
  std::optional<F> rule_;
};

}  // namespace detail

// Gives y, just computed and without history, the rule as its history if any input wants a gradient. Returns
// y.
template <class F>
Tensor record(const char* op, Inputs inputs, Tensor y, F rule) {
  detail::check_result(op, y);
  if (!detail::wants_record(inputs) || !y.is_floating_point()) return y;
  y = detail::without_history(std::move(y));
  Ref<Node> node(new detail::RuleNode<F>(op, std::move(rule)));
  detail::link(*node, inputs);
  detail::set_history(y, std::move(node));
  return y;
}
// The same for a list of inputs (cat, stack): the rule takes (g, wanted).
template <class F>
Tensor record(const char* op, std::span<const Tensor> inputs, Tensor y, F rule) {
  detail::check_result(op, y);
  if (!detail::wants_record(inputs) || !y.is_floating_point()) return y;
  y = detail::without_history(std::move(y));
  Ref<Node> node(new detail::RuleNode<F>(op, std::move(rule)));
  detail::link(*node, inputs);
  detail::set_history(y, std::move(node));
  return y;
}
// Several outputs: the rule takes (const Gradients& grads, Wanted), one gradient an output.
template <class F>
void record_all(const char* op, Inputs inputs, const Tensors& outputs, F rule) {
  detail::check_results(op, outputs);
  if (!detail::wants_record(inputs)) return;
  Ref<Node> node(new detail::RuleNode<F>(op, std::move(rule)));
  detail::link(*node, inputs);
  for (const Tensor& y : outputs) node->outputs.push_back(Result(y));
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].is_floating_point()) detail::set_history(outputs[i], node, int(i));
}

// For views: y shares x's memory; a later in-place write through y reaches the history of x.
template <class F>
Tensor record_view(const char* op, const Tensor& x, const Layout& layout, F rule);

// An in-place op calls begin_in_place before it writes x: it refuses leaves that require grad, memory that
// overlaps itself and storage-only types, and marks x as written, so that what was saved of it before is
// stale (an op that needs x's old value for its gradient clones it first) while SavedOutput(x) stands for the
// new value. After the write, record_in_place gives x its new history; x is always the first input.
void begin_in_place(const char* op, const Tensor& x);
template <class F>
void record_in_place(const char* op, const Tensor& x, Inputs inputs, F rule) {
  if (!detail::wants_record(inputs)) return;
  Ref<Node> node(new detail::RuleNode<F>(op, std::move(rule)));
  detail::link(*node, inputs);
  detail::rebase_history(x, std::move(node));
}

namespace detail {
// Throws when the layout has more elements, or reaches further, than int64 counts.
Tensor make_view(const char* op, const Tensor& x, const Layout& layout);
}  // namespace detail

template <class F>
Tensor record_view(const char* op, const Tensor& x, const Layout& layout, F rule) {
  return record(op, {x}, detail::make_view(op, x, layout), std::move(rule));
}

}  // namespace kiln::autograd
