#include <kiln/kernels/base/cpu/onednn_threads.h>

#include <dlfcn.h>

#include <atomic>
#include <utility>

#include <kiln/kernels/base/cpu/imports.h>
#include <kiln/kernels/base/cpu/pool.h>

namespace kiln::kernels::onednn {
namespace {

// What this thread's scope allows; 0 outside.
constinit thread_local int allowed = 0;

bool ours() { return allowed != 0 || pool::inside(); }

// OpenMP's own, for oneDNN's other users in this process and for a oneDNN whose imports cannot be replaced;
// found at run time, so that Kiln needs no OpenMP of its own.
struct Runtime {
  void (*parallel)(void (*)(void*), void*, unsigned, unsigned);
  void (*barrier)();
  int (*max_threads)();
  int (*num_threads)();
  int (*thread_num)();
  int (*in_parallel)();
  void (*set_num_threads)(int);
};
Runtime runtime;

void parallel(void (*task)(void*), void* data, unsigned threads, unsigned flags) {
  if (!ours()) return runtime.parallel(task, data, threads, flags);
  pool::run(threads == 0 ? allowed : int(threads), task, data, pool::Busy::wait);
}
void barrier() { ours() ? pool::barrier() : runtime.barrier(); }
int max_threads() {
  if (!ours()) return runtime.max_threads();
  return allowed != 0 ? allowed : 1;
}
int num_threads() { return ours() ? pool::members() : runtime.num_threads(); }
int thread_num() { return ours() ? pool::member() : runtime.thread_num(); }
int in_parallel() { return ours() ? int(pool::inside()) : runtime.in_parallel(); }

template <class F>
void find(const char* name, F*& function) {
  function = reinterpret_cast<F*>(dlsym(RTLD_DEFAULT, name));
}

template <class F>
Import replaced(const char* name, F* with, F*& original) {
  find(name, original);
  return {name, reinterpret_cast<void*>(with), reinterpret_cast<void*>(original)};
}

// Lasts until a library that holds Kiln is unloaded: then oneDNN, which others may use, calls OpenMP again.
class Replacement {
 public:
  Replacement()
      : imports_{replaced("GOMP_parallel", parallel, runtime.parallel),
                 replaced("GOMP_barrier", barrier, runtime.barrier),
                 replaced("omp_get_max_threads", max_threads, runtime.max_threads),
                 replaced("omp_get_num_threads", num_threads, runtime.num_threads),
                 replaced("omp_get_thread_num", thread_num, runtime.thread_num),
                 replaced("omp_in_parallel", in_parallel, runtime.in_parallel)} {
    find("omp_set_num_threads", runtime.set_num_threads);
    holds = replace_imports(dlsym(RTLD_DEFAULT, kCode), imports_);
  }
  ~Replacement() {
    if (!holds) return;
    for (Import& import : imports_) std::swap(import.function, import.original);
    replace_imports(dlsym(RTLD_DEFAULT, kCode), imports_);
    holds = false;
  }

  static inline constinit std::atomic<bool> holds = false;

 private:
  static constexpr const char* kCode = "dnnl_primitive_execute";  // some function of oneDNN's
  Import imports_[6];
};

}  // namespace

bool uses_pool() {
  static const Replacement replacement;
  return Replacement::holds;
}

ThreadsScope::ThreadsScope(const CpuContext& ctx) : before_(allowed) {
  if (uses_pool()) {
    allowed = ctx.threads;
  } else if (runtime.max_threads != nullptr && runtime.set_num_threads != nullptr) {
    before_ = runtime.max_threads();
    if (before_ != ctx.threads) runtime.set_num_threads(ctx.threads);
  }
}

ThreadsScope::~ThreadsScope() {
  if (uses_pool())
    allowed = before_;
  else if (runtime.max_threads != nullptr && runtime.set_num_threads != nullptr &&
           before_ != runtime.max_threads())
    runtime.set_num_threads(before_);
}

}  // namespace kiln::kernels::onednn
