// What `kiln serve` gives of what the engine alone can do: throughput under many clients, latency of one,
// time to the first answer, memory. serve_load [--model NAME | --file FILE] [--seconds S]; the machine should
// be quiet, for clients and server share it. With wrk installed, it asks too.

#include <CLI/CLI.hpp>
#include <cmath>
#include <optional>
#include <set>

#include <kiln/autograd/grad_mode.h>
#include <kiln/image/encode.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>
#include <kiln/serve/network.h>
#include <kiln/tensor/settings.h>

#include "photograph.h"
#include "serving.h"

namespace {

using namespace kiln;
using namespace kiln::benchmarks;

struct Options {
  std::string model = "efficientnet_lite0", file, kiln = kiln_beside();
  double seconds = 10;
  int clients = 32;
  int64_t most = 32, max_batch = 0;
  double max_delay_ms = 5;
  bool time_load = false;

  int64_t batch() const { return max_batch > 0 ? max_batch : clients; }
};

// Calls for so long; milliseconds of each.
std::vector<double> times_of(double seconds, const std::function<void()>& call) {
  call();
  std::vector<double> all;
  for (const auto begin = Clock::now(); ms_since(begin) < seconds * 1000;) {
    const auto before = Clock::now();
    call();
    all.push_back(ms_since(before));
  }
  return all;
}

struct Direct {
  double best = 0;  // samples a second, at the best batch
  int64_t best_batch = 1;
  int64_t batch = 1;  // the server's
  double ms = 0;      // of such a batch, the median
};

Tensor rows_of(const Tensor& sample, int64_t rows) {
  Shape shape = sample.shape();
  shape.insert(0, rows);
  return sample.expand(shape).contiguous();
}

// Powers of two and the server's batch, each for an equal part of the time.
Direct measure_engine(serve::Engine& engine, const Tensor& sample, const Options& options) {
  const NoGrad scope;
  std::set<int64_t> sizes = {options.batch()};
  for (int64_t batch = 1; batch <= options.most; batch *= 2) sizes.insert(batch);
  Direct direct = {.batch = options.batch()};
  for (const int64_t batch : sizes) {
    const Tensor x = rows_of(sample, batch);
    std::vector<double> all = times_of(options.seconds / double(sizes.size()), [&] { engine.run(x); });
    const double ms = percentile(all, 0.5), rate = double(batch) * 1000 / ms;
    fmt::print("  engine, batch {:>3}: {:8.1f} a second, {:8.2f} ms\n", batch, rate, ms);
    if (rate > direct.best) direct.best_batch = batch;
    direct.best = std::max(direct.best, rate);
    if (batch == direct.batch) direct.ms = ms;
  }
  return direct;
}

struct Load {
  int64_t failed = 0;
  double per_second = 0, p50 = 0, p99 = 0, resident = 0;
  double ratio = 0;  // of the engine's best
};

// Clients that each ask again as soon as they have their answer. The first fifth of the time does not count.
Load load_by_threads(const ServeProgram& program, const std::string& request, const Options& options) {
  const auto begin = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(options.seconds * 0.2));
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  std::vector<std::vector<double>> ms(static_cast<size_t>(options.clients));
  std::atomic<int64_t> failed = 0;
  const auto fails = [&](const std::string& why) {
    if (failed++ == 0) fmt::print(stderr, "the first failure: {}\n", why);
  };
  std::vector<std::jthread> clients;
  for (std::vector<double>& mine : ms)
    clients.emplace_back([&] {
      try {
        HttpClient client(program.port());
        for (auto now = Clock::now(); now < end; now = Clock::now()) {
          const auto answer = client.ask(request);
          if (now < begin) continue;
          if (answer.result_int() != 200) fails(answer.body());
          mine.push_back(ms_since(now));
        }
      } catch (const std::exception& error) {
        fails(error.what());
      }
    });
  clients.clear();
  std::vector<double> all;
  for (const std::vector<double>& mine : ms) all.insert(all.end(), mine.begin(), mine.end());
  return {failed, double(all.size()) / options.seconds, percentile(all, 0.5), percentile(all, 0.99),
          program.resident()};
}

