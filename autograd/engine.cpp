#include <kiln/autograd/engine.h>

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include <kiln/autograd/anomaly.h>
#include <kiln/autograd/autocast.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/homecoming.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/pending.h>
#include <kiln/autograd/slot.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/range.h>

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

// The gradient as what it is of: another type is cast, another shape or device is a mistake of the op, or of
// the hook, that gave it.
void fit(const char* from, Tensor& g, const Node& to, const Shape& shape, DType dtype, Device device) {
  if (g.shape() != shape || g.device() != device) [[unlikely]]
    fail("backward of {}: it gave a gradient of shape {} on {} for {}, which has shape {} and is on {}", from,
         g.shape(), g.device(), to.is_leaf() ? "a leaf" : fmt::format("a result of {}", to.name), shape,
         device);
  if (g.dtype() != dtype) g = g.to(dtype);
}
void fit(const char* from, Tensor& g, const Edge& edge) {
  if (edge.node->is_leaf()) {
    // As it is now: module.to(dtype) may have changed it since.
    const TensorImpl& leaf = *static_cast<LeafNode&>(*edge.node).leaf;
    return fit(from, g, *edge.node, leaf.layout.shape, leaf.dtype, leaf.storage->device);
  }
  const Result& result = edge.node->outputs[size_t(edge.output)];
  fit(from, g, *edge.node, result.shape, result.dtype, result.device);
}

// One run of backward: the nodes that have received a gradient, the highest first.
class Task {
 public:
  Task(const BackwardOptions& options, const std::vector<Edge>* targets)
      : options_(options), targets_(targets) {
    if (targets_ != nullptr) captured_.resize(targets_->size());
  }

  void start(const Edge& edge, Tensor gradient) {
    if (targets_ != nullptr) find_needed(edge.node.get());
    deliver("the root", edge, std::move(gradient));
  }

  void run() {
    // What a rule saved has the type its op computed in.
    const NoAutocast same_types;
    Gradients grads;
    try {
      while (Node* node = pending_.pop(grads)) process(*node, grads);
    } catch (...) {
      land();
      throw;
    }
    land();
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
    const bool frees = node.saves && !options_.retain_graph && !options_.create_graph;
    claim(node, frees);
    const Running scope(&node);
    Gradients results = backward_of(node, grads, frees);
    grads.clear();
    if (anomaly_mode()) check_finite(node, results);
    if (frees) node.release();
    if (results.size() != node.inputs.size())
      fail("backward of {}: it gave {} gradients for {} inputs", node.name, results.size(),
           node.inputs.size());
    for (size_t i = 0; i < results.size(); ++i)
      if (results[i].defined() && node.inputs[i].node)
        deliver(node.name, node.inputs[i], std::move(results[i]));
  }

  // Of several threads whose backward would free what the node saved, one has it.
  static void claim(Node& node, bool frees) {
    const std::atomic_ref<bool> released(node.released);
    if (frees ? released.exchange(true) : released.load())
      fail(
          "backward of {}: its saved tensors were freed by an earlier backward; pass retain_graph = true to "
          "the first one",
          node.name);
  }

  // A rule that throws may be tried again.
  static Gradients backward_of(Node& node, const Gradients& grads, bool claimed) {
    try {
      return node.backward(grads);
    } catch (...) {
      if (claimed) std::atomic_ref<bool>(node.released) = false;
      throw;
    }
  }

  void deliver(const char* from, const Edge& edge, Tensor gradient) {
    Node* node = edge.node.get();
    fit(from, gradient, edge);
    if (targets_ == nullptr) {
      if (node->is_leaf() && (!node->extras || node->extras->hooks.empty()))
        return accumulate(static_cast<LeafNode&>(*node), std::move(gradient));
    } else if (!needed_.at(node) && !is_target(node)) {
      return;
    }
    add_to(pending_.at(*node)[size_t(edge.output)], std::move(gradient));
  }

  // Hooks may replace a gradient; then tensors that asked to keep theirs get it.
  void observe(Node& node, Gradients& grads) {
    const auto hooks = node.extras->hooks;  // a hook may remove itself
    if (!hooks.empty()) land();
    for (const Ref<HookEntry>& entry : hooks) {
      Tensor& g = grads[size_t(entry->output)];
      if (!g.defined()) continue;
      if (Tensor changed = entry->hook(g); changed.defined()) {
        fit("a hook", changed, {Ref<Node>(&node), entry->output});
        g = std::move(changed);
      }
    }
    for (const auto& [output, retained] : node.extras->retained)
      if (const Tensor& g = grads[size_t(output)]; g.defined())
        retained->grad = retained->grad.defined() ? retained->grad + g : g;
  }

  void accumulate(LeafNode& node, Tensor g) {
    const Locked locked(node.lock);
    Slot& slot = *slot_of(*node.leaf);
    if (options_.create_graph) {
      slot.grad = slot.grad.defined() ? slot.grad + g : g;
    } else if (slot.grad.defined()) {
      if (node.landing) node.landing->finish();
      slot.grad.add_(g);
    } else if (slot.grad_home.defined()) {
      homecoming(node).add(slot.grad_home, std::move(g));
      slot.grad = slot.grad_home;
    } else {
      slot.grad = owned_alone(g) && g.layout().is_dense() ? std::move(g) : g.clone();
    }
  }

  // On a GPU the gradient is there when this task ends, or when another one needs it before.
  Homecoming& homecoming(LeafNode& node) {
    if (!homecoming_) homecoming_ = Ref<Homecoming>(new Homecoming);
    if (!node.leaf->storage->device.is_cpu()) node.landing = homecoming_;
    return *homecoming_;
  }
  void land() {
    if (homecoming_) homecoming_->finish();
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
  Ref<Homecoming> homecoming_;
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
  const profile::Range range("backward");
  const GradMode mode(options.create_graph);
  Task task(options, nullptr);
  start_all(task, "backward", roots, gradients);
  task.run();
}

Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& gradients,
             const BackwardOptions& options) {
  const profile::Range range("backward");
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
