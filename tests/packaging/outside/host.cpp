#include <dlfcn.h>

#include <cstdint>
#include <cstdio>

// host PLUGIN: opens the plugin as a program does that knows nothing of Kiln.

int main(int, char** arguments) {
  void* plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  const auto total = reinterpret_cast<float (*)(std::int64_t)>(dlsym(plugin, "kiln_plugin_total"));
  return total(1000) == 1000 ? 0 : 1;
}
