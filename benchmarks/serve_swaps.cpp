// Many requests to `kiln serve STORE` while versions of a real network are promoted and rolled back: each
// answer names its version and must be that version's own. serve_swaps [--requests N] [--swaps S]
// [--rollbacks R]; exit status 1 when a request failed or an answer was wrong.

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

#include <kiln/autograd/grad_mode.h>
#include <kiln/io/bytes/json.h>
#include <kiln/models/models.h>
#include <kiln/models/whole_file.h>
#include <kiln/serve/network.h>
#include <kiln/serve/store/store.h>

#include "serving.h"

namespace {

using namespace kiln;
using namespace kiln::benchmarks;

struct Options {
  std::string model = "resnet18", kiln = kiln_beside();
  int64_t size = 64, versions = 3, samples = 16;
  int64_t requests = 100'000, swaps = 100, rollbacks = 20;
  int clients = 8;
};

constexpr int64_t kClasses = 10;
using Scores = std::vector<float>;

// What each version says of each sample, asked alone.
using Answers = std::map<std::string, std::vector<Scores>>;

double largest_difference(const Scores& a, const Scores& b) {
  double most = 0, size = 1e-6;
  for (size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(double(a[i]) - b[i]));
    size = std::max(size, std::abs(double(b[i])));
  }
  return most / size;
}

// Kernels may add in another order in a batch; other versions' answers must be much further away.
constexpr double kSame = 1e-3, kOther = 10 * kSame;

void check_distinct(const Answers& answers) {
  for (const auto& [id, mine] : answers)
    for (const auto& [other, theirs] : answers)
      for (size_t i = 0; i < mine.size(); ++i)
        if (id != other && largest_difference(mine[i], theirs[i]) < kOther)
          fail("two versions with random weights answer alike: take another --model");
}

std::vector<std::string> add_versions(serve::Store& store, const std::string& file, const Tensors& samples,
                                      const Options& options, Answers& answers) {
  const NoGrad scope;
  std::vector<std::string> ids;
  for (int64_t i = 0; i < options.versions; ++i) {
    manual_seed(uint64_t(i) + 1);
    models::Model net = models::create(options.model, {.num_classes = kClasses});
    net.card.preset.resize = net.card.preset.crop = options.size;
    models::save(net, file);
    ids.push_back(store.add(file).id);
    const auto engine = serve::load_network(file);
    for (const Tensor& x : samples) answers[ids.back()].push_back(engine->run(x).to_vector<float>());
  }
  check_distinct(answers);
  return ids;
}

struct Counts {
  std::atomic<int64_t> begun = 0, ended = 0, failed = 0, wrong = 0;
  std::mutex mutex;
  std::map<std::string, int64_t> by_version;
};

// The version that an answer names; "" where it is none of ours, or its scores are not that version's.
std::string right_version(const HttpClient::Answer& answer, size_t sample, const Answers& answers) {
  const auto json_bytes = size_t(std::stoll(std::string(answer["Inference-Header-Content-Length"])));
  const std::string& body = answer.body();
  const Value json = io::parse_json(std::string_view(body).substr(0, json_bytes), "answer", 16);
  const std::string version = json.at("model_version").as_string();
  const auto found = answers.find(version);
  Scores scores(size_t(kClasses), 0);
  if (found == answers.end() || body.size() != json_bytes + sizeof(float) * scores.size()) return "";
  std::memcpy(scores.data(), body.data() + json_bytes, sizeof(float) * scores.size());
  return largest_difference(scores, found->second[sample]) < kSame ? version : "";
}

void ask(int port, const std::vector<std::string>& requests, const Answers& answers, const Options& options,
         Counts& counts) {
  std::map<std::string, int64_t> mine;
  std::optional<HttpClient> client(port);
  for (int64_t i = counts.begun++; i < options.requests; i = counts.begun++) {
    const size_t sample = size_t(i) % requests.size();
    try {
      const HttpClient::Answer answer = client->ask(requests[sample]);
      if (answer.result_int() != 200)
        ++counts.failed;
      else if (const std::string version = right_version(answer, sample, answers); version.empty())
        ++counts.wrong;
      else
        ++mine[version];
    } catch (const std::exception& error) {
      fmt::print(stderr, "a request failed: {}\n", error.what());
      ++counts.failed;
      client.emplace(port);
    }
    ++counts.ended;
  }
  const std::scoped_lock lock(counts.mutex);
  for (const auto& [version, count] : mine) counts.by_version[version] += count;
}

