#include "fuzz/mutate/json_tree.h"

#include <kiln/io/bytes/json.h>

namespace kiln::fuzz {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

void put_utf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    *out += char(code);
  } else if (code < 0x800) {
    *out += char(0xC0 | code >> 6);
    *out += char(0x80 | (code & 0x3F));
  } else {
    *out += char(0xE0 | code >> 12);
    *out += char(0x80 | (code >> 6 & 0x3F));
    *out += char(0x80 | (code & 0x3F));
  }
}

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool whole(Json* json) {
    if (!value(json, 0)) return false;
    skip();
    return at_ == text_.size();
  }

 private:
  void skip() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }
  bool take(char c) {
    skip();
    const bool is_there = at_ < text_.size() && text_[at_] == c;
    at_ += is_there;
    return is_there;
  }

  bool value(Json* json, int depth) {
    constexpr int kDeepest = 500;
    if (depth > kDeepest) return false;
    if (take('"')) {
      json->kind = Json::Kind::string;
      return string(&json->text);
    }
    if (take('[')) return members(json, false, depth);
    if (take('{')) return members(json, true, depth);
    const size_t end = std::min(text_.find_first_of(" \t\r\n,:]}[{\"", at_), text_.size());
    json->text = text_.substr(at_, end - at_);
    at_ = end;
    return !json->text.empty();
  }

  bool members(Json* json, bool named, int depth) {
    json->kind = named ? Json::Kind::object : Json::Kind::array;
    const char close = named ? '}' : ']';
    if (take(close)) return true;
    do {
      JsonMember& member = json->members.emplace_back();
      if (named && (!take('"') || !string(&member.name) || !take(':'))) return false;
      if (!value(&member.value, depth + 1)) return false;
    } while (take(','));
    return take(close);
  }

  bool string(std::string* out) {
    out->clear();
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c != '\\') {
        *out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  // Leaves at_ at its last character.
  bool escape(std::string* out) {
    constexpr std::string_view kNames = "bfnrt", kMeant = "\b\f\n\r\t";
    if (++at_ >= text_.size()) return false;
    const char c = text_[at_];
    if (c != 'u') {
      const size_t name = kNames.find(c);
      *out += name == kNames.npos ? c : kMeant[name];
      return true;
    }
    constexpr size_t kDigits = 4;
    if (at_ + kDigits >= text_.size()) return false;
    uint32_t code = 0;
    for (size_t i = 1; i <= kDigits; ++i) {
      const size_t digit = std::string_view("0123456789abcdefABCDEF").find(text_[at_ + i]);
      if (digit == std::string_view::npos) return false;
      code = code << 4 | uint32_t(digit > 15 ? digit - 6 : digit);
    }
    put_utf8(code, out);
    at_ += kDigits;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
  if (kind == Kind::object)
    for (const JsonMember& member : members)
      if (member.name == name) return &member.value;
  return nullptr;
}
Json* Json::find(std::string_view name) { return const_cast<Json*>(std::as_const(*this).find(name)); }

Json::Json(Kind its_kind, std::string its_text) : kind(its_kind), text(std::move(its_text)) {}
Json::~Json() = default;
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;

Json Json::array(std::vector<Json> items) {
  Json made(Kind::array, "");
  for (Json& item : items) made.members.push_back({"", std::move(item)});
  return made;
}
Json Json::object(std::vector<JsonMember> members) {
  Json made(Kind::object, "");
  made.members = std::move(members);
  return made;
}

bool read_json(std::string_view text, Json* json) {
  *json = Json();
  return JsonReader(text).whole(json);
}

std::string write_json(const Json& json) {
  if (json.kind == Json::Kind::word) return json.text;
  if (json.kind == Json::Kind::string) return io::json_string(json.text);
  const bool named = json.kind == Json::Kind::object;
  std::string out = named ? "{" : "[";
  for (const JsonMember& member : json.members) {
    if (out.size() > 1) out += ',';
    if (named) out += io::json_string(member.name) + ":";
    out += write_json(member.value);
  }
  return out + (named ? '}' : ']');
}

std::vector<Json*> all_of(Json* json) {
  std::vector<Json*> all = {json};
  for (size_t i = 0; i < all.size(); ++i)
    for (JsonMember& member : all[i]->members) all.push_back(&member.value);
  return all;
}

}  // namespace kiln::fuzz
