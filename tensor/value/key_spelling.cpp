#include <kiln/tensor/value/key_spelling.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/key_text.h>
#include <kiln/tensor/value/seeded_hash.h>

namespace kiln {
namespace {

// Cannot be printed, or is the name of nothing, which is the root's path.
bool is_unseen(std::string_view name) { return name.empty() || !is_printable(name); }
bool begins_like_a_quote(std::string_view name) { return name.starts_with('"') || name.starts_with('<'); }

}  // namespace

KeySpelling::KeySpelling(const Children& children, PathStyle style) {
  bool has_others = false, has_separator = false, has_way = false;
  for (size_t i = 0; i < children.size(); ++i) {
    const Value::Key* key = children.key(i);
    if (key == nullptr) continue;
    has_others |= children.is_attribute(i) || !key->is_text() || (!style.raw && is_unseen(key->text()));
    has_separator |= key->is_text() && key->text().find(style.separator) != std::string::npos;
    has_way |= Children(children[i]).size() > 0;
  }
  if (has_others || (has_separator && has_way)) spell(children, style);
}

void KeySpelling::spell(const Children& children, PathStyle style) {
  const size_t count = children.size();
  table_.resize(count);
  std::unordered_set<std::string, TextHash> taken;  // by keys that are no strings, and by attributes
  std::unordered_map<std::string, int, TextHash> times;
  const auto is_text = [&](size_t i) { return children.key(i)->is_text() && !children.is_attribute(i); };
  for (size_t i = 0; i < count; ++i) {
    const Value::Key* key = children.key(i);
    if (key == nullptr) {
      table_[i] = std::to_string(i);
    } else if (is_text(i)) {
      table_[i] = key->text();
    } else {
      const std::string name = (children.is_attribute(i) ? "@" : "") + to_string(*key);
      table_[i] = name;
      for (int& n = times[name]; !taken.insert(table_[i]).second;) {
        n = std::max(n, 1) + 1;
        table_[i] = name + "#" + std::to_string(n);
      }
    }
  }
  std::unordered_set<std::string_view, TextHash> ways;
  for (size_t i = 0; i < count; ++i)
    if (Children(children[i]).size() > 0) ways.insert(table_[i]);
  const auto leads_astray = [&](std::string_view name) {
    for (size_t at = name.find(style.separator); at != name.npos; at = name.find(style.separator, at + 1))
      if (ways.contains(name.substr(0, at))) return true;
    return false;
  };
  std::vector<bool> quotes(count);
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    if (children.key(i) == nullptr) continue;
    quotes[i] = leads_astray(table_[i]) || (is_text(i) && taken.contains(table_[i])) ||
                (!style.raw && is_unseen(table_[i])) || (!is_text(i) && begins_like_a_quote(table_[i]));
    any |= quotes[i];
  }
  for (size_t i = 0; i < count; ++i) {
    if (!quotes[i] && !(any && children.key(i) != nullptr && begins_like_a_quote(table_[i]))) continue;
    if (is_text(i))
      table_[i] = quoted_text(table_[i]);
    else if (children.is_attribute(i))
      table_[i] = "@" + (children.key(i)->is_text() ? quoted_text(table_[i].substr(1))
                                                    : bracketed(table_[i].substr(1)));
    else
      table_[i] = bracketed(table_[i]);
  }
}

void KeySpelling::append(const Children& children, size_t child, std::string& path) const {
  if (!table_.empty())
    path += table_[child];
  else if (const Value::Key* key = children.key(child); key != nullptr)
    path += key->text();
  else
    path += std::to_string(child);
}

namespace {

// Whether `path` is that name, or goes on behind it.
bool begins_with(std::string_view path, std::string_view name) {
  return path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '/');
}
bool leads_to(std::string_view path, std::string_view name, const Value& child) {
  return begins_with(path, name) && (path.size() == name.size() || Children(child).size() > 0);
}

}  // namespace

NamedChild find_child(const Value& value, std::string_view path) {
  const Children children(value);
  NamedChild found, dead_end;  // a value that has nothing in it: for who wants to say so
  size_t candidates = 0;
  bool has_others = false;
  const auto consider = [&](size_t i, std::string_view name) {
    if (!begins_with(path, name)) return;
    if (!leads_to(path, name, children[i])) {
      dead_end = {i, name.size(), NamedChild::kNone};
      return;
    }
    ++candidates;
    if (found.child == NamedChild::kNone || name.size() > found.length)
      found.child = i, found.length = name.size();
    if (name.size() == path.size()) found.whole = i;
  };
  for (size_t i = 0; i < children.size(); ++i) {
    const Value::Key* key = children.key(i);
    has_others |= children.is_attribute(i) || (key != nullptr && !key->is_text() && !key->is_int());
    if (children.is_attribute(i)) continue;
    if (key != nullptr && key->is_text())
      consider(i, key->text());
    else if (!path.empty() && path[0] <= '9')  // a digit or a sign
      consider(i, key == nullptr ? std::to_string(i) : to_string(*key));
  }
  const bool is_quoted = path.starts_with('"') || path.starts_with('<');
  if (candidates == 1 && !has_others && !is_quoted) return found;
  if (candidates == 0 && !has_others && !is_quoted) return dead_end;
  const KeySpelling spelling(children, {});
  for (size_t i = 0; i < children.size(); ++i) {
    std::string name;
    spelling.append(children, i, name);
    if (leads_to(path, name, children[i])) return {i, name.size(), found.whole};
  }
  for (size_t i = 0; candidates == 0 && i < children.size(); ++i)  // needless quotes
    if (const Value::Key* key = children.key(i); key != nullptr && !children.is_attribute(i))
      consider(i, key->is_text() ? quoted_text(key->text()) : bracketed(to_string(*key)));
  return found.child == NamedChild::kNone ? dead_end : found;
}

std::vector<std::string> names_in(const Value& value, PathStyle style) {
  const Children children(value);
  const KeySpelling spelling(children, style);
  std::vector<std::string> names(children.size());
  for (size_t i = 0; i < names.size(); ++i) spelling.append(children, i, names[i]);
  return names;
}

}  // namespace kiln
