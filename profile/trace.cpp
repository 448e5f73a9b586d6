#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <kiln/profile/recorder.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::profile {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      result += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\u{:04x}", int(c));
    else
      result += c;
  }
  return result + '"';
}

struct Closed {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Chrome's trace events: microseconds; `pid` 0 is the host, a GPU is its index + 1.
class TraceFile {
 public:
  explicit TraceFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "wb")) {
    if (!file_) fail("write_trace: {} cannot be written: {}", path, std::strerror(errno));
    put("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [");
  }

  void name(const char* what, int process, int lane, const std::string& text) {
    event(fmt::format(R"({{"ph": "M", "name": "{}", "pid": {}, "tid": {}, "args": {{"name": {}}}}})", what,
                      process, lane, quoted(text)));
  }
  void call(int process, int lane, const std::string& head, int64_t start, int64_t duration) {
    event(fmt::format(R"({{"ph": "X", "pid": {}, "tid": {}, "ts": {}, "dur": {}, {}}})", process, lane,
                      microseconds(start), microseconds(duration), head));
  }
  void finish(int64_t left_out) {
    put(fmt::format("\n], \"otherData\": {{\"events_left_out\": {}}}}}\n", left_out));
    if (std::fflush(file_.get()) != 0) fail_write();
  }

 private:
  static std::string microseconds(int64_t nanoseconds) {
    return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
  }
  void event(const std::string& text) {
    put(first_ ? "\n" : ",\n");
    put(text);
    first_ = false;
  }
  void put(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) fail_write();
  }
  [[noreturn]] void fail_write() const {
    fail("write_trace: writing {} failed: {}", path_, std::strerror(errno));
  }

  std::string path_;
  std::unique_ptr<std::FILE, Closed> file_;
  bool first_ = true;
};

}  // namespace

void Session::write_trace(const std::string& path) {
  stop();
  const Recorder& r = *recorder_;
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
  }
  TraceFile file(path);
  file.name("process_name", 0, 0, "host");
  for (const auto& [number, name] : r.lanes) file.name("thread_name", 0, number, name);
  std::map<int, bool> devices;
  for (const Event& event : r.events) {
    std::string head = fmt::format(R"("name": {}, "cat": "{}")", quoted(r.texts[event.name]),
                                   event.kind == Kind::range ? "range"
                                   : event.kind == Kind::op  ? "forward"
                                                             : "backward");
    if (event.kind != Kind::range || event.path != 0)
      head += fmt::format(R"(, "args": {{"module": {}, "call": {}}})", quoted(r.texts[event.path]),
                          quoted(r.texts[event.detail]));
    file.call(0, event.lane, head, event.start - r.started, event.duration);
    if (event.device < 0) continue;
    if (devices.try_emplace(event.device, true).second)
      file.name("process_name", event.device + 1, 0, to_string(Device(DeviceType::cuda, event.device)));
    file.call(event.device + 1, event.lane, head, std::max<int64_t>(event.device_start - r.started, 0),
              event.device_duration);
  }
  file.finish(r.left_out);
}

}  // namespace kiln::profile
