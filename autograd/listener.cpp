#include <kiln/autograd/listener.h>

#include <algorithm>
#include <mutex>

#include <kiln/autograd/op.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::autograd {

namespace detail {
constinit thread_local int attention = 0;
constinit int attention_of_all = 0;
}  // namespace detail

namespace {

std::vector<Listener*>& here() {
  static thread_local std::vector<Listener*> listeners;
  return listeners;
}

// Those of all threads. Recursive, because a listener's own function may end its listening.
std::recursive_mutex everywhere_mutex;
std::vector<Listener*>& everywhere() {
  static std::vector<Listener*> listeners;
  return listeners;
}

// Ops that a listener calls itself are not told of.
constinit thread_local bool telling = false;

template <class F>
void tell(F&& f) {
  if (telling) return;
  telling = true;
  for (Listener* listener : here()) f(*listener);
  if ((__atomic_load_n(&detail::attention_of_all, __ATOMIC_RELAXED) & detail::kListens) != 0) {
    const std::lock_guard lock(everywhere_mutex);
    for (Listener* listener : everywhere()) f(*listener);
  }
  telling = false;
}

}  // namespace

namespace detail {
void tell_begin(const OpCall& call) {
  tell([&](Listener& listener) { listener.begin(call); });
}
void tell_end(const OpCall& call) {
  tell([&](Listener& listener) { listener.end(call); });
}
}  // namespace detail

Listen::Listen(Listener& listener, Threads threads) : listener_(&listener), threads_(threads) {
  if (threads == Threads::this_one) {
    here().push_back(listener_);
    detail::attention |= detail::kListens;
    return;
  }
  const std::lock_guard lock(everywhere_mutex);
  everywhere().push_back(listener_);
  __atomic_store_n(&detail::attention_of_all, detail::kListens, __ATOMIC_RELAXED);
}

Listen::~Listen() {
  if (threads_ == Threads::this_one) {
    std::erase(here(), listener_);
    if (here().empty()) detail::attention &= ~detail::kListens;
    return;
  }
  const std::lock_guard lock(everywhere_mutex);
  std::erase(everywhere(), listener_);
  if (everywhere().empty()) __atomic_store_n(&detail::attention_of_all, 0, __ATOMIC_RELAXED);
}

const Attribute* OpCall::find_attribute(std::string_view wanted) const {
  for (const Attribute& attribute : attributes)
    if (attribute.name == wanted) return &attribute;
  return nullptr;
}

const Tensor* OpCall::find_operand(std::string_view wanted) const {
  for (const NamedOperand& operand : operands)
    if (operand.name == wanted) return &operand.tensor;
  return nullptr;
}

std::string to_string(const Attribute& attribute) {
  switch (attribute.type) {
    case Attribute::Type::boolean:
      return attribute.name + (attribute.integer != 0 ? "=true" : "=false");
    case Attribute::Type::integer:
      return fmt::format("{}={}", attribute.name, attribute.integer);
    case Attribute::Type::real:
      return fmt::format("{}={}", attribute.name, attribute.real);
    case Attribute::Type::list:
      return fmt::format("{}={}", attribute.name, attribute.list);
    case Attribute::Type::text:
      break;
  }
  return attribute.name + "=" + attribute.text;
}

}  // namespace kiln::autograd
