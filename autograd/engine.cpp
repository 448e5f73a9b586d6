#include <kiln/autograd/engine.h>

#include <algorithm>
#include <unordered_map>

#include <kiln/autograd/anomaly.h>
#include <kiln/autograd/autocast.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/homecoming.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/pending.h>
#include <kiln/autograd/slot.h>
#include <kiln/tensor/fail.h>

namespace kiln::autograd {
namespace {

thread_local Node* running = nullptr;

// Sets a thread's state for one call and puts it back, also when the call throws.
class Running {
 public:
  explicit Running(Node* node) : before_(running) { running = node; }
  ~Running() { running = before_; }
  Running(const Running&) = delete;

 private:
  Node* before_;
};
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(grad_enabled()) { set_grad_enabled(enabled); }
  ~GradMode() { set_grad_enabled(before_); }
  GradMode(const GradMode&) = delete;

 private:
  bool before_;
};

bool owned_alone(const Tensor& g) {
  return g.impl()->handles() == 1 && g.impl()->storage->handles() == 1 && !g.impl()->base;
}

// total += g, in place when nobody else sees total.
void add_to(Tensor& total, Tensor g) {
  if (!total.defined())
    total = std::move(g);
  else if (!grad_enabled() && owned_alone(total) && total.layout().is_dense() && total.dtype() == g.dtype())
    total.add_(g);
  else
    total = total + g;
}

void check_finite(const Node& node, const Gradients& grads) {
  for (size_t i = 0; i < grads.size(); ++i)
    if (grads[i].defined() && !all(isfinite(grads[i].detach())).item<bool>())
      fail(
          "backward of {}: the gradient of its input {} has values that are not finite; the op was called "
          "from: {}",
          node.name, i, node.extras ? node.extras->call_site : "");
}

// One run of backward: the nodes that have received a gradient, the newest first.
class Task {
 public:
  Task(const BackwardOptions& options, const std::vector<Edge>* targets)
      : options_(options), targets_(targets) {
    if (targets_ != nullptr) captured_.resize(targets_->size());
  }

  void start(const Edge& edge, Tensor gradient) {
    if (targets_ != nullptr) find_needed(edge.node.get());
    deliver(edge, std::move(gradient));
  }

  void run() {
    // What a rule saved has the type its op computed in.
    const NoAutocast same_types;
    Gradients grads;
    try {
      while (Node* node = pending_.pop(grads)) process(*node, grads);
    } catch (...) {
      homecoming_.finish();
      throw;
    }
    homecoming_.finish();
  }

  Tensors& captured() { return captured_; }

 private:
  void process(Node& node, Gradients& grads) {
    if (node.extras) observe(node, grads);
    if (targets_ != nullptr) {
      for (size_t i = 0; i < targets_->size(); ++i)
        if ((*targets_)[i].node.get() == &node) captured_[i] = grads[size_t((*targets_)[i].output)];
      if (!needed_.at(&node)) return;
    }
    if (node.is_leaf()) return accumulate(static_cast<LeafNode&>(node), std::move(grads[0]));
    if (node.released)
      fail(
          "backward of {}: its saved tensors were freed by an earlier backward; pass retain_graph = true to "
          "the first one",
          node.name);
    const Running scope(&node);
    Gradients results = node.backward(grads);
    grads.clear();
    if (anomaly_mode()) check_finite(node, results);
    if (!options_.retain_graph && !options_.create_graph) node.released = node.release();
    for (size_t i = 0; i < results.size(); ++i)
      if (results[i].defined() && node.inputs[i].node) deliver(node.inputs[i], std::move(results[i]));
  }

  void deliver(const Edge& edge, Tensor gradient) {
    Node* node = edge.node.get();
    if (targets_ == nullptr) {
      if (node->is_leaf() && slot_of(*static_cast<LeafNode*>(node)->leaf)->hooks.empty())
        return accumulate(static_cast<LeafNode&>(*node), std::move(gradient));
    } else if (!needed_.at(node) && !is_target(node)) {
      return;
    }
    add_to(pending_.at(*node)[size_t(edge.output)], std::move(gradient));
  }

  // Hooks may replace a gradient; then tensors that asked to keep theirs get it.
  void observe(Node& node, Gradients& grads) {
    const std::vector<HookEntry> hooks = node.extras->hooks;  // a hook may remove itself
    if (!hooks.empty()) homecoming_.finish();
    for (const HookEntry& entry : hooks) {
      Tensor& g = grads[size_t(entry.output)];
      if (!g.defined()) continue;
      if (Tensor changed = entry.hook(g); changed.defined()) g = std::move(changed);
    }
    for (const auto& [output, slot] : node.extras->retained)
      if (const Tensor& g = grads[size_t(output)]; g.defined())
        slot->grad = slot->grad.defined() ? slot->grad + g : g;
  }

