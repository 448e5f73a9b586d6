#include "fuzz/targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <ctime>
#include <exception>
#include <fstream>
#include <optional>

#include <kiln/io/load.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/meta.h>
#include <kiln/tensor/value/value_walk.h>

#include "fuzz/forms.h"
#include "fuzz/picture.h"
#include "fuzz/texts.h"
#include "support/files.h"

namespace kiln::fuzz {
namespace {

constexpr Target kTargets[] = {
    {"zip", zip_files, mutate_zip},
    {"pickle", pickle_files, mutate_pickle},
    {"legacy", plain_files, mutate_stream},
    {"tar", tar_files, mutate_tar},
    {"safetensors", plain_files, mutate_safetensors},
    {"npy", plain_files, mutate_npy},
    {"kiln", kiln_files, mutate_kiln},
    {"shards", plain_files, mutate_index, true},
    {"picture", picture_files, mutate_picture, false, problem_of_picture},
    {"csv", plain_files, mutate_text, false, problem_of_csv},
    {"jsonl", plain_files, mutate_text, false, problem_of_jsonl},
    {"coco", plain_files, mutate_text, false, problem_of_coco},
    {"yolo", plain_files, mutate_text, false, problem_of_yolo},
    {"voc", plain_files, mutate_text, false, problem_of_voc},
};

// A file that is only in memory, so that no disk is worn.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ::write(descriptor_, bytes.data(), bytes.size()) != ssize_t(bytes.size()))
      throw std::bad_alloc();
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

// An index beside the files that it may name: a.safetensors, b.pth and c.npz.
class IndexFile {
 public:
  explicit IndexFile(std::string_view bytes) { std::ofstream(path(), std::ios::binary) << bytes; }
  std::string path() const { return shards() + "/x.index.json"; }

 private:
  static std::string shards() {
    static const test::TemporaryFolder folder;
    static const bool written = [] {
      const Tensor x = empty({2}, {.dtype = float32});
      x.data<float>()[0] = x.data<float>()[1] = 1;
      for (const char* file : {"a.safetensors", "b.pth", "c.npz"})
        io::save(folder / file, {{"x", x}, {"y", x}, {"z", x}});
      return true;
    }();
    static_cast<void>(written);
    return folder.path();
  }
};

double processor_seconds() {
  timespec time;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

// The first and the last element, where nothing else has looked at them yet.
std::string problem_of(const Tensor& x) {
  if (x.numel() == 0 || x.device() == meta) return "";
  const Layout& layout = x.layout();
  int64_t last = layout.offset;
  for (int d = 0; d < layout.rank(); ++d) last += (layout.shape[d] - 1) * layout.strides[d];
  const int64_t width = size_of(x.dtype()), bytes = x.impl()->storage->bytes;
  if (layout.offset < 0 || last < layout.offset || last >= bytes / width)
    return fmt::format("a tensor of shape {} with strides {} lies outside of its {} bytes", layout.shape,
                       layout.strides, bytes);
  const auto* data = static_cast<const volatile char*>(x.impl()->storage->data);
  static_cast<void>(data[layout.offset * width]);
  static_cast<void>(data[last * width + width - 1]);
  return "";
}

// In keys and attributes too; and every path leads to its value.
std::string problem_of(const Value& value) {
  for (const Tensor* tensor : value.tensors())
    if (std::string problem = problem_of(*tensor); !problem.empty()) return problem;
  constexpr int kLooked = 1000;
  int looked = 0;
  for (ValueWalk walk(value, '/'); walk.next() && looked < kLooked; ++looked)
    if (walk.depth() > 0 && value.find(walk.path()) != &walk.value())
      return "the path '" + walk.path() + "' does not lead to its value";
  return "";
}

// Of a call that may throw an Error, which holds `named`. What it does after calling its argument takes no
// time.
template <class F>
std::string problem_of_call(const std::string& named, F&& call) {
  constexpr size_t kLongest = 2000;  // bytes of an Error
  const double begin = processor_seconds();
  double seconds = 0;
  std::string problem;
  try {
    problem = call([&] { seconds = processor_seconds() - begin; });
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.find(named) == std::string::npos) problem = "an Error that does not name the file: " + text;
    if (text.size() > kLongest) problem = fmt::format("an Error of {} bytes: {}", text.size(), text);
  } catch (const std::exception& error) {
    problem = fmt::format("an exception other than Error: {}", error.what());
  }
  if (seconds == 0) seconds = processor_seconds() - begin;
  if (problem.empty() && seconds > 1) problem = fmt::format("it took {:.1f} s", seconds);
  return problem;
}

std::string problem_of_load(const std::string& path, const io::LoadOptions& options) {
  return problem_of_call(path, [&](const auto& is_loaded) {
    const Value value = io::load(path, options);
    is_loaded();  // the questions that follow do not count
    return problem_of(value);
  });
}

}  // namespace

std::span<const Target> all_targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  for (const Target& target : kTargets)
    if (target.name == name) return &target;
  return nullptr;
}

std::string problem_of(const Target& target, std::string_view input) {
  constexpr size_t kOneInStrict = 8;
  const bool strict = input.size() % kOneInStrict == 0;
  for (const std::string& bytes : target.files_of(input)) {
    if (target.problem_of_bytes != nullptr) {
      const std::string problem =
          problem_of_call("", [&](const auto&) { return target.problem_of_bytes(bytes); });
      if (!problem.empty()) return fmt::format("{}, {} bytes: {}", target.name, bytes.size(), problem);
      continue;
    }
    std::optional<MemoryFile> file;
    const std::string path = target.is_index ? IndexFile(bytes).path() : file.emplace(bytes).path();
    for (const bool map : {false, true}) {
      const std::string problem = problem_of_load(path, {.verify = !map, .map = map, .strict = strict});
      if (!problem.empty())
        return fmt::format("{}, {} bytes{}{}: {}", target.name, bytes.size(), map ? ", mapped" : "",
                           strict ? ", strict" : "", problem);
    }
  }
  return "";
}

}  // namespace kiln::fuzz
