#include <kiln/serve/routes/metrics_text.h>

#include <kiln/tensor/fmt.h>

namespace kiln::serve {
namespace {

// What stands between quotes: backslash, quote and line break are escaped.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out;
}

class Text {
 public:
  void head(const char* name, const char* kind, const char* help) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
  }
  void sample(const std::string& name, double number) { text_ += fmt::format("{} {}\n", name, number); }
  void number(const char* name, const char* kind, const char* help, int64_t value) {
    head(name, kind, help);
    sample(name, double(value));
  }
  // Numbers are divided by `unit`.
  template <size_t N>
  void histogram(const std::string& name, const char* help, const Histogram<N>& histogram, double unit) {
    head(name.c_str(), "histogram", help);
    int64_t sum = 0;
    for (size_t i = 0; i < N; ++i) {
      sum += histogram.count(i);
      sample(fmt::format("{}_bucket{{le=\"{}\"}}", name, double(histogram.bounds()[i]) / unit), double(sum));
    }
    // Counts move while they are read; a histogram never falls.
    const int64_t all = std::max(sum, histogram.count());
    sample(name + "_bucket{le=\"+Inf\"}", double(all));
    sample(name + "_sum", double(histogram.sum()) / unit);
    sample(name + "_count", double(all));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string metrics_text(const Telemetry& telemetry, int64_t queued_rows, const std::string& model,
                         const std::string& version) {
  constexpr double kSecond = 1e6;
  Text text;
  text.head("kiln_requests_total", "counter", "Answers by status.");
  for (size_t status = 0; status < telemetry.by_status.size(); ++status)
    if (const int64_t count = telemetry.by_status[status]; count > 0)
      text.sample(fmt::format("kiln_requests_total{{code=\"{}\"}}", status), double(count));
  text.histogram("kiln_request_seconds", "From a whole request to its answer.", telemetry.total_us, kSecond);
  text.histogram("kiln_queue_seconds", "Waiting for a batch.", telemetry.queue_us, kSecond);
  text.histogram("kiln_compute_seconds", "Of a batch in the model.", telemetry.compute_us, kSecond);
  text.histogram("kiln_batch_rows", "Samples in a batch.", telemetry.batch_rows, 1);
  text.number("kiln_inferences_total", "counter", "Samples that were answered.", telemetry.inferences);
  text.number("kiln_queue_rows", "gauge", "Samples that wait now.", queued_rows);
  text.number("kiln_refused_total", "counter", "Requests refused because the queue was full.",
              telemetry.refused);
  text.number("kiln_expired_total", "counter", "Requests whose time was over before their turn.",
              telemetry.expired);
  text.number("kiln_left_total", "counter", "Requests whose client had gone before their turn.",
              telemetry.left);
  text.number("kiln_failed_total", "counter", "Requests that the model failed on.", telemetry.failed);
  text.number("kiln_swaps_total", "counter", "Versions that replaced another while serving.",
              telemetry.swaps);
  text.number("kiln_refused_versions_total", "counter",
              "Versions that did not load or failed their self-test.", telemetry.refused_versions);
  text.head("kiln_shadow_total", "counter",
            "Samples that the shadow answered, by whether it chose the same class.");
  text.sample("kiln_shadow_total{agreed=\"yes\"}", double(telemetry.shadow_agreed));
  text.sample("kiln_shadow_total{agreed=\"no\"}", double(telemetry.shadow_differed));
  text.number("kiln_shadow_dropped_total", "counter", "Requests that the shadow had no time for.",
              telemetry.shadow_dropped);
  text.head("kiln_model_info", "gauge", "1 for the version that is served.");
  if (!version.empty())
    text.sample(
        fmt::format("kiln_model_info{{model=\"{}\",version=\"{}\"}}", escaped(model), escaped(version)), 1);
  return text.take();
}

}  // namespace kiln::serve
