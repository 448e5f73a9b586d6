// Ways into a value: keys, indices and paths.

#include <algorithm>
#include <utility>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/base/with_article.h>
#include <kiln/tensor/value/key_spelling.h>
#include <kiln/tensor/value/state_dict.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/tensor/value/value_box.h>

namespace kiln {
namespace {

// The children that lead to what a path names; nothing where it leads to nothing. `behind` says how far it
// could be followed: what that value is, and the path from there.
struct Way {
  bool arrives = false;
  std::vector<size_t> steps;
  const Value* last = nullptr;
  std::string_view rest;
};

// A key that holds a '/' may stand there without its quotes where nothing else is meant.
Way way_to(const Value& from, std::string_view path) {
  Way way;
  way.last = &from;
  way.rest = path;
  std::vector<size_t> otherwise;
  for (;;) {
    const NamedChild next = find_child(*way.last, way.rest);
    if (next.whole != NamedChild::kNone && next.whole != next.child && otherwise.empty()) {
      otherwise = way.steps;
      otherwise.push_back(next.whole);
    }
    if (next.child == NamedChild::kNone) break;
    way.steps.push_back(next.child);
    if (next.length == way.rest.size()) {
      way.arrives = true;
      return way;
    }
    way.last = &Children(*way.last)[next.child];
    way.rest.remove_prefix(next.length + 1);
  }
  if (!otherwise.empty()) {
    way.arrives = true;
    way.steps = std::move(otherwise);
  }
  return way;
}

const Value* follow(const Value& from, const Way& way) {
  const Value* here = way.arrives ? &from : nullptr;
  for (size_t i = 0; way.arrives && i < way.steps.size(); ++i) here = &Children(*here)[way.steps[i]];
  return here;
}

}  // namespace

const Value* Value::child(const Key& key) const {
  if (kind_ >= Kind::dict) {
    for (const Entry& entry : entries())
      if (entry.key == key) return &entry.value;
  } else if (is_container() && key.is_int()) {
    const int64_t i = key.number();
    if (i >= 0 && size_t(i) < size()) return &items()[size_t(i)];
  }
  return nullptr;
}

const Value& Value::operator[](const Key& key) const& {
  if (const Value* found = child(key)) return *found;
  if (!is_container()) fail("value: there is no '{}' in {}", to_string(key), to_string(*this));
  fail("value: there is no '{}' in {} {} of {}", to_string(key), kind_ == Kind::object ? "an" : "a",
       name_of(kind_), size());
}

Value& Value::operator[](const Key& key) & {
  if (kind_ == Kind::none) *this = dict();
  own();
  if (kind_ == Kind::dict && child(key) == nullptr)
    return payload_.fields->entries.emplace_back(Entry{key, {}}).value;
  return const_cast<Value&>(std::as_const(*this)[key]);
}

Value Value::operator[](const Key& key) && { return std::as_const(*this)[key]; }

void Value::push_back(Value value) { items().push_back(std::move(value)); }

bool Value::erase(const Key& key) {
  expect(Kind::dict);
  return std::erase_if(entries(), [&](const Entry& entry) { return entry.key == key; }) != 0;
}

const Value* Value::find(std::string_view path) const& { return follow(*this, way_to(*this, path)); }

Value* Value::find(std::string_view path) & {
  const Way way = way_to(*this, path);
  if (!way.arrives) return nullptr;
  Value* here = this;
  for (const size_t step : way.steps) {
    here->own();
    const bool is_attribute = Children(*here).is_attribute(step);
    if (is_attribute) here->attributes_place()->own();
    here = const_cast<Value*>(&Children(*here)[step]);
  }
  return here;
}

const Value& Value::at(std::string_view path) const& {
  if (const Value* found = find(path)) return *found;
  lacks(path);
}
Value& Value::at(std::string_view path) & {
  if (Value* found = find(path)) return *found;
  lacks(path);
}
Value Value::at(std::string_view path) && { return std::as_const(*this).at(path); }

namespace {

// A name that came from a file, as far as an error shows it.
std::string shown(std::string_view name) {
  constexpr size_t kMost = 60;
  if (name.size() <= kMost) return std::string(name);
  size_t end = kMost;
  while (end > 0 && (uint8_t(name[end]) & 0xc0) == 0x80) --end;  // no character is cut
  return fmt::format("{}...", name.substr(0, end));
}

}  // namespace

void Value::lacks(std::string_view path) const {
  const Way way = way_to(*this, path);
  const Value& last = *way.last;
  const std::string_view name = way.rest.substr(0, way.rest.find('/'));
  const std::string_view parent = path.substr(0, path.size() - way.rest.size());
  const std::string where =
      parent.empty() ? "" : fmt::format(" in '{}'", parent.substr(0, parent.size() - 1));
  if (last.is_list() || last.is_tuple())
    fail("value: there is no '{}'{}, {} of {}", name, where, with_article(name_of(last.kind())), last.size());
  if (!last.is_container()) fail("value: there is no '{}'{}, which is {}", name, where, to_string(last));
  constexpr size_t kShown = 8;  // enough to see a typing mistake
  std::string keys;
  const std::vector<std::string> names = names_in(last, {});
  for (size_t i = 0; i < names.size() && i < kShown; ++i)
    keys += fmt::format("{}'{}'", i == 0 ? "" : ", ", shown(names[i]));
  if (names.size() > kShown) keys += fmt::format(" and {} more", names.size() - kShown);
  fail("value: there is no '{}'{}, which has {}", name, where, keys.empty() ? "nothing" : keys);
}

StateDict Value::as_state_dict() const {
  std::vector<StateDict::Entry> tensors;
  tensors.reserve(entries().size());
  for (const auto& [key, value] : entries()) {
    if (!key.is_text())
      fail("value: a state dict has names as keys, this one has the {} {}{}", name_of(key.value().kind()),
           to_string(key), where_weights_are(*this));
    if (!value.is_tensor()) {
      const bool is_short = value.kind() < Kind::list;
      fail("value: a state dict holds tensors, '{}' is {}{}", key.text(),
           is_short ? to_string(value) : fmt::format("{} of {}", name_of(value.kind()), value.size()),
           where_weights_are(*this));
    }
    tensors.push_back({key.text(), value.as_tensor()});
  }
  return StateDict(std::move(tensors));
}

}  // namespace kiln
