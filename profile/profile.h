#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <kiln/tensor/base/box.h>
#include <kiln/tensor/base/range.h>
#include <kiln/tensor/device/device.h>

// Where the time goes: by op, by module, by named range, and as a trace file.

namespace kiln::profile {

class Recorder;

struct Options {
  // Keep each call for write_trace, up to this many; tables count on beyond. 0: tables only.
  int64_t trace_events = 1'000'000;
  // On CUDA: times of the device by events beside each op.
  bool device_times = true;
  // On CUDA: ops and ranges as NVTX ranges, for Nsight Systems.
  bool nvtx = true;
};

// What an op, a module or a range took. Times are seconds; `own` is without the ops and ranges inside.
struct Row {
  std::string name;
  bool backward = false;  // of an op: it computed a gradient
  int64_t calls = 0;      // of a module: calls of ops
  double total = 0, own = 0;
  double device_total = 0, device_own = 0;  // on a GPU
  double own_in_forward = 0,
         own_in_backward = 0;   // of a module: its own ops' time, that of the device where they ran there
  int64_t bytes = 0, flop = 0;  // see docs/profiling.md; not those of the ops inside
};

// What this machine reaches with every compute thread, or a GPU: products and sums of float32 a second in
// registers (a GPU: in the fastest of its large matrix products), and bytes read and written a second in a
// copy. Measured when first asked for, some 50 ms.
struct Peak {
  double flops = 0, bandwidth = 0;
};
Peak measured_peak(Device device);

// Records all ops and ranges of all threads while it lives, or until stop().
//
//     profile::Session session;
//     for (const data::Batch& sample : loader) {
//       const profile::Range range("step");
//       cross_entropy(net(sample[0]), sample[1]).backward();
//     }
//     session.stop();
//     std::puts(session.table().c_str());
//     session.write_trace("trace.json");
//
// One at a time: another throws Error. Reading stops it.
class Session {
 public:
  explicit Session(const Options& options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Waits for the GPUs that were timed. Once is enough.
  void stop();

  double seconds() const;  // from the start to stop()
  // Each sorted by own time, the longest first (modules by path).
  std::vector<Row> ops();
  std::vector<Row> modules();  // total: with the modules inside; "" for ops outside of any
  std::vector<Row> ranges();

  // ops, modules and ranges as text, at most `rows` of each, with their share of measured_peak.
  std::string table(int64_t rows = 30);
  // A file in Chrome's trace format, which Perfetto (ui.perfetto.dev) and chrome://tracing show: a lane a
  // thread, and one a GPU; shapes, module path and node beside each op. Creates the folder. Throws Error when
  // it cannot be written.
  void write_trace(const std::string& path);

 private:
  Box<Recorder> recorder_;
};

}  // namespace kiln::profile
