#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <thread>

#include <kiln/io/bytes/json.h>
#include <kiln/kiln.h>
#include <support/files.h>

using namespace kiln;

namespace {

Value trace_of(profile::Session& session, const test::TemporaryFolder& folder) {
  session.write_trace(folder / "new/trace.json");
  return io::parse_json(test::read_file(folder / "new/trace.json"), "trace", 10);
}

double number(const Value& value) { return value.is_int() ? double(value.as_int()) : value.as_float(); }

struct Call {
  std::string name;
  double start, end;
};

// The calls of each lane.
std::map<int64_t, std::vector<Call>> lanes(const Value& trace) {
  std::map<int64_t, std::vector<Call>> result;
  for (const Value& event : trace.at("traceEvents").items()) {
    if (event.at("ph").as_string() != "X") continue;
    const double start = number(event.at("ts"));
    result[event.at("tid").as_int()].push_back(
        {event.at("name").as_string(), start, start + number(event.at("dur"))});
  }
  return result;
}

// Two calls of a lane lie apart or one in the other.
bool nests(const std::vector<Call>& calls) {
  constexpr double kRounding = 1e-3;
  for (const Call& a : calls)
    for (const Call& b : calls) {
      const bool apart = a.end <= b.start + kRounding || b.end <= a.start + kRounding,
                 inside = (a.start <= b.start + kRounding && b.end <= a.end + kRounding) ||
                          (b.start <= a.start + kRounding && a.end <= b.end + kRounding);
      if (!apart && !inside) return false;
    }
  return true;
}

void work() {
  const profile::Range range("a \"quoted\\\" range\n");
  const Tensor v = ones({6}), w = ones({6, 5});
  for (int i = 0; i < 5; ++i) softmax(matmul(v, w), 0);
}

}  // namespace

TEST_CASE("a trace is JSON with a lane for each thread, in which calls nest") {
  const test::TemporaryFolder folder;
  profile::Session session;
  work();
  std::thread other(work);
  other.join();
  const Value trace = trace_of(session, folder);
  const auto calls = lanes(trace);
  REQUIRE(calls.size() == 2);
  for (const auto& [lane, of_lane] : calls) {
    CHECK(of_lane.size() >= 16);
    CHECK(nests(of_lane));
    CHECK(std::ranges::count(of_lane, "matmul", &Call::name) == 10);
    CHECK(std::ranges::count(of_lane, "a \"quoted\\\" range\n", &Call::name) == 1);
  }
  CHECK(trace.at("otherData/events_left_out").as_int() == 0);
}

TEST_CASE("a trace tells shapes, settings and the module of an op") {
  const test::TemporaryFolder folder;
  nn::Linear fc(6, 5);
  Tensor x = ones({2, 6});
  profile::Session session;
  sum(softmax(fc(x), 1)).backward();
  session.write_trace(folder / "trace.json");
  const std::string text = test::read_file(folder / "trace.json");
  CHECK(test::contains(text, R"("call": "x [2,6] float32, weight [5,6] float32, bias [5] float32")"));
  CHECK(test::contains(text, "dim=1"));
  CHECK(test::contains(text, R"("module": "Linear")"));
  CHECK(test::contains(text, R"("cat": "backward")"));
}

TEST_CASE("a trace has so many events and no more; the tables count on") {
  const test::TemporaryFolder folder;
  profile::Session session({.trace_events = 3});
  const Tensor x = ones({4});
  for (int i = 0; i < 10; ++i) x + x;
  CHECK(session.ops()[0].calls >= 1);
  const Value trace = trace_of(session, folder);
  CHECK(lanes(trace).begin()->second.size() == 3);
  CHECK(trace.at("otherData/events_left_out").as_int() >= 7);
}

TEST_CASE("a trace that cannot be written says so") {
  const test::TemporaryFolder folder;
  profile::Session session;
  CHECK(test::contains(test::error_of([&] { session.write_trace(folder.path()); }), "cannot be written"));
  CHECK(test::contains(test::error_of([&] { session.write_trace("/dev/full"); }), "/dev/full failed"));
}

TEST_CASE("the peak is measured once, and is what a processor can") {
  const profile::Peak peak = profile::measured_peak(cpu), again = profile::measured_peak(cpu);
  CHECK(peak.flops > 1e8);
  CHECK(peak.flops < 1e15);
  CHECK(peak.bandwidth > 1e8);
  CHECK(peak.bandwidth < 1e14);
  CHECK(again.flops == peak.flops);
}

TEST_CASE("the table names ops, modules and ranges with their shares") {
  nn::Linear fc(64, 64);
  profile::Session session;
  {
    const profile::Range range("step");
    sum(fc(ones({64, 64}))).backward();
  }
  const std::string text = session.table();
  for (const char* part : {" recorded; this CPU reaches ", "FLOP/s and copies ", "% of time", "linear",
                           "matmul (backward)", "Linear", "step", "backward", "528 k", "of copy"}) {
    CAPTURE(part);
    CAPTURE(text);
    CHECK(test::contains(text, part));
  }
  const std::string one = session.table(1);
  CHECK(test::contains(one, "... and "));
  CHECK(std::ranges::count(one, '\n') < std::ranges::count(text, '\n'));
}

TEST_CASE("the table of a session that saw nothing is its head") {
  profile::Session session;
  const std::string text = session.table();
  CHECK(std::ranges::count(text, '\n') == 1);
}