  void accumulate(LeafNode& node, Tensor g) {
    TensorImpl& leaf = *node.leaf;
    Slot& slot = *slot_of(leaf);
    const std::vector<HookEntry> hooks = slot.hooks;
    if (!hooks.empty()) homecoming_.finish();
    for (const HookEntry& entry : hooks)
      if (Tensor changed = entry.hook(g); changed.defined()) g = std::move(changed);
    if (g.shape() != leaf.layout.shape)
      fail("backward: a leaf of shape {} received a gradient of shape {}", leaf.layout.shape, g.shape());
    if (g.dtype() != leaf.dtype) g = g.to(leaf.dtype);
    if (options_.create_graph) {
      slot.grad = slot.grad.defined() ? slot.grad + g : g;
    } else if (slot.grad.defined()) {
      homecoming_.finish();
      slot.grad.add_(g);
    } else if (slot.grad_home.defined()) {
      homecoming_.add(slot.grad_home, std::move(g));
      slot.grad = slot.grad_home;
    } else {
      slot.grad = owned_alone(g) && g.layout().is_dense() ? std::move(g) : g.clone();
    }
  }

  bool is_target(const Node* node) const {
    return std::any_of(targets_->begin(), targets_->end(),
                       [&](const Edge& e) { return e.node.get() == node; });
  }

  // Marks the nodes behind which a target lies.
  void find_needed(Node* root) {
    std::vector<std::pair<Node*, size_t>> path;
    const auto enter = [&](Node* node) {
      if (needed_.try_emplace(node, false).second) path.emplace_back(node, 0);
    };
    enter(root);
    while (!path.empty()) {
      auto& [node, next] = path.back();
      if (next < node->inputs.size()) {
        if (Node* input = node->inputs[next++].node.get()) enter(input);
        continue;
      }
      bool& needed = needed_[node];
      for (const Edge& edge : node->inputs)
        needed = needed || (edge.node && (needed_[edge.node.get()] || is_target(edge.node.get())));
      path.pop_back();
    }
  }

  const BackwardOptions& options_;
  const std::vector<Edge>* targets_;
  Tensors captured_;
  Homecoming homecoming_;
  PendingGradients pending_;
  std::unordered_map<Node*, bool> needed_;
};

void start_all(Task& task, const char* op, const Tensors& roots, const Tensors& gradients) {
  if (!gradients.empty() && gradients.size() != roots.size())
    fail("{}: {} roots but {} gradients were given", op, roots.size(), gradients.size());
  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& root = roots[i];
    if (!root.defined()) fail("{}: root {} is an undefined tensor", op, i);
    const Edge edge = edge_of(root);
    if (!edge.node)
      fail("{}: the tensor {} does not require grad and has no history to go back through", op, root.shape());
    Tensor gradient = gradients.empty() ? Tensor() : gradients[i];
    if (!gradient.defined()) {
      if (root.numel() != 1)
        fail(
            "{}: a tensor of shape {} needs a gradient to start from; only one-element tensors have the "
            "default 1",
            op, root.shape());
      gradient = ones_like(root);
    } else if (gradient.shape() != root.shape()) {
      fail("{}: the tensor has shape {}, the gradient given {}", op, root.shape(), gradient.shape());
    } else if (gradient.device() != root.device()) {
      fail("{}: the tensor is on {}, the gradient given on {}; move it with .to(device)", op, root.device(),
           gradient.device());
    }
    task.start(edge, std::move(gradient));
  }
}

}  // namespace

Node* current_node() { return running; }

void backward(const Tensors& roots, const Tensors& gradients, const BackwardOptions& options) {
  const GradMode mode(options.create_graph);
  Task task(options, nullptr);
  start_all(task, "backward", roots, gradients);
  task.run();
}

Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& gradients,
             const BackwardOptions& options) {
  std::vector<Edge> targets;
  for (const Tensor& input : inputs) {
    targets.push_back(edge_of(input));
    if (!targets.back().node) fail("grad: input {} does not require grad", targets.size() - 1);
  }
  const GradMode mode(options.create_graph);
  Task task(options, &targets);
  start_all(task, "grad", outputs, gradients);
  task.run();
  if (!options.allow_unused)
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!task.captured()[i].defined())
        fail("grad: the outputs do not depend on input {} (shape {}); set allow_unused if that is meant", i,
             inputs[i].shape());
  return std::move(task.captured());
}

}  // namespace kiln::autograd
