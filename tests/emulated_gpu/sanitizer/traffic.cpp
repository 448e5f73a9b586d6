#include "traffic.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "report.h"
#include "traffic_counts.h"

namespace kiln::emulated {
namespace {

constexpr uintptr_t kSector = 32, kBanks = 32, kBankBytes = 4, kWide = 16;

// One instruction of a warp: where each lane went.
struct Request {
  uint32_t lanes = 0;
  size_t bytes = 0;
  uintptr_t address[32];
};

// One instruction in one warp; lanes run one after another, so the k-th time of each belongs together.
struct Site {
  unsigned count[32] = {};
  std::vector<Request> requests;
};

struct Total {
  uint64_t requests = 0, cost = 0, ideal = 0;
};

struct Key {
  uint32_t place;
  bool write, shared;
  unsigned warp;
  auto operator<=>(const Key&) const = default;
};

std::map<Key, Site> open_sites;

bool table_is_wanted() {
  static const bool on = [] {
    const char* text = std::getenv("KILN_GPU_TRAFFIC");
    return text && *text == '1';
  }();
  return on;
}

// Printed when the program ends.
struct Table {
  std::map<std::tuple<uint32_t, bool, bool>, Total> totals;
  ~Table();
};
Table table;

bool counting = false;
TrafficCounts counts;
std::unordered_set<uintptr_t> touched[2];  // sectors, read and written

void count_global(const Request& request, bool write, const std::set<uintptr_t>& sectors, size_t bytes) {
  ++counts.requests;
  counts.sectors += sectors.size();
  counts.ideal_sectors += (bytes + kSector - 1) / kSector;
  counts.bytes += bytes;
  if (request.bytes == kWide) counts.wide_bytes += bytes;
  touched[write].insert(sectors.begin(), sectors.end());
}

void add_global(const Request& request, bool write, Total& total) {
  std::set<uintptr_t> sectors;
  std::set<uintptr_t> words;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(request.lanes >> lane & 1)) continue;
    const uintptr_t first = request.address[lane], last = first + request.bytes - 1;
    for (uintptr_t s = first / kSector; s <= last / kSector; ++s) sectors.insert(s);
    for (uintptr_t b = first; b <= last; ++b) words.insert(b);
  }
  total.cost += sectors.size();
  total.ideal += (words.size() + kSector - 1) / kSector;
  if (counting) count_global(request, write, sectors, words.size());
}

// Wide accesses go in phases of 16 or 8 lanes.
void add_shared(const Request& request, Total& total) {
  const unsigned lanes = request.bytes <= 4 ? 32 : request.bytes == 8 ? 16 : 8;
  for (unsigned first = 0; first < 32; first += lanes) {
    std::map<uintptr_t, std::set<uintptr_t>> banks;
    for (unsigned lane = first; lane < first + lanes; ++lane) {
      if (!(request.lanes >> lane & 1)) continue;
      const uintptr_t last = (request.address[lane] + request.bytes - 1) / kBankBytes;
      for (uintptr_t w = request.address[lane] / kBankBytes; w <= last; ++w) banks[w % kBanks].insert(w);
    }
    size_t passes = 0;
    for (const auto& [bank, words] : banks) passes = std::max(passes, words.size());
    total.cost += passes;
    total.ideal += passes > 0;
    counts.passes += passes;
    counts.ideal_passes += passes > 0;
  }
}

Table::~Table() {
  if (!table_is_wanted()) return;
  std::map<std::tuple<std::string, bool, bool>, Total> lines;  // instructions of one line together
  for (const auto& [key, total] : totals) {
    Total& line = lines[{place_text(std::get<0>(key)), std::get<1>(key), std::get<2>(key)}];
    line.requests += total.requests;
    line.cost += total.cost;
    line.ideal += total.ideal;
  }
  for (const auto& [key, line] : lines) {
    const auto& [place, write, shared] = key;
    std::fprintf(stderr,
                 "traffic: %-24s %-6s %-5s %9llu warp requests, %6.2f %s each (ideal %.2f, %3.0f %%)\n",
                 place.c_str(), shared ? "shared" : "global", write ? "write" : "read",
                 static_cast<unsigned long long>(line.requests), double(line.cost) / double(line.requests),
                 shared ? "bank passes" : "sectors", double(line.ideal) / double(line.requests),
                 100.0 * double(line.ideal) / double(line.cost));
  }
}

}  // namespace

void start_counting_traffic() {
  counts = {};
  for (auto& sectors : touched) sectors.clear();
  counting = true;
}

TrafficCounts stop_counting_traffic() {
  counting = false;
  counts.distinct_sectors = touched[0].size() + touched[1].size();
  return counts;
}

bool traffic_is_counted() { return counting || table_is_wanted(); }

void count_access(uint32_t place, uintptr_t address, size_t bytes, bool write, bool shared, unsigned warp,
                  unsigned lane) {
  Site& site = open_sites[{place, write, shared, warp}];
  const unsigned k = site.count[lane]++;
  if (site.requests.size() <= k) site.requests.resize(k + 1);
  Request& request = site.requests[k];
  request.lanes |= 1u << lane;
  request.bytes = bytes;
  request.address[lane] = address;
}

void end_block_of_traffic() {
  for (const auto& [key, site] : open_sites) {
    Total& total = table.totals[{key.place, key.write, key.shared}];
    total.requests += site.requests.size();
    for (const Request& request : site.requests)
      key.shared ? add_shared(request, total) : add_global(request, key.write, total);
  }
  open_sites.clear();
}

}  // namespace kiln::emulated
