#include "fuzz/mutate/json_changes.h"

namespace kiln::fuzz {
namespace {

class JsonMutator {
 public:
  JsonMutator(Json* json, const JsonWords& words, Mutation& mutation)
      : all_(all_of(json)), words_(words), mutation_(mutation), random_(mutation.random) {
    for (Json* part : all_)
      if (!part->members.empty()) boxes_.push_back(part);
  }

  void change() {
    constexpr std::string_view kKinds[] = {"replace", "replace", "replace", "number", "number",
                                           "word",    "repeat",  "remove",  "swap",   "insert",
                                           "rename",  "nest",    "copy"};
    const std::string_view kind = random_.of(kKinds);
    mutation_.did(kind);
    if (kind == "replace") {
      *random_.of(all_) = value(2);
    } else if (kind == "number") {
      number();
    } else if (kind == "word") {
      word();
    } else if (kind == "nest") {
      nest();
    } else if (kind == "copy") {
      Json copy = *random_.of(all_);
      if (all_of(&copy).size() < kMost) *random_.of(all_) = std::move(copy);
    } else if (!boxes_.empty()) {
      member(kind);
    }
  }

 private:
  static constexpr size_t kMost = 100;  // values: a document may not double again and again

  std::string string() {
    const auto& from = random_.one_in(3) ? words_.names : words_.strings;
    return from.empty() || random_.one_in(12) ? mutation_.blindly("a.b") : std::string(random_.of(from));
  }

  Json value(int depth) {
    constexpr const char* kWords[] = {"null", "true",  "false", "1.5",
                                      "-0.0", "1e400", "1e300", "99999999999999999999"};
    if (words_.value && random_.one_in(2)) return words_.value(random_);
    const size_t kind = random_.below(depth > 0 ? 5 : 3);
    if (kind == 0) return Json::number(odd_number(random_));
    if (kind == 1) return Json::string(string());
    if (kind == 2) return Json::word(random_.of(kWords));
    Json made = kind == 3 ? Json::array({}) : Json::object({});
    for (size_t left = random_.below(4); left > 0; --left)
      made.members.push_back({string(), value(depth - 1)});
    return made;
  }

  // A value of that kind; null when there is none.
  Json* any(Json::Kind kind) {
    std::vector<Json*> found;
    for (Json* part : all_)
      if (part->kind == kind) found.push_back(part);
    return found.empty() ? nullptr : random_.of(found);
  }

  void number() {
    Json* const found = any(Json::Kind::word);
    if (found == nullptr) return;
    const bool is_small =
        found->text.find_first_not_of("0123456789") == std::string::npos && found->text.size() < 9;
    if (is_small && random_.one_in(2))
      found->text = std::to_string(std::stoi(found->text) + (random_.one_in(2) ? 1 : -1));
    else
      found->text = std::to_string(odd_number(random_));
  }
  void word() {
    Json* const found = any(Json::Kind::string);
    if (found != nullptr) found->text = random_.one_in(3) ? mutation_.blindly(found->text) : string();
  }

  void nest() {
    constexpr size_t kDeep = 20;
    Json* const at = random_.of(all_);
    for (size_t left = random_.one_in(4) ? kDeep : 1; left > 0; --left) {
      Json inner = std::move(*at);
      *at = random_.one_in(2) ? Json::array({}) : Json::object({});
      at->members.push_back({string(), std::move(inner)});
    }
  }

  void member(std::string_view kind) {
    Json& box = *random_.of(boxes_);
    const size_t at = random_.below(box.members.size());
    const auto place = box.members.begin() + ptrdiff_t(at);
    if (kind == "repeat") {
      if (all_.size() < 10'000) box.members.insert(place, JsonMember(*place));
    } else if (kind == "remove") {
      box.members.erase(place);
    } else if (kind == "swap") {
      JsonMember& other = random_.of(box.members);
      random_.one_in(2) ? std::swap(*place, other) : std::swap(place->value, other.value);
    } else if (kind == "insert") {
      box.members.insert(place, {string(), value(2)});
    } else {
      place->name = random_.one_in(3) ? random_.of(box.members).name : string();
    }
  }

  std::vector<Json*> all_, boxes_;
  const JsonWords& words_;
  Mutation& mutation_;
  Random& random_;
};

}  // namespace

void change_json(Json* json, const JsonWords& words, Mutation& mutation) {
  JsonMutator(json, words, mutation).change();
}

}  // namespace kiln::fuzz
