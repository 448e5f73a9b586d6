#include <kiln/project/fit/recipe.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <kiln/tensor/base/closest_word.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::project {
namespace {

// Calls f with the name and the member of each; R is Recipe or const Recipe.
template <class R, class F>
void each_member(R& r, F&& f) {
  f("epochs", r.epochs);
  f("batch_size", r.batch_size);
  f("optimizer", r.optimizer);
  f("lr", r.lr);
  f("head_lr", r.head_lr);
  f("weight_decay", r.weight_decay);
  f("schedule", r.schedule);
  f("warmup", r.warmup);
  f("label_smoothing", r.label_smoothing);
  f("class_weights", r.class_weights);
  f("mixup", r.mixup);
  f("cutmix", r.cutmix);
  f("ema", r.ema);
  f("clip", r.clip);
  f("patience", r.patience);
  f("metric", r.metric);
  f("amp", r.amp);
  f("freeze", r.freeze);
  f("seed", r.seed);
}

Value as_value(const std::vector<std::string>& words) {
  Value list = Value::list();
  for (const std::string& word : words) list.push_back(word);
  return list;
}
// JSON's integers end at 2^63: a seed beyond keeps its bits.
Value as_value(uint64_t number) { return Value(int64_t(number)); }
template <class T>
Value as_value(const T& x) {
  return Value(x);
}

void read(const Value& value, std::vector<std::string>& words) {
  words.clear();
  for (const Value& item : value.items()) words.push_back(item.as_string());
}
void read(const Value& value, std::string& x) { x = value.as_string(); }
void read(const Value& value, bool& x) { x = value.as_bool(); }
void read(const Value& value, double& x) { x = value.as_float(); }
void read(const Value& value, int64_t& x) { x = value.as_int(); }
void read(const Value& value, uint64_t& x) { x = uint64_t(value.as_int()); }

void within(const char* name, double x, double low, double high) {
  if (!(x >= low && x <= high)) fail("recipe: {} is {}, and should be in {} .. {}", name, x, low, high);
}

void one_of(const char* name, const std::string& word, const std::vector<std::string>& words) {
  if (std::ranges::find(words, word) != words.end()) return;
  const std::string close = closest_word(word, words);
  fail("recipe: {} is '{}', and should be one of {}{}", name, word, fmt::join(words, ", "),
       close.empty() ? "" : fmt::format("; did you mean '{}'?", close));
}

}  // namespace

void check(const Recipe& r) {
  constexpr double kMost = 1e9;
  within("epochs", double(r.epochs), 1, kMost);
  within("batch_size", double(r.batch_size), 1, kMost);
  one_of("optimizer", r.optimizer, {"adamw", "adam", "sgd"});
  within("lr", r.lr, 0, kMost);
  within("head_lr", r.head_lr, 0, kMost);
  within("weight_decay", r.weight_decay, 0, kMost);
  one_of("schedule", r.schedule, {"onecycle", "cosine", "constant"});
  within("warmup", r.warmup, 0, 1);
  within("label_smoothing", r.label_smoothing, 0, 1);
  within("mixup", r.mixup, 0, kMost);
  within("cutmix", r.cutmix, 0, kMost);
  within("ema", r.ema, 0, 1);
  within("clip", r.clip, 0, kMost);
  within("patience", double(r.patience), 0, kMost);
  if (!r.amp.empty()) one_of("amp", r.amp, {"float16", "bfloat16"});
}

Value to_value(const Recipe& recipe) {
  Value dict = Value::dict();
  each_member(recipe, [&](const char* name, const auto& member) { dict[name] = as_value(member); });
  return dict;
}

Recipe recipe_from(const Value& value) {
  Recipe recipe;
  std::vector<std::string> names;
  each_member(recipe, [&](const char* name, auto& member) {
    names.emplace_back(name);
    if (const Value* found = value.find(name)) read(*found, member);
  });
  for (const auto& [key, member] : value.entries())
    if (std::ranges::find(names, key.text()) == names.end()) {
      const std::string close = closest_word(key.text(), names);
      fail("recipe: there is no '{}'{}", key.text(),
           close.empty() ? "" : fmt::format("; did you mean '{}'?", close));
    }
  check(recipe);
  return recipe;
}

}  // namespace kiln::project
