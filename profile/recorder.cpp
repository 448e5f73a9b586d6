#include <kiln/profile/recorder.h>

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include <kiln/autograd/creator.h>
#include <kiln/autograd/node.h>
#include <kiln/tensor/base/build_config.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::profile {

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

TextId Texts::id(std::string_view text) {
  const auto [at, added] = ids_.try_emplace(std::string(text), TextId(texts_.size()));
  if (added) texts_.push_back(&at->first);
  return at->second;
}

namespace {

// Calls on a device whose times are not yet counted, unless one is open.
constexpr size_t kMostEnded = 8192;

std::mutex mutex;             // of all that recorders hold
Recorder* current = nullptr;  // under `mutex`
uint64_t sessions = 0;        // tokens of ranges hold the number of their session

constexpr int kTokenBits = 40;

int thread_number() {
  static std::atomic<int> last = 0;
  static thread_local const int number = ++last;
  return number;
}

std::string thread_name(int number) {
  char name[32] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  return fmt::format("thread {} ({})", number, name);
}

uint64_t begin_any_range(std::string_view name, std::string_view part) {
  const std::lock_guard lock(mutex);
  return current == nullptr ? 0 : current->begin_range(name, part);
}

void end_any_range(uint64_t token) {
  const int64_t time = now();
  const std::lock_guard lock(mutex);
  if (current != nullptr && token >> kTokenBits == sessions) current->end_range(token, time);
}

constexpr detail::RangeFunctions kRangeFunctions{begin_any_range, end_any_range};

// "x [64,3,32,32] float32, weight [32,3,5,5] float32, stride=[1,1]"
std::string detail_of(const autograd::OpCall& call) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const autograd::NamedOperand& operand : call.operands)
    if (operand.tensor.defined())
      add(fmt::format("{} {} {}", operand.name, to_string(operand.tensor.shape()),
                      name_of(operand.tensor.dtype())));
  for (const autograd::Attribute& attribute : call.attributes) add(autograd::to_string(attribute));
  if (call.failed) add("failed");
  return text;
}

Device device_of(const autograd::OpCall& call) {
  for (const Tensor& y : call.results)
    if (y.defined() && y.device().is_cuda()) return y.device();
  for (const autograd::NamedOperand& x : call.operands)
    if (x.tensor.defined() && x.tensor.device().is_cuda()) return x.tensor.device();
  return cpu;
}

}  // namespace

Recorder::Recorder(const Options& options) : options_(options) {
  texts.id("");
  if constexpr (kCudaBuilt)
    if (options_.device_times && cuda_is_available()) times_ = make_device_times();
  {
    const std::lock_guard lock(mutex);
    if (current != nullptr)
      fail("profile: a Session records already, since {:.3f} s; stop it before another begins",
           double(now() - current->started) * 1e-9);
    current = this;
    ++sessions;
    started = now();
  }
  listen_.emplace(*this, autograd::Listen::Threads::all);
  detail::set_range_functions(&kRangeFunctions);
  __atomic_store_n(&detail::recording, 1, __ATOMIC_RELAXED);
}

Recorder::~Recorder() { stop(); }

void Recorder::stop() {
  if (stopped != 0) return;
  __atomic_store_n(&detail::recording, 0, __ATOMIC_RELAXED);
  listen_.reset();
  const std::lock_guard lock(mutex);
  current = nullptr;
  read_device();  // waits
  times_ = nullptr;
  stopped = now();
}

Recorder::Lane& Recorder::lane() {
  const int number = thread_number();
  const auto [at, added] = lanes_.try_emplace(number, Lane{number, {}, {}});
  if (added) {
    lanes[number] = thread_name(number);
    // A guess for its first calls: what turns out to run elsewhere is not timed.
    at->second.device = times_ && factory_device().is_cpu() ? Device(DeviceType::cuda) : factory_device();
  }
  return at->second;
}

Recorder::Frame& Recorder::open(Lane& lane, Kind kind, TextId name, TextId path) {
  const int64_t parent = lane.open.empty() ? -1 : lane.open.back().timed;
  Frame& frame =
      lane.open.emplace_back(Frame{.kind = kind, .name = name, .path = path, .token = 0, .work_inside = {}});
  if constexpr (kCudaBuilt) {
    if (options_.nvtx) push_nvtx(texts[name].c_str());
    if (times_ && lane.device.is_cuda())
      if (const int64_t mark = times_->mark(lane.device); mark >= 0) {
        frame.timed = int64_t(timed_.size());
        timed_.push_back({kind, name, path, lane.device, parent, mark});
        ++open_timed_;
      }
  }
  frame.start = now();  // last: what is above is not the call's
  return frame;
}