// The same by wrk, which prints "50% 1.23ms", "99% 4.56ms" and "Requests/sec: 78.9".
std::optional<Load> load_by_wrk(const ServeProgram& program, std::string_view request,
                                const OwnFolder& folder, const Options& options) {
  const size_t end = request.find("\r\n\r\n");
  std::string fields;
  for (std::string_view rest = request.substr(0, end); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    if (const size_t colon = line.find(": "); colon != line.npos && !line.starts_with("Content-Length"))
      fields += fmt::format("wrk.headers['{}'] = '{}'\n", line.substr(0, colon), line.substr(colon + 2));
  }
  const std::string_view target = request.substr(5, request.find(' ', 5) - 5);  // behind "POST "
  std::ofstream(folder / "body", std::ios::binary) << request.substr(end + 4);
  std::ofstream(folder / "post.lua") << fmt::format(
      "wrk.method = 'POST'\nlocal file = io.open('{}', 'rb')\nwrk.body = file:read('*all')\n{}",
      folder / "body", fields);
  const std::string command =
      fmt::format("wrk -t1 -c{} -d{}s --latency -s {} http://127.0.0.1:{}{} 2>/dev/null", options.clients,
                  std::max(1, int(options.seconds)), folder / "post.lua", program.port(), target);
  std::FILE* out = ::popen(command.c_str(), "r");
  if (out == nullptr) return {};
  Load found;
  for (char line[256]; std::fgets(line, sizeof line, out) != nullptr;) {
    double number = 0;
    char unit[16] = {};
    const auto in_ms = [&] {
      return unit[0] == 'u' ? number / 1000 : unit[0] == 's' ? number * 1000 : number;
    };
    if (std::sscanf(line, " 50%%%lf%15s", &number, unit) == 2) found.p50 = in_ms();
    if (std::sscanf(line, " 99%%%lf%15s", &number, unit) == 2) found.p99 = in_ms();
    if (std::sscanf(line, "Requests/sec: %lf", &number) == 1) found.per_second = number;
    if (std::sscanf(line, " Non-2xx or 3xx responses: %lf", &number) == 1) found.failed = int64_t(number);
  }
  if (::pclose(out) != 0 || found.per_second == 0) return {};
  found.resident = program.resident();
  return found;
}

// Medians of some turns, each right behind a second of the engine alone: the machine's weather is the same.
std::optional<Load> by_turns(const std::function<void()>& best, double rows,
                             const std::function<std::optional<Load>()>& load) {
  constexpr int kTurns = 5;
  std::vector<double> per_second, ratio, p50, p99;
  Load all;
  for (int turn = 0; turn < kTurns; ++turn) {
    std::vector<double> alone = times_of(1, best);
    const std::optional<Load> one = load();
    if (!one) return {};
    per_second.push_back(one->per_second);
    ratio.push_back(one->per_second * percentile(alone, 0.5) / (1000 * rows));
    p50.push_back(one->p50);
    p99.push_back(one->p99);
    all.failed += one->failed;
    all.resident = one->resident;
  }
  all.per_second = percentile(per_second, 0.5);
  all.ratio = percentile(ratio, 0.5);
  all.p50 = percentile(p50, 0.5);
  all.p99 = percentile(p99, 0.5);
  return all;
}

void print_row(const std::string& name, const std::optional<Load>& load, const Direct& direct) {
  if (!load) return fmt::print("{:<36} not there\n", name);
  fmt::print("{:<36} {:9.1f} {:7.3f} {:9.2f} {:9.2f} {:8.2f} {:8.2f} {:7} {:9.0f}\n", name, load->per_second,
             load->ratio, load->p50, load->p99, load->p50 / direct.ms, load->p99 / direct.ms, load->failed,
             load->resident);
}

// One client, and the engine in this process, by turns of ten calls, so that both have the same weather.
void print_overhead(const char* name, const ServeProgram& program, const std::string& request,
                    const std::function<void()>& call, double seconds) {
  HttpClient client(program.port());
  std::vector<double> direct, served;
  constexpr int kTurn = 10;
  for (const auto begin = Clock::now(); ms_since(begin) < seconds * 1000;)
    for (int i = -1; i < 2 * kTurn; ++i) {  // the first one of a turn is not counted
      const auto before = Clock::now();
      if (i < kTurn)
        call();
      else
        client.ask(request);
      if (i >= 0 && i != kTurn) (i < kTurn ? direct : served).push_back(ms_since(before));
    }
  const double a = percentile(direct, 0.5), b = percentile(served, 0.5);
  fmt::print("{:<36} {:9.2f} ms directly, {:9.2f} ms served, {:6.2f} ms more\n", name, a, b, b - a);
}

double load_ms(const std::string& file, int64_t batch) {
  const auto begin = Clock::now();
  serve::self_test(*serve::load_network(file), batch);
  return ms_since(begin);
}

// The same in a process of its own, which has prepared nothing yet.
double fresh_load_ms(const std::string& file, int64_t batch) {
  const std::string self = std::filesystem::canonical("/proc/self/exe");
  const std::string command = fmt::format("'{}' --file '{}' --max-batch {} --time-load", self, file, batch);
  std::FILE* out = ::popen(command.c_str(), "r");
  double ms = 0;
  if (out == nullptr || std::fscanf(out, "%lf", &ms) != 1) fail("'{}' did not say a time", command);
  ::pclose(out);
  return ms;
}

