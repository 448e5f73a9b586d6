#include <kiln/models/load_weights.h>

#include <algorithm>

#include <kiln/models/models.h>
#include <kiln/nn/init.h>
#include <kiln/nn/weights_place.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/value/surgery.h>

namespace kiln::nn::models {

namespace {

bool takes(const Family& family, const char* option) {
  return std::ranges::find(family.options, option) != family.options.end();
}

AnyModule unwritten(const Registered& model, const ModelOptions& options) {
  const init::Skip skip;
  return make(model, options);
}

// The network's weights in a file of any structure.
StateDict weights_in(const Value& value, const AnyModule& net, const Registered& model,
                     const std::string& path) {
  const detail::WeightsPlace place = detail::find_place(net, value);
  if (place.found == 0)
    fail("create: '{}' holds nothing of {}: none of its {} names is there{}", path, model.builder.name,
         place.wanted, where_weights_are(value));
  return strip_prefix(weights_of(value, place.path), place.prefix);
}

std::optional<int64_t> classes_in(const StateDict& state, const Family& family) {
  if (family.heads.empty()) return {};
  const Tensor* bias = state.find(family.heads[0] + ".bias");
  const Tensor* weight = state.find(family.heads[0] + ".weight");
  const Tensor* found = bias != nullptr ? bias : weight;
  if (found == nullptr || !found->defined() || found->dim() == 0) return {};
  return found->size(0);
}

// What the options leave open, the file tells: how many classes, and whether there are heads in the middle.
// True when the network has to be made again.
bool read_off(ModelOptions& options, const StateDict& state, const Family& family) {
  const ModelOptions given = options;
  if (!options.num_classes) options.num_classes = classes_in(state, family);
  if (takes(family, "aux_logits") && !options.aux_logits && family.heads.size() > 1) {
    const std::string& head = family.heads[1];
    const std::string start = head.substr(0, head.find('.') + 1);
    options.aux_logits = std::ranges::any_of(
        state, [&](const StateDict::Entry& entry) { return entry.name.starts_with(start); });
  }
  return !(to_value(options) == to_value(given));
}

const std::string* head_of(const Family& family, const std::string& name) {
  const auto found = std::ranges::find_if(family.heads, [&](const std::string& head) {
    return name == head + ".weight" || name == head + ".bias";
  });
  return found == family.heads.end() ? nullptr : &*found;
}

[[noreturn]] void fail_misfit(const Registered& model, const LoadResult& result, const std::string& path) {
  std::string owner;
  const bool published = find_published(path, &owner).has_value();
  fail("create: the weights of '{}' do not fit {}{}: {}", path, model.builder.name,
       published && owner != model.builder.name ? fmt::format(" (they are published for {})", owner) : "",
       to_string(result));
}

// A head for another number of classes.
bool is_resized_head(const Family& family, const ShapeMismatch& mismatch) {
  Shape expected = mismatch.expected;
  if (head_of(family, mismatch.name) == nullptr || expected.rank() == 0 ||
      expected.rank() != mismatch.found.rank())
    return false;
  expected[0] = mismatch.found[0];
  return expected == mismatch.found;
}

// Loads all but heads of another size, which get new values; gives the names of these.
std::vector<std::string> load_all(Module& net, const StateDict& state, const Registered& model,
                                  const std::string& path, bool new_head) {
  LoadResult result = net.load_state_dict(state, {.strict = false, .assign = true});
  net.to(factory_device());  // where a new one would be
  std::vector<std::string> fresh;
  std::erase_if(result.mismatched_keys, [&](const ShapeMismatch& mismatch) {
    if (!new_head || !is_resized_head(*model.family, mismatch)) return false;
    fresh.push_back(mismatch.name);
    return true;
  });
  if (!result.ok()) fail_misfit(model, result, path);
  for (auto& [name, module] : net.named_modules())
    if (std::ranges::find(fresh, name + ".weight") != fresh.end()) module.reset_parameters();
  return fresh;
}

}  // namespace

Model create_with_weights(const Registered& model, ModelOptions options, const Value& value,
                          const std::string& path) {
  const Family& family = *model.family;
  if (const auto published = find_published(path)) {
    if (takes(family, "image_size") && !options.image_size) options.image_size = published->preset.crop;
    if (family.for_published) family.for_published(options);
  }
  options.weights.clear();
  const bool new_head = options.num_classes.has_value();
  AnyModule net = unwritten(model, options);
  StateDict state = weights_in(value, net, model, path);
  if (read_off(options, state, family)) net = unwritten(model, options);
  if (family.adapt) family.adapt(net, state);
  Card card;
  card.architecture = model.builder.name;
  card.options = options;
  Model result(std::move(net), std::move(card));
  result.new_parameters = load_all(result, state, model, path, new_head);
  return result;
}

}  // namespace kiln::nn::models
