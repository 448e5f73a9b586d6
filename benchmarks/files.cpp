#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <kiln/io/load.h>
#include <kiln/kiln.h>

// Reading and writing of files beside torch.load and torch.save: files WORKLOAD SECONDS FOLDER prints seconds
// a step (the median), the bytes of tensors that a step moves, and by how many bytes the first step made the
// process grow. FOLDER holds what files_peer.py made. Memory that one load gives back serves the next.

using namespace kiln;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int64_t kTensors = 100, kBytes = int64_t(1) << 20;  // of the large file: 100 MB
constexpr int64_t kSmallTensors = 5000, kSmallBytes = 4096;

Value tensors(int64_t count, int64_t bytes) {
  Value state = Value::dict();
  for (int64_t i = 0; i < count; ++i)
    state[fmt::format("layers.{}.weight", i)] = full({bytes / 1024, 256}, float(i));
  return state;
}

using Step = std::function<void()>;

Step list(const std::string& path) {
  return [path] {
    const Value value = io::load(path, {.verify = false, .map = true});
    if (to_string(value).empty()) std::abort();
  };
}
Step read(const std::string& path, bool map = false) {
  return [=] {
    const Value value = io::load(path, {.verify = !map, .map = map});
    if (value.size() == 0) std::abort();
  };
}
Step write(const std::string& path, int64_t count, int64_t bytes) {
  return [path, value = tensors(count, bytes)] { io::save(path, value); };
}

// As files_peer.py makes its own. Another process writes the file: this one's memory is measured.
Step read_own(const std::string& path, int64_t count, int64_t bytes) {
  const pid_t child = ::fork();
  if (child == 0) {
    io::save(path, tensors(count, bytes));
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return read(path);
}

struct Workload {
  const char* name;
  int64_t bytes;  // that a step holds; 0: none
  Step (*make)(const std::string& folder);
};
constexpr int64_t kLarge = kTensors * kBytes, kSmall = kSmallTensors * kSmallBytes;
constexpr Workload kWorkloads[] = {
    {"list_pth", 0, [](const std::string& in) { return list(in + "/large.pth"); }},
    {"read_pth", kLarge, [](const std::string& in) { return read(in + "/large.pth"); }},
    {"read_legacy", kLarge, [](const std::string& in) { return read(in + "/legacy.pth"); }},
    {"read_safetensors", kLarge,
     [](const std::string& in) { return read_own(in + "/x.safetensors", kTensors, kBytes); }},
    {"read_kiln", kLarge, [](const std::string& in) { return read_own(in + "/x.kiln", kTensors, kBytes); }},
    {"open_small_pth", 0, [](const std::string& in) { return read(in + "/small.pth", true); }},
    {"read_small_pth", kSmall, [](const std::string& in) { return read(in + "/small.pth"); }},
    {"write_pth", 0, [](const std::string& in) { return write(in + "/out.pth", kTensors, kBytes); }},
    {"write_safetensors", 0,
     [](const std::string& in) { return write(in + "/out.safetensors", kTensors, kBytes); }},
    {"write_kiln", 0, [](const std::string& in) { return write(in + "/out.kiln", kTensors, kBytes); }},
    {"write_small_pth", 0,
     [](const std::string& in) { return write(in + "/out.pth", kSmallTensors, kSmallBytes); }},
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t peak_bytes() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4)
    for (const Workload& workload : kWorkloads)
      if (workload.name == std::string_view(argv[1])) {
        const double seconds = std::atof(argv[2]);
        const Step step = workload.make(argv[3]);
        const int64_t before = peak_bytes();
        step();
        const int64_t grown = peak_bytes() - before;
        step();
        std::vector<double> times;
        for (const auto start = Clock::now(); seconds_since(start) < seconds || times.size() < 5;) {
          const auto begin = Clock::now();
          step();
          times.push_back(seconds_since(begin));
        }
        std::ranges::nth_element(times, times.begin() + int64_t(times.size() / 2));
        fmt::print("{} {} {}\n", times[times.size() / 2], workload.bytes, grown);
        return 0;
      }
  fmt::print(stderr, "usage: files WORKLOAD SECONDS FOLDER\n");
  return 1;
}
