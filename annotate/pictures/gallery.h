#pragma once

// Internal: pictures of a folder as a browser shows them.

#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include <kiln/image/resize.h>

namespace kiln::annotate {

struct Shown {
  std::string type;  // image/jpeg, image/png
  std::string bytes;
};

// Why a picture cannot be shown, without its path.
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Pictures are turned as EXIF says. May be used by several threads.
class Gallery {
 public:
  explicit Gallery(std::string folder, int64_t cache_bytes = 128 << 20)
      : folder_(std::move(folder)), left_(cache_bytes) {}

  // A picture whose longer side has `most` pixels at most: the file's own bytes where they are such a
  // picture, which is looked through first. Throws Unreadable, also for what lies outside of the folder.
  std::shared_ptr<const Shown> shown(const std::string& path, int64_t most);
  // Upright, by its header. Throws Unreadable.
  image::Size size(const std::string& path) const;

 private:
  std::string read(const std::string& path) const;
  std::shared_ptr<const Shown> find(const std::string& key);
  void keep(const std::string& key, std::shared_ptr<const Shown> shown);

  std::string folder_;
  std::mutex large_;  // pictures of many pixels are decoded one at a time
  std::mutex mutex_;
  int64_t left_;
  struct Kept {
    std::string key;
    std::shared_ptr<const Shown> shown;
  };
  std::list<Kept> kept_;  // the one that was asked for last first
  std::unordered_map<std::string, std::list<Kept>::iterator> places_;
};

}  // namespace kiln::annotate
