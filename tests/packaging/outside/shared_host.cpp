#include <dlfcn.h>

#include <cstdio>

#include <kiln/kiln.h>

// shared_host PLUGIN: a program and its plugin, both linked to shared libraries of Kiln, see one Kiln: what
// is kept for each thread, the default generator, and the type of errors.

using namespace kiln;

namespace {

template <class F>
F* symbol(void* library, const char* name) {
  return reinterpret_cast<F*>(dlsym(library, name));
}

bool check(bool right, const char* what) {
  if (!right) std::fprintf(stderr, "two copies: %s\n", what);
  return right;
}

}  // namespace

int main(int, char** arguments) {
  void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;

  const auto records = symbol<bool()>(plugin, "kiln_plugin_records");
  bool right = check(records(), "grad mode");
  {
    const NoGrad guard;
    right &= check(!records(), "grad mode under NoGrad");
  }

  manual_seed(7);
  rand({1});
  const float second = rand({1}).item<float>();
  manual_seed(7);
  rand({1});
  float drawn = 0;
  symbol<void(float*)>(plugin, "kiln_plugin_random")(&drawn);
  right &= check(drawn == second, "the default generator");

  try {
    symbol<void()>(plugin, "kiln_plugin_throws")();
    right &= check(false, "no error");
  } catch (const Error&) {
  } catch (...) {
    right &= check(false, "the type of errors");
  }
  return right ? 0 : 1;
}
