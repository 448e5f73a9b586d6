#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "support/fork.h"
#include "support/skip.h"
#include "threads/together.h"

using namespace kiln;
using namespace kiln::test;

namespace {

// Forward and backward through oneDNN and Kiln's own kernels, on all threads.
std::vector<float> compute() {
  manual_seed(5);
  ConvNet net;
  const Tensor x = randn({16, 3, 12, 12});
  const Tensor loss = net(x).sum() + randn({300, 300}).matmul(randn({300, 300})).sum() * 1e-6;
  loss.backward();
  std::vector<float> numbers = net.conv1.weight.grad().to_vector<float>();
  numbers.push_back(loss.item<float>());
  return numbers;
}

// Whether a child of this process computes `want`. It has half a minute.
bool child_computes(const std::vector<float>& want, pid_t (*make_child)() = fork) {
  const pid_t child = make_child();
  if (child == 0) {
    alarm(30);
    _exit(compute() == want ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a child after fork computes, and gets its parent's numbers") {
  const std::vector<float> want = compute();
  CHECK(child_computes(want, fork_at_rest));
  CHECK(compute() == want);
}

TEST_CASE("a child computes although other threads did so at the fork") {
  if (kUnderAddressSanitizer)
    return skip("what locks AddressSanitizer's heap has at a fork (GCC 12's), its child keeps for ever");
  constexpr int kChildren = kUnderThreadSanitizer ? 3 : 20;
  const std::vector<float> want = compute();
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    ConvNet net;
    for (int64_t i = 0; !stop; ++i) net(ones({1 + i % 8, 3, 12, 12})).sum().backward();
  });
  int right = 0;
  for (int i = 0; i < kChildren; ++i) right += child_computes(want);
  stop = true;
  busy.join();
  CHECK(right == kChildren);
}
