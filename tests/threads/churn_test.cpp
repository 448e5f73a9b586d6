#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include <kiln/kernels/base/primitives.h>
#include <kiln/tensor/cpu/allocator.h>

#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;

namespace {

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int threads_of_process() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  return 0;
}

struct Held {
  int64_t cached, resident, primitives;
  int threads;
};
Held held() {
  return {host::memory_statistics().held_bytes, resident_bytes(), kernels::primitives_created(),
          threads_of_process()};
}

}  // namespace

TEST_CASE("a program with a thread for each request holds after many what it held after a few") {
  constexpr int kFew = 100, kMany = kUnderThreadSanitizer ? 300 : 10'000, kAtOnce = 4;
  manual_seed(4);
  ConvNet net;
  net.eval();
  const Tensor x = randn({1, 3, 12, 12});
  const auto request = [&] {
    const NoGrad scope;
    net(x);
  };
  const auto requests = [&](int count) {
    for (int done = 0; done < count; done += kAtOnce) together(kAtOnce, [&](int) { request(); });
  };
  host::empty_cache();
  const Held none = held();
  std::thread(request).join();
  const Held one = held();
  requests(kFew);
  const Held few = held();
  requests(kMany - kFew);
  const Held many = held();
  // As many blocks of a size as were ever used at once, and a request never uses more of them than the first.
  CHECK(many.cached <= none.cached + kAtOnce * (one.cached - none.cached));
  CHECK(many.primitives == few.primitives);
  CHECK(many.threads == few.threads);
  // AddressSanitizer keeps what was freed, to find who still looks at it.
  if (!kUnderThreadSanitizer && !kUnderAddressSanitizer) CHECK(many.resident < few.resident + (4 << 20));
}
