#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace kiln::tools {

// `kiln annotate`, `kiln serve` and `kiln store`, with their words. `status` becomes 1 where a candidate is
// not better.
void add_annotate(CLI::App& app);
void add_serve(CLI::App& app);
void add_store(CLI::App& app, int& status);

// Serves until SIGINT or SIGTERM.
struct ServeOptions {
  std::string path;  // of a store, or of a whole model
  std::string name = "model";
  std::string address = "127.0.0.1";
  int port = 8000;
  std::string unix_socket, token_file;
  std::string access_log;  // a file, "-" the standard output, "" none
  std::string device = "cpu";
  int64_t max_batch = 8, queue = 256;
  double max_delay_ms = 5;
  int threads = 2;
  std::string shadow;  // a version of the store, or a file
  double shadow_share = 0.1;
  bool json = false;  // the line that says where
};
void serve(const ServeOptions& options);

struct StoreOptions {
  std::string store;
  std::string file;  // or a version, where one is asked for
  std::string other;
  std::vector<std::string> metrics;  // "accuracy=0.91"
  std::string data, split, manifest, parent, note, why;
  double level = 0.05;
  int64_t rollbacks = 5;
  double days = 1;
  bool json = false;
};
void store_add(const StoreOptions& options);
// False when it is not better.
bool store_publish(const StoreOptions& options);
void store_promote(const StoreOptions& options);
void store_rollback(const StoreOptions& options);
void store_pin(const StoreOptions& options, bool is_pinned);
void store_list(const StoreOptions& options);
void store_history(const StoreOptions& options);
void store_show(const StoreOptions& options);
void store_diff(const StoreOptions& options);
void store_gc(const StoreOptions& options);

}  // namespace kiln::tools
