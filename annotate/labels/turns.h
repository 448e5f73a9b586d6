#pragma once

// Internal: who is at which picture. A hint by which several people get different ones; nothing is locked.

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace kiln::annotate {

class Turns {
 public:
  // A client that is not heard of for so long has gone.
  explicit Turns(std::chrono::milliseconds patience = std::chrono::seconds(60)) : patience_(patience) {}

  struct Place {
    std::string client, who, picture;
    std::string ahead;  // the one that was promised to it for afterwards
  };

  // Heard of. An empty picture leaves what was known. True when that changes what others see.
  bool is_at(const std::string& client, const std::string& who, const std::string& picture);
  void promise(const std::string& client, const std::string& picture);
  // By a client other than this one.
  bool is_taken(const std::string& picture, const std::string& client);
  // All but this one.
  std::vector<Place> others(const std::string& client);

 private:
  using Clock = std::chrono::steady_clock;
  struct Known : Place {
    Clock::time_point heard;
  };
  Known& known(const std::string& client);
  void forget();

  std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::vector<Known> known_;
};

}  // namespace kiln::annotate
