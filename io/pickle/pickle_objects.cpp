#include <charconv>

#include <kiln/io/pickle/pickle_machine.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/utf8.h>

namespace kiln::io {

void PickleMachine::push_list(Kind kind, std::vector<Id> items) {
  push(kind);
  graph_.nodes_.back().box = uint32_t(graph_.lists_.size());
  graph_.lists_.push_back(std::move(items));
}

// Of the last ones on the stack.
void PickleMachine::push_tuple(size_t count) {
  const size_t bottom = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - bottom < count) bad_sentence("the stack is empty");
  auto& items = graph_.items_;
  if (items.size() > UINT32_MAX - count) bad_sentence("its tuples have more items than Kiln can count");
  const size_t begin = items.size();
  items.insert(items.end(), stack_.end() - std::ptrdiff_t(count), stack_.end());
  stack_.resize(stack_.size() - count);
  push(Kind::tuple);
  graph_.nodes_.back().box = uint32_t(begin);
  graph_.nodes_.back().integer = int64_t(count);
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  if (!is_utf8(module, true) || !is_utf8(name, true)) bad_sentence("a global's name is not UTF-8");
  push(Kind::global);
  graph_.nodes_.back().box = uint32_t(graph_.globals_.size());
  graph_.globals_.push_back({module, name});
}

// Before protocol 3 the bytes of Python 3 are written as calls: _codecs.encode(text, 'latin1'), and bytes().
bool PickleMachine::push_bytes_of_call(Id callable, std::span<const Id> arguments) {
  if (arguments.empty() && (graph_.is_global(callable, "builtins", "bytes") ||
                            graph_.is_global(callable, "__builtin__", "bytes"))) {
    push_string(Kind::bytes, {});
    return true;
  }
  if (!graph_.is_global(callable, "_codecs", "encode") || arguments.size() != 2 ||
      graph_.kind(arguments[0]) != Kind::text || !graph_.is_text(arguments[1]) ||
      graph_.text(arguments[1]) != "latin1")
    return false;
  std::string bytes;
  if (!decode_latin1(graph_.text(arguments[0]), &bytes)) bad_sentence("bytes are not latin1");
  push_string(Kind::bytes, keep(std::move(bytes)));
  return true;
}

void PickleMachine::push_object(Id callable, Id arguments, Id named) {
  const Kind kind = graph_.kind(callable);
  if (kind != Kind::global && kind != Kind::object && kind != Kind::persistent)
    bad_sentence(fmt::format("{} cannot be called", name_of(kind)));
  if (graph_.kind(arguments) != Kind::tuple)
    bad_sentence(fmt::format("arguments must be a tuple, not {}", name_of(graph_.kind(arguments))));
  if (named != PickleGraph::kNothing && graph_.kind(named) != Kind::dict)
    bad_sentence("named arguments must be a dict");
  if (named == PickleGraph::kNothing && push_bytes_of_call(callable, graph_.items(arguments))) return;
  push(Kind::object);
  graph_.nodes_.back().box = uint32_t(graph_.objects_.size());
  graph_.objects_.push_back({callable, arguments, named});
}

PickleMachine::Id PickleMachine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) bad_sentence("the stack is empty");
  return stack_.back();
}

PickleMachine::Id PickleMachine::pop() {
  const Id id = top();
  stack_.pop_back();
  return id;
}

size_t PickleMachine::count_to_mark() const {
  if (marks_.empty()) bad_sentence("there is no mark on the stack");
  return stack_.size() - marks_.back();
}

std::vector<PickleMachine::Id> PickleMachine::pop_to_mark() {
  const auto from = stack_.end() - std::ptrdiff_t(count_to_mark());
  std::vector<Id> items(from, stack_.end());
  stack_.erase(from, stack_.end());
  marks_.pop_back();
  return items;
}

// Of any class there may be containers, but not of what makes tensors, whose elements are not set this way.
PickleGraph::Object& PickleMachine::growing_object() {
  PickleGraph::Object& object = graph_.objects_[graph_.nodes_[top()].box];
  if (graph_.kind(object.callable) != Kind::global) return object;
  const std::string_view module = graph_.global_module(object.callable),
                         name = graph_.global_name(object.callable);
  if ((module == "torch" || module.starts_with("torch.")) &&
      (name.starts_with("_rebuild_") || name == "_load_from_bytes" || name == "Parameter" ||
       name.ends_with("Tensor") || name.ends_with("Storage")))
    bad_sentence(fmt::format("items are added to what {} made, which is no container",
                             quotable(graph_.global(object.callable))));
  return object;
}

std::vector<PickleMachine::Id>& PickleMachine::growing_items(Kind wanted) {
  const Kind kind = graph_.kind(top());
  const uint32_t box = graph_.nodes_[top()].box;
  if (kind == Kind::object) return growing_object().items;
  if (kind != wanted)
    bad_sentence(fmt::format("items are added to {}, expected {}", name_of(kind), name_of(wanted)));
  return graph_.lists_[box];
}

std::vector<PickleMachine::Id>& PickleMachine::growing_pairs() {
  const Kind kind = graph_.kind(top());
  const uint32_t box = graph_.nodes_[top()].box;
  if (kind == Kind::object) return growing_object().pairs;
  if (kind != Kind::dict) bad_sentence(fmt::format("keys are set in {}, expected dict", name_of(kind)));
  return graph_.lists_[box];
}