struct Changes {
  int64_t promotions = 0, rollbacks = 0, refused = 0;
  std::vector<double> resident;  // MB, behind each
};

// Changes what is current at even distances of the requests, and has the server look at once.
Changes change(serve::Store& store, const std::vector<std::string>& ids, const ServeProgram& program,
               const Options& options, const Counts& counts) {
  Changes done;
  HttpClient admin(program.port());
  const std::string look = post("/v2/repository/models/model/load", "", "Content-Type: application/json\r\n");
  const int64_t all = options.swaps + options.rollbacks;
  for (int64_t i = 0; i < all; ++i) {
    while (counts.ended < (i + 1) * options.requests / (all + 1))
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const bool is_rollback = (i + 1) * options.rollbacks / all > i * options.rollbacks / all;
    const std::string now = store.current()->id;
    if (is_rollback)
      done.rollbacks += store.rollback("", "serve_swaps").version != now;
    else
      done.promotions += store
                             .promote(ids[size_t(i) % ids.size()] != now ? ids[size_t(i) % ids.size()]
                                                                         : ids[size_t(i + 1) % ids.size()],
                                      "serve_swaps")
                             .version != now;
    const HttpClient::Answer answer = admin.ask(look);
    done.refused +=
        answer.result_int() != 200 || answer.body().find(store.current()->id) == std::string::npos;
    done.resident.push_back(program.resident());
  }
  return done;
}

int64_t swaps_of(int port) {
  const std::string text = HttpClient(port).ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").body();
  const std::string name = "\nkiln_swaps_total ";
  return std::stoll(text.substr(text.find(name) + name.size()));
}

bool run(const Options& options) {
  const OwnFolder folder;
  serve::Store store(folder / "store");
  Tensors samples;
  std::vector<std::string> requests;
  Generator generator{7};
  for (int64_t i = 0; i < options.samples; ++i) {
    samples.push_back(randn({1, 3, options.size, options.size}, {}, &generator));
    requests.push_back(infer(samples.back()));
  }
  Answers answers;
  const std::vector<std::string> ids = add_versions(store, folder / "model.kiln", samples, options, answers);
  store.promote(ids[0], "the first");
  const ServeProgram program(options.kiln, {store.folder()});
  fmt::print("{} at {} pixels, {} versions, {} requests by {} clients\n", options.model, options.size,
             options.versions, options.requests, options.clients);

  Counts counts;
  const auto begin = Clock::now();
  std::vector<std::jthread> clients;
  for (int i = 0; i < options.clients; ++i)
    clients.emplace_back([&] { ask(program.port(), requests, answers, options, counts); });
  const Changes done = change(store, ids, program, options, counts);
  clients.clear();
  const double seconds = ms_since(begin) / 1000;
  const int64_t swaps = swaps_of(program.port());
  for (const std::string& id : ids)
    fmt::print("  version {}: {} answers\n", serve::short_id(id), counts.by_version[id]);
  fmt::print("{} requests in {:.1f} s ({:.0f} a second): {} failed, {} wrong\n", counts.ended.load(), seconds,
             double(counts.ended) / seconds, counts.failed.load(), counts.wrong.load());
  fmt::print("{} promotions, {} rollbacks, {} of them refused; the server changed over {} times\n",
             done.promotions, done.rollbacks, done.refused, swaps);
  fmt::print("RSS, MB:");
  const size_t last = done.resident.size() - 1;
  for (const size_t part : {0, 1, 2, 3, 4})
    fmt::print(" {:.0f} behind change {},", done.resident[part * last / 4], part * last / 4 + 1);
  fmt::print(" {:.0f} at most, {:.0f} at the end\n", std::ranges::max(done.resident), program.resident());
  return counts.failed == 0 && counts.wrong == 0 && done.refused == 0 &&
         swaps == done.promotions + done.rollbacks && counts.ended == options.requests;
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Requests to kiln serve across promotions and rollbacks");
  app.add_option("--model", options.model, "of kiln models, with random weights")->capture_default_str();
  app.add_option("--size", options.size, "pixels of a side")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--versions", options.versions, "of it in the store")
      ->check(CLI::Range(2, 100))
      ->capture_default_str();
  app.add_option("--requests", options.requests, "in all")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--swaps", options.swaps, "promotions")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--rollbacks", options.rollbacks, "less than --swaps")->capture_default_str();
  app.add_option("--clients", options.clients, "at once")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--kiln", options.kiln, "the program")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(options) ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "serve_swaps: {}\n", error.what());
  return 1;
}
