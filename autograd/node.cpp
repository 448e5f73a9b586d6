#include <kiln/autograd/node.h>

#include <algorithm>

#include <kiln/autograd/anomaly.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/slot.h>

namespace kiln {
namespace {

constinit thread_local bool recording = true;

}  // namespace

bool grad_enabled() { return recording; }
void set_grad_enabled(bool enabled) { recording = enabled; }

namespace autograd {

// Nodes whose last reference went while another one was being destroyed on this thread. It has no destructor:
// tensors with a history may outlive a thread's objects.
struct Node::Graveyard {
  Node* newest = nullptr;
  bool digging = false;
};

Node::Graveyard& Node::graveyard() {
  static constinit thread_local Graveyard result;
  return result;
}

Node::Node(const char* op) : name(op) {
  if (anomaly_mode()) [[unlikely]]
    extras_of(*this).call_site = call_site();
}

Node::~Node() = default;

void Node::add_input(Edge edge) {
  if (edge.node) rank = std::max(rank, edge.node->rank + 1);
  inputs.push_back(std::move(edge));
}

void Node::destroy(Node* node) {
  if (node->is_leaf()) return TensorImpl::destroy(static_cast<LeafNode*>(node)->leaf);
  Graveyard& dead = graveyard();
  node->next_dead_ = std::exchange(dead.newest, node);
  if (dead.digging) return;
  dead.digging = true;
  while (dead.newest != nullptr) {
    Node* next = dead.newest;
    dead.newest = next->next_dead_;
    delete next;
  }
  dead.digging = false;
}

NodeExtras& extras_of(Node& node) {
  if (!node.extras) node.extras = make_box<NodeExtras>();
  return *node.extras;
}

}  // namespace autograd
}  // namespace kiln
