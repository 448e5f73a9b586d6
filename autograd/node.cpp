#include <kiln/autograd/node.h>

#include <kiln/autograd/anomaly.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/slot.h>

namespace kiln {
namespace {

thread_local bool recording = true;
thread_local uint64_t next_sequence = 1;

}  // namespace

bool grad_enabled() { return recording; }
void set_grad_enabled(bool enabled) { recording = enabled; }

namespace autograd {
namespace {

// Nodes whose last reference went while another one was being destroyed on this thread.
struct Graveyard {
  std::vector<Node*> nodes;
  bool digging = false;
};
thread_local Graveyard graveyard;

}  // namespace

Node::Node(const char* op) : name(op), sequence(next_sequence++) {
  if (anomaly_mode()) [[unlikely]]
    extras_of(*this).call_site = call_site();
}

Node::~Node() = default;

void Node::destroy(Node* node) {
  graveyard.nodes.push_back(node);
  if (graveyard.digging) return;
  graveyard.digging = true;
  while (!graveyard.nodes.empty()) {
    Node* next = graveyard.nodes.back();
    graveyard.nodes.pop_back();
    delete next;
  }
  graveyard.digging = false;
}

NodeExtras& extras_of(Node& node) {
  if (!node.extras) node.extras = make_box<NodeExtras>();
  return *node.extras;
}

}  // namespace autograd
}  // namespace kiln