// From the start of the program to its first answer, and what of it loading and testing the model takes:
// medians, by turns, after one of each that nothing is known of.
void print_start(const std::string& file, const std::string& request, const Options& options, int64_t batch) {
  constexpr int kRounds = 5;
  std::vector<double> loads, starts;
  for (int round = -1; round < kRounds; ++round) {
    const double load = fresh_load_ms(file, batch);
    const auto begin = Clock::now();
    const ServeProgram program(options.kiln, {file, "--max-batch", std::to_string(batch)});
    HttpClient(program.port()).ask(request);
    const double start = ms_since(begin);
    if (round < 0) continue;
    loads.push_back(load);
    starts.push_back(start);
  }
  const double load = percentile(loads, 0.5), start = percentile(starts, 0.5);
  fmt::print("{:<36} {:9.1f} ms, {:.1f} ms of them load and self-test: {:.1f} ms\n", "start to first answer",
             start, load, start - load);
}

void measure(const Options& options) {
  const OwnFolder folder;
  const std::string file = options.file.empty() ? folder / "model.kiln" : options.file;
  if (options.file.empty()) {
    manual_seed(1);
    models::save(models::create(options.model), file);
  }
  const auto engine = serve::load_network(file);
  const std::string jpeg = image::encode_jpeg(photograph(480, 640), {.quality = 90});
  const Tensor sample = engine->prepare(jpeg);
  fmt::print("{}, {} clients, {} s a row, {} threads\n", engine->info().architecture, options.clients,
             options.seconds, num_threads());
  const Direct direct = measure_engine(*engine, sample, options);

  const std::string tensors = infer(sample.unsqueeze(0)),
                    picture = post("/predict", jpeg, "Content-Type: image/jpeg\r\n");
  const ServeProgram program(options.kiln,
                             {file, "--max-batch", std::to_string(direct.batch), "--max-delay-ms",
                              fmt::format("{}", options.max_delay_ms), "--queue", "1024"});
  const double before = program.resident();
  fmt::print("\n{:<36} {:>9} {:>7} {:>9} {:>9} {:>8} {:>8} {:>7} {:>9}\n", "", "a second", "ratio", "p50 ms",
             "p99 ms", "p50/b", "p99/b", "failed", "RSS MB");
  const Tensor best = rows_of(sample, direct.best_batch);
  const auto row = [&](const char* name, const std::function<std::optional<Load>()>& one) {
    print_row(name, by_turns([&] { engine->run(best); }, double(direct.best_batch), one), direct);
  };
  row("binary tensors", [&] { return load_by_threads(program, tensors, options); });
  row("binary tensors, by wrk", [&] { return load_by_wrk(program, tensors, folder, options); });
  row("JPEG 640 x 480", [&] { return load_by_threads(program, picture, options); });
  row("JPEG 640 x 480, by wrk", [&] { return load_by_wrk(program, picture, folder, options); });
  fmt::print(
      "{:.1f} MB before all. ratio: of the engine's best batch ({}) alone, just before; b: the engine's time "
      "for {} samples at once.\n\n",
      before, direct.best_batch, direct.batch);

  const NoGrad scope;
  print_overhead(
      "one client, binary tensor", program, tensors, [&] { engine->run(sample.unsqueeze(0)); },
      options.seconds);
  print_overhead(
      "one client, JPEG 640 x 480", program, picture,
      [&] { engine->run(engine->prepare(jpeg).unsqueeze(0)); }, options.seconds);
  print_start(file, picture, options, direct.batch);
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("What kiln serve gives of what the engine alone can do");
  app.add_option("--model", options.model, "of kiln models, with random weights")->capture_default_str();
  app.add_option("--file", options.file, "a whole model instead");
  app.add_option("--seconds", options.seconds, "for each row")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--clients", options.clients, "at once")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--largest", options.most, "the largest batch that the engine tries")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-batch", options.max_batch, "the server's; 0: as many as clients");
  app.add_option("--max-delay-ms", options.max_delay_ms, "the server's")->capture_default_str();
  app.add_option("--kiln", options.kiln, "the program")->capture_default_str();
  app.add_flag("--time-load", options.time_load,
               "prints the milliseconds that loading and testing --file takes");
  CLI11_PARSE(app, argc, argv);
  if (options.time_load)
    fmt::print("{}\n", load_ms(options.file, options.batch()));
  else
    measure(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "serve_load: {}\n", error.what());
  return 1;
}
