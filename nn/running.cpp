#include <kiln/nn/running.h>

#include <algorithm>
#include <atomic>

#include <kiln/nn/members.h>
#include <kiln/tensor/fail.h>

namespace kiln::nn {

// Kept apart from Module, because few modules have any.
struct Hooks {
  template <class F>
  struct Entry {
    int64_t id;
    F hook;
  };
  std::vector<Entry<ForwardPreHook>> before;
  std::vector<Entry<ForwardHook>> after;

  static Hooks& of(Module& module) {
    if (!module.hooks_) module.hooks_ = make_box<Hooks>();
    return *module.hooks_;
  }
  // A copy, because a hook may remove hooks.
  static Hooks copy_of(const Module& module) { return module.hooks_ ? *module.hooks_ : Hooks(); }
  // Never the same twice, so that an old number removes nothing new.
  static int64_t next_id() {
    static std::atomic<int64_t> last = 0;
    return ++last;
  }
};

Module::Module() {
  // The first module of a program makes errors name the module that runs.
  [[maybe_unused]] static const bool installed =
      (kiln::detail::current_module_path = &detail::running_path, true);
}
Module::Module(const Module& other) : training_(other.training_) {}
Module::Module(Module&&) noexcept = default;
Module& Module::operator=(const Module& other) {
  training_ = other.training_;
  return *this;
}
Module& Module::operator=(Module&&) noexcept = default;
Module::~Module() = default;

int64_t Module::register_forward_pre_hook(ForwardPreHook hook) {
  Hooks& hooks = Hooks::of(*this);
  hooks.before.push_back({Hooks::next_id(), std::move(hook)});
  return hooks.before.back().id;
}

int64_t Module::register_forward_hook(ForwardHook hook) {
  Hooks& hooks = Hooks::of(*this);
  hooks.after.push_back({Hooks::next_id(), std::move(hook)});
  return hooks.after.back().id;
}

void Module::remove_hook(int64_t id) {
  const auto has_id = [id](const auto& entry) { return entry.id == id; };
  if (!hooks_ || std::erase_if(hooks_->before, has_id) + std::erase_if(hooks_->after, has_id) == 0)
    fail("remove_hook: {} has no hook {}", type_name(), id);
  if (hooks_->before.empty() && hooks_->after.empty()) hooks_ = nullptr;
}

namespace detail {
namespace {

constinit thread_local const Running* innermost = nullptr;

// "layer1.0" for a module below `caller`; its class for another one.
std::string name_below(Module& caller, const Module& module) {
  std::string found;
  walk(caller, "", [&](const std::string& path, Module& candidate, const Members&) {
    if (&candidate == &module && found.empty()) found = path;
  });
  return found;
}

}  // namespace

Running::Running(Module& module, size_t size) : module_(module), size_(size), caller_(innermost) {
  if (!module.placed_) check_place();
  innermost = this;
}

Running::~Running() { innermost = caller_; }

void Running::check_place() {
  module_.placed_ = true;
  if (caller_ == nullptr) return;
  const auto address = reinterpret_cast<uintptr_t>(&module_);
  const auto start = reinterpret_cast<uintptr_t>(&caller_->module_);
  if (address < start || address >= start + caller_->size_) return;
  if (&module_ == &caller_->module_ || !name_below(caller_->module_, module_).empty()) return;
  module_.placed_ = false;
  fail("{}: its member {} is not listed in NN_MEMBERS, so it would not be trained or saved; add it there",
       caller_->module_.type_name(), to_string(module_));
}

std::string running_path() {
  std::vector<Module*> modules;
  for (const Running* running = innermost; running != nullptr; running = running->caller_)
    modules.insert(modules.begin(), &running->module_);
  std::string path;
  for (size_t i = 1; i < modules.size(); ++i) {
    if (modules[i] == modules[i - 1]) continue;
    const std::string name = name_below(*modules[i - 1], *modules[i]);
    path = join(path, name.empty() ? modules[i]->type_name() : name);
  }
  return path.empty() && !modules.empty() ? modules[0]->type_name() : path;
}

void run_forward_pre_hooks(Module& module, Tensors& inputs) {
  const auto hooks = Hooks::copy_of(module).before;
  const size_t count = inputs.size();
  for (const auto& entry : hooks) entry.hook(module, inputs);
  if (inputs.size() != count)
    fail("forward pre hook: {} is called with {} tensors, the hook left {}", module.type_name(), count,
         inputs.size());
}

void run_forward_hooks(Module& module, const Tensors& inputs, Tensors& outputs) {
  const auto hooks = Hooks::copy_of(module).after;
  const size_t count = outputs.size();
  for (const auto& entry : hooks) entry.hook(module, inputs, outputs);
  if (outputs.size() != count)
    fail("forward hook: {} returns {} tensors, the hook left {}", module.type_name(), count, outputs.size());
}

}  // namespace detail
}  // namespace kiln::nn
