#pragma once

#include <map>
#include <optional>
#include <unordered_map>

#include <kiln/autograd/listener.h>
#include <kiln/profile/device_times.h>
#include <kiln/profile/profile.h>
#include <kiln/profile/work.h>

// Internal: what a Session collects.

namespace kiln::profile {

using TextId = int32_t;

// Each text once.
class Texts {
 public:
  TextId id(std::string_view text);
  const std::string& operator[](TextId id) const { return *texts_[size_t(id)]; }

 private:
  std::unordered_map<std::string, TextId> ids_;
  std::vector<const std::string*> texts_;
};

enum class Kind : uint8_t { op, backward_op, range };

// Nanoseconds.
struct Totals {
  int64_t calls = 0, total = 0, own = 0, device_total = 0, device_own = 0;
  Work work;
};
struct ModuleTotals {
  int64_t calls = 0, host[2] = {0, 0}, device[2] = {0, 0};  // [forward, backward]
  Work work;
};

// One call, for the trace.
struct Event {
  Kind kind;
  TextId name, path, detail;
  int lane;
  int64_t start, duration;
  int device = -1;  // a GPU's index
  int64_t device_start = 0, device_duration = 0;
};

class Recorder final : public autograd::Listener {
 public:
  explicit Recorder(const Options& options);
  ~Recorder() override;

  void begin(const autograd::OpCall& call) override;
  void end(const autograd::OpCall& call) override;
  uint64_t begin_range(std::string_view name, std::string_view part);
  void end_range(uint64_t token, int64_t time);
  void stop();

  // Once it has stopped.
  Texts texts;
  std::map<std::pair<TextId, Kind>, Totals> rows;
  std::map<TextId, ModuleTotals> modules;
  std::vector<Event> events;
  std::map<int, std::string> lanes;  // names of threads
  int64_t started = 0, stopped = 0, left_out = 0;
  bool used_device = false;
  Device device;  // that most was timed on last

 private:
  struct Frame {
    Kind kind;
    TextId name, path;
    uint64_t token;
    int64_t start = 0, inside = 0;  // nanoseconds; those of the calls inside
    int64_t timed = -1;
    Work work_inside;
  };
  struct Lane {
    int number;
    Device device;  // where its ops seem to run
    std::vector<Frame> open;
  };
  // A call that is timed on a device.
  struct Timed {
    Kind kind;
    TextId name, path;
    Device device;
    int64_t parent, begin, end = -1, inside = 0, event = -1;
    bool outermost = false;
  };
  // What a node's op ran in. A node's memory may be another's later: then name or rank tell, or the op that
  // made it has written here.
  struct Origin {
    const char* name;
    uint64_t rank;
    TextId path;
  };

  Lane& lane();
  Frame& open(Lane& lane, Kind kind, TextId name, TextId path);
  void close(Lane& lane, size_t depth, int64_t time, Work work, Device device, std::string_view detail);
  TextId path_of(const autograd::OpCall& call);
  void remember(const autograd::OpCall& call, TextId path);
  void finish(int64_t timed, bool outermost, Device device, int64_t event);
  void read_device();

  Options options_;
  std::unordered_map<int, Lane> lanes_;
  std::unordered_map<const autograd::Node*, Origin> origins_;
  Box<DeviceTimes> times_;
  std::vector<Timed> timed_;
  std::vector<int64_t> ended_;  // of timed_, in order: what is inside another comes before it
  int64_t open_timed_ = 0;
  uint64_t tokens_ = 0;
  std::optional<autograd::Listen> listen_;
};

}  // namespace kiln::profile