// Ends the call at this depth of the lane, and forgets those inside that have no end.
void Recorder::close(Lane& lane, size_t depth, int64_t time, Work work, Device ran_on,
                     std::string_view text) {
  if constexpr (kCudaBuilt)
    if (options_.nvtx)
      for (size_t i = depth; i < lane.open.size(); ++i) pop_nvtx();
  const Frame frame = lane.open[depth];
  lane.open.resize(depth, frame);
  const int64_t duration = time - frame.start;
  const Work inside = frame.work_inside,
             whole{std::max(work.bytes, inside.bytes), std::max(work.flop, inside.flop)},
             own{whole.bytes - inside.bytes, whole.flop - inside.flop};
  const bool outermost = std::ranges::none_of(
      lane.open, [&](const Frame& f) { return f.kind == frame.kind && f.name == frame.name; });

  Totals& row = rows[{frame.name, frame.kind}];
  const Work& counted = frame.kind == Kind::range ? whole : own;
  ++row.calls;
  row.total += outermost ? duration : 0;
  row.own += duration - frame.inside;
  if (outermost || frame.kind != Kind::range) {
    row.work.bytes += counted.bytes;
    row.work.flop += counted.flop;
  }
  if (frame.kind != Kind::range) {
    ModuleTotals& module = modules[frame.path];
    ++module.calls;
    module.host[frame.kind == Kind::backward_op] += duration - frame.inside;
    module.work.bytes += own.bytes;
    module.work.flop += own.flop;
  }
  if (!lane.open.empty()) {
    Frame& parent = lane.open.back();
    parent.inside += duration;
    parent.work_inside.bytes += whole.bytes;
    parent.work_inside.flop += whole.flop;
  }
  int64_t event = -1;
  if (int64_t(events.size()) < options_.trace_events) {
    event = int64_t(events.size());
    events.push_back(
        {frame.kind, frame.name, frame.path, texts.id(text), lane.number, frame.start, duration});
  } else {
    ++left_out;
  }
  finish(frame.timed, outermost, frame.kind == Kind::range ? lane.device : ran_on, event);
  if (ran_on.is_cuda()) lane.device = ran_on;
}

// The device's end of a call; one that ran elsewhere than was thought at its beginning has none.
void Recorder::finish(int64_t timed, bool outermost, Device ran_on, int64_t event) {
  if (timed < 0) return;
  --open_timed_;
  Timed& call = timed_[size_t(timed)];
  if (ran_on == call.device) {
    call.end = times_->mark(call.device);
    call.event = event;
    call.outermost = outermost;
    if (call.end >= 0) ended_.push_back(timed);
  }
  if (ended_.size() >= kMostEnded && open_timed_ == 0 && call.end >= 0) read_device();
}

void Recorder::read_device() {
  if (!times_) return;
  const std::vector<int64_t>& at = times_->read();
  for (const int64_t number : ended_) {
    const Timed& call = timed_[size_t(number)];
    const int64_t duration = at[size_t(call.end)] - at[size_t(call.begin)], own = duration - call.inside;
    if (call.parent >= 0) timed_[size_t(call.parent)].inside += duration;
    Totals& row = rows[{call.name, call.kind}];
    row.device_total += call.outermost ? duration : 0;
    row.device_own += own;
    if (call.kind != Kind::range) modules[call.path].device[call.kind == Kind::backward_op] += own;
    if (call.event >= 0) {
      Event& event = events[size_t(call.event)];
      event.device = call.device.index;
      event.device_start = at[size_t(call.begin)];
      event.device_duration = duration;
    }
    used_device = true;
    device = call.device;
  }
  ended_.clear();
  timed_.clear();
  times_->clear();
}

TextId Recorder::path_of(const autograd::OpCall& call) {
  if (call.backward == nullptr)
    return kiln::detail::current_module_path == nullptr ? 0 : texts.id(kiln::detail::current_module_path());
  const auto at = origins_.find(call.backward);
  if (at == origins_.end() || at->second.rank != call.backward->rank ||
      at->second.name != call.backward->name)
    return 0;
  return at->second.path;
}

// Nodes that the call made. One that gives its operand back (contiguous), or that writes without history,
// made none.
void Recorder::remember(const autograd::OpCall& call, TextId path) {
  for (const Tensor& y : call.results) {
    const autograd::Node* node = autograd::creator_of(y);
    if (node == nullptr) continue;
    const bool made = call.in_place
                          ? std::string_view(node->name) == call.name
                          : std::ranges::none_of(call.operands, [&](const autograd::NamedOperand& x) {
                              return autograd::creator_of(x.tensor) == node;
                            });
    if (made) origins_[node] = {node->name, node->rank, path};
  }
}

void Recorder::begin(const autograd::OpCall& call) {
  const std::lock_guard lock(mutex);
  open(lane(), call.backward != nullptr ? Kind::backward_op : Kind::op, texts.id(call.name), path_of(call));
}

void Recorder::end(const autograd::OpCall& call) {
  const int64_t time = now();
  const std::lock_guard lock(mutex);
  Lane& here = lane();
  const TextId name = texts.id(call.name);
  for (size_t depth = here.open.size(); depth-- > 0;) {
    if (here.open[depth].kind == Kind::range || here.open[depth].name != name) continue;
    remember(call, here.open[depth].path);
    return close(here, depth, time, work_of(call), device_of(call),
                 options_.trace_events > 0 ? detail_of(call) : std::string());
  }
}

uint64_t Recorder::begin_range(std::string_view name, std::string_view part) {
  std::string whole(name);
  whole += part;
  const TextId path =
      kiln::detail::current_module_path == nullptr ? 0 : texts.id(kiln::detail::current_module_path());
  const uint64_t token = sessions << kTokenBits | ++tokens_;
  open(lane(), Kind::range, texts.id(whole), path).token = token;
  return token;
}

void Recorder::end_range(uint64_t token, int64_t time) {
  Lane& here = lane();
  for (size_t depth = here.open.size(); depth-- > 0;)
    if (here.open[depth].kind == Kind::range && here.open[depth].token == token)
      return close(here, depth, time, {}, cpu, {});
}

}  // namespace kiln::profile
