#include <kiln/models/family.h>

#include <algorithm>

#include <kiln/models/registry.h>

namespace kiln::nn::models {

void leave_out_aux(Module& net, StateDict& state) {
  const auto family = family_of(net);
  if (!family) return;
  const std::vector<NamedModule> children = net.named_children();
  std::vector<std::string> absent;
  for (const std::string& head : family->heads) {
    const std::string child = head.substr(0, head.find('.'));
    if (std::ranges::none_of(children, [&](const NamedModule& known) { return known.name == child; }))
      absent.push_back(child + ".");
  }
  std::vector<StateDict::Entry> kept;
  for (const StateDict::Entry& entry : state)
    if (std::ranges::none_of(absent, [&](const std::string& start) { return entry.name.starts_with(start); }))
      kept.push_back(entry);
  state = StateDict(std::move(kept));
}

}  // namespace kiln::nn::models
