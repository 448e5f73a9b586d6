#include <kiln/nn/running.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include <kiln/nn/members.h>
#include <kiln/nn/own_memory.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

// Kept apart from Module, because few modules have any. A hook is one object for as long as it is registered,
// and while it runs, so that what it keeps stays; a call runs those that there were when it began.
struct Hooks {
  template <class F>
  struct Entry {
    int64_t id;
    std::shared_ptr<const F> hook;
  };
  std::vector<Entry<ForwardPreHook>> before;
  std::vector<Entry<ForwardHook>> after;

  static Hooks& of(Module& module) {
    if (!module.hooks_) module.hooks_ = make_box<Hooks>();
    return *module.hooks_;
  }
  static Hooks now(const Module& module) { return module.hooks_ ? *module.hooks_ : Hooks(); }
  template <class F>
  static int64_t add(std::vector<Entry<F>>& list, F hook) {
    list.push_back({next_id(), std::make_shared<const F>(std::move(hook))});
    return list.back().id;
  }
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
  return Hooks::add(Hooks::of(*this).before, std::move(hook));
}

int64_t Module::register_forward_hook(ForwardHook hook) {
  return Hooks::add(Hooks::of(*this).after, std::move(hook));
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
std::string name_below(const Module& caller, const Module& module) {
  std::string found;
  walk(visitable(caller), "", [&](const std::string& path, Module& candidate, const Members&) {
    if (&candidate == &module && found.empty()) found = path;
  });
  return found;
}

}  // namespace

Running::Running(Entered, const Module& module, const void* object, size_t size)
    : module_(module), object_(object), size_(size), caller_(innermost) {
  innermost = this;
}

// Two constructors, so that an error leaves through the destructor.
Running::Running(const Module& module, const void* object, size_t size)
    : Running(Entered(), module, object, size) {
  if (!__atomic_load_n(&module.checked_, __ATOMIC_RELAXED)) check();
}

Running::~Running() { innermost = caller_; }

void Running::check() {
  OwnMemory(module_, object_, size_).check();
  // What came into the caller's memory after its own first call.
  if (const uintptr_t offset = caller_ == nullptr ? UINTPTR_MAX
                                                  : reinterpret_cast<uintptr_t>(&module_) -
                                                        reinterpret_cast<uintptr_t>(caller_->object_);
      offset != UINTPTR_MAX && offset < caller_->size_) {
    const OwnMemory memory(caller_->module_, caller_->object_, caller_->size_);
    if (memory.forgets(module_)) memory.fail_unlisted("member", to_string(module_));
  }
  __atomic_store_n(&const_cast<Module&>(module_).checked_, true, __ATOMIC_RELAXED);
}

std::string running_path() {
  std::vector<const Module*> modules;
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
  const auto hooks = Hooks::now(module).before;
  const size_t count = inputs.size();
  for (const auto& entry : hooks) (*entry.hook)(module, inputs);
  if (inputs.size() != count)
    fail("forward pre hook: {} is called with {} tensors, the hook left {}", module.type_name(), count,
         inputs.size());
}

void run_forward_hooks(Module& module, const Tensors& inputs, Tensors& outputs) {
  const auto hooks = Hooks::now(module).after;
  const size_t count = outputs.size();
  for (const auto& entry : hooks) (*entry.hook)(module, inputs, outputs);
  if (outputs.size() != count)
    fail("forward hook: {} returns {} tensors, the hook left {}", module.type_name(), count, outputs.size());
}

}  // namespace detail
}  // namespace kiln::nn