bool PickleMachine::container(uint8_t opcode) {
  const auto paired = [&](std::vector<Id> items) {
    if (items.size() % 2 != 0) bad_sentence(fmt::format("{} keys and values, expected pairs", items.size()));
    return items;
  };
  const auto append = [](std::vector<Id>& to, const std::vector<Id>& items) {
    to.insert(to.end(), items.begin(), items.end());
    return true;
  };
  switch (opcode) {
    case ')':
      return push_tuple(0), true;
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple(opcode - 0x84u), true;
    case 't':
      push_tuple(count_to_mark());
      return marks_.pop_back(), true;
    case ']':
      return push_list(Kind::list, {}), true;
    case 'l':
      return push_list(Kind::list, pop_to_mark()), true;
    case '}':
      return push_list(Kind::dict, {}), true;
    case 'd':
      return push_list(Kind::dict, paired(pop_to_mark())), true;
    case 0x8F:
      return push_list(Kind::set, {}), true;
    case 0x91:
      return push_list(Kind::frozen_set, pop_to_mark()), true;
    case 'a': {
      const Id item = pop();
      return append(growing_items(Kind::list), {item});
    }
    case 'e':
    case 0x90: {  // APPENDS, ADDITEMS
      const std::vector<Id> items = pop_to_mark();
      return append(growing_items(opcode == 'e' ? Kind::list : Kind::set), items);
    }
    case 's': {
      const Id value = pop(), key = pop();
      return append(growing_pairs(), {key, value});
    }
    case 'u': {
      const std::vector<Id> items = paired(pop_to_mark());
      return append(growing_pairs(), items);
    }
    default:
      return false;
  }
}

int64_t PickleMachine::memo_key(std::string_view text) {
  int64_t key = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
  if (error != std::errc() || end != text.data() + text.size() || key < 0)
    bad_sentence(fmt::format("'{}' is not a memo key", quotable(text)));
  return key;
}

void PickleMachine::memoize(int64_t key) {
  const Id id = top();
  constexpr int64_t kLead = 1024;  // memory stays in proportion to the opcodes
  if (key >= memo_count_ + kLead) {
    memo_count_ += far_memo_.insert_or_assign(key, id).second;
    return;
  }
  const auto place = size_t(key);
  if (place == memo_.size()) {
    memo_.push_back(PickleGraph::kNothing);
  } else if (place > memo_.size()) {
    memo_.resize(place + 1, PickleGraph::kNothing);
  }
  memo_count_ += memo_[place] == PickleGraph::kNothing && (far_memo_.empty() || !far_memo_.contains(key));
  memo_[place] = id;
}

void PickleMachine::recall(int64_t key) {
  Id id = key < int64_t(memo_.size()) ? memo_[size_t(key)] : PickleGraph::kNothing;
  if (id == PickleGraph::kNothing) {
    const auto found = far_memo_.find(key);
    if (found == far_memo_.end()) bad_sentence(fmt::format("memo key {} was never put", key));
    id = found->second;
  }
  stack_.push_back(id);
}

bool PickleMachine::stack_or_memo(uint8_t opcode) {
  switch (opcode) {
    case 'p':
      return memoize(memo_key(line())), true;
    case 'q':
      return memoize(uint8_t(take(1)[0])), true;
    case 'r':
    case 'j': {
      int64_t key = 0;
      const std::string_view bytes = take(4);
      for (size_t i = 4; i-- > 0;) key = key << 8 | uint8_t(bytes[i]);
      return opcode == 'r' ? memoize(key) : recall(key), true;
    }
    case 0x94:
      return memoize(memo_count_), true;
    case 'g':
      return recall(memo_key(line())), true;
    case 'h':
      return recall(uint8_t(take(1)[0])), true;
    case '(':
      return marks_.push_back(stack_.size()), true;
    case '0':
      if (!marks_.empty() && marks_.back() == stack_.size()) return marks_.pop_back(), true;
      return pop(), true;
    case '1':
      return pop_to_mark(), true;
    case '2':
      return stack_.push_back(top()), true;
    default:
      return false;
  }
}

bool PickleMachine::object(uint8_t opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = line();
      return push_global(module, line()), true;
    }
    case 0x93: {  // STACK_GLOBAL
      const Id name = pop(), module = pop();
      if (!graph_.is_text(name) || !graph_.is_text(module)) bad_sentence("a global's names must be strings");
      return push_global(graph_.text(module), graph_.text(name)), true;
    }
    case 'R':
    case 0x81: {  // REDUCE, NEWOBJ
      const Id arguments = pop(), callable = pop();
      return push_object(callable, arguments), true;
    }
    case 0x92: {  // NEWOBJ_EX
      const Id named = pop(), arguments = pop(), callable = pop();
      return push_object(callable, arguments, named), true;
    }
    case 'i':
    case 'o': {  // INST: two lines and arguments; OBJ: class and arguments
      const size_t count = count_to_mark();
      if (opcode == 'o' && count == 0) bad_sentence("OBJ without a class");
      push_tuple(opcode == 'i' ? count : count - 1);
      const Id arguments = pop();
      if (opcode == 'i') {
        const std::string_view module = line();
        push_global(module, line());
      }
      marks_.pop_back();
      return push_object(pop(), arguments), true;
    }
    case 'b': {  // BUILD
      const Id state = pop(), target = top();
      if (graph_.kind(target) != Kind::object)
        bad_sentence(fmt::format("a state is given to {}, expected an object", name_of(graph_.kind(target))));
      PickleGraph::Object& built = graph_.objects_[graph_.nodes_[target].box];
      if (built.state != PickleGraph::kNothing) bad_sentence("an object is given a state twice");
      built.state = state;
      return true;
    }
    case 'P':
    case 'Q': {
      if (opcode == 'P') push_string(Kind::text, line());
      const Id reference = pop();
      push(Kind::persistent);
      graph_.nodes_.back().box = reference;
      return true;
    }
    default:
      return false;
  }
}

}  // namespace kiln::io
