#include <algorithm>
#include <unordered_set>

#include <kiln/nn/weights_place.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/surgery.h>

namespace kiln::nn::detail {
namespace {

// Networks that were trained in a wrapper have a prefix before all names.
constexpr const char* kPrefixes[] = {"", "module.", "model.", "_orig_mod."};

}  // namespace

WeightsPlace find_place(const Module& module, const Value& value) {
  std::unordered_set<std::string> names;
  for (const auto& [name, tensor] : module.state_dict()) names.insert(name);
  WeightsPlace best{.wanted = names.size()};
  for (const std::string& path : find_weights(value))
    for (const char* prefix : kPrefixes) {
      WeightsPlace here{.path = path, .prefix = prefix, .wanted = names.size()};
      for (const auto& [key, child] : (path.empty() ? value : value.at(path)).entries())
        if (key.is_text() && child.is_tensor() && key.text().starts_with(prefix))
          here.found += names.count(key.text().substr(here.prefix.size()));
      if (here.found > best.found) best = std::move(here);
    }
  return best;
}

StateDict weights_for(const Module& module, const Value& value) {
  const auto is_weight = [](const Value::Entry& entry) {
    return entry.value.is_tensor() && entry.key.is_text();
  };
  if ((value.is_dict() || value.is_object()) && std::ranges::all_of(value.entries(), is_weight))
    return value.as_state_dict();
  const WeightsPlace best = find_place(module, value);
  if (best.found == 0)
    fail("load_state_dict: this is {}, not the weights of {}, and none of its {} names is in it{}",
         value.is_dict() ? fmt::format("a dict of {}", value.size()) : to_string(value), module.type_name(),
         best.wanted, where_weights_are(value));
  const std::string place = best.path.empty() ? "/" : best.path;
  std::string call = fmt::format("weights_of(value, \"{}\")", place), behind;
  if (!best.prefix.empty()) {
    call = fmt::format("strip_prefix({}, \"{}\")", call, best.prefix);
    behind = fmt::format(" behind '{}'", best.prefix);
  }
  fail(
      "load_state_dict: this is a whole checkpoint, not the weights of {}; '{}' in it has {} of {} names{}: "
      "give {}",
      module.type_name(), place, best.found, best.wanted, behind, call);
}

}  // namespace kiln::nn::detail
