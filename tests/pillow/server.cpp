#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>

#include <nlohmann/json.hpp>

#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/prepare.h>
#include <kiln/image/resize.h>
#include <kiln/kiln.h>

// Answers what pillow.py asks: a line of JSON and `bytes` bytes in, a line of JSON and as many bytes as its
// tensor has out. {"op": "resize", "shape": [3, 5, 7], "size": [2, 4], "interpolation": "bicubic", "bytes":
// 105}; the answer is
// {"shape", "dtype"} or {"error"}.

using namespace kiln;
using nlohmann::json;

namespace {

template <class T>
T one_of(const std::string& name, std::initializer_list<std::pair<const char*, T>> names) {
  for (const auto& [known, value] : names)
    if (name == known) return value;
  throw Error("pillow: there is no " + name);
}

image::Interpolation interpolation_of(const json& request) {
  using image::Interpolation;
  return one_of<Interpolation>(request.value("interpolation", "bilinear"),
                               {{"nearest", Interpolation::nearest},
                                {"bilinear", Interpolation::bilinear},
                                {"bicubic", Interpolation::bicubic},
                                {"lanczos", Interpolation::lanczos}});
}

image::DecodeOptions decode_options(const json& request) {
  using image::Mode;
  return {.mode = one_of<Mode>(
              request.value("mode", "rgb"),
              {{"stored", Mode::stored}, {"grey", Mode::grey}, {"rgb", Mode::rgb}, {"rgba", Mode::rgba}}),
          .apply_orientation = request.value("orientation", false),
          .keep_16_bits = request.value("wide", false)};
}

image::ResizeOptions resize_options(const json& request) {
  image::ResizeOptions options = {.interpolation = interpolation_of(request),
                                  .antialias = request.value("antialias", true)};
  if (request.contains("box")) {
    const auto box = request["box"].get<std::array<float, 4>>();
    options.box = image::Box{box[0], box[1], box[2], box[3]};
  }
  return options;
}

image::Preset preset_of(const json& request) {
  return {.resize = request.value("resize", int64_t(256)),
          .crop = request.value("crop", int64_t(224)),
          .interpolation = interpolation_of(request)};
}

// A picture whose channels are planes, or side by side.
Tensor picture_of(const json& request, const std::string& bytes) {
  const auto sizes = request["shape"].get<std::vector<int64_t>>();
  Layout layout;
  layout.shape = Dims(std::span<const int64_t>(sizes));
  layout.strides = contiguous_strides(layout.shape);
  if (request.value("interleaved", false)) layout.strides = {1, sizes[2] * sizes[0], sizes[0]};
  const Ref<Storage> storage = Storage::allocate(int64_t(bytes.size()), cpu);
  std::memcpy(storage->data, bytes.data(), bytes.size());
  return from_storage(storage, uint8, layout);
}

// Processor time, whatever else the machine does, of the fastest of several runs.
double processor_seconds() {
  timespec time;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}
template <class F>
Tensor seconds_of(int runs, F&& f) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const double start = processor_seconds();
    f();
    best = std::min(best, processor_seconds() - start);
  }
  return tensor({best});
}

Tensor answer(const json& request, const std::string& bytes) {
  const std::string op = request["op"];
  if (op == "decode") return image::decode(bytes, decode_options(request));
  if (op == "prepare") return image::prepare(bytes, preset_of(request), decode_options(request));
  if (op == "time")
    return seconds_of(request["runs"], [&] { return image::prepare(bytes, preset_of(request)); });
  if (op == "time_decode") return seconds_of(request["runs"], [&] { image::decode(bytes); });
  const Tensor picture = picture_of(request, bytes);
  if (op == "prepare_picture") return image::prepare(picture, preset_of(request));
  if (op == "shorter")
    return image::resize_shorter(picture, request["size"], resize_options(request),
                                 request.value("max_size", int64_t(0)));
  if (op == "encode") {
    const std::string made = request["format"] == "png"
                                 ? image::encode_png(picture)
                                 : image::encode_jpeg(picture, {.quality = request.value("quality", 75)});
    Tensor result = empty({int64_t(made.size())}, {.dtype = uint8});
    std::memcpy(result.raw_data(), made.data(), made.size());
    return result;
  }
  const auto size = request["size"].get<std::array<int64_t, 2>>();
  if (op == "resize") return image::resize(picture, {size[0], size[1]}, resize_options(request));
  if (op == "center_crop") return image::center_crop(picture, {size[0], size[1]});
  throw Error("pillow: there is no op " + op);
}

void write(const Tensor& x) {
  const Tensor dense = x.contiguous();
  const json header = {{"shape", std::vector<int64_t>(x.shape().begin(), x.shape().end())},
                       {"dtype", name_of(x.dtype())}};
  std::cout << header.dump() << '\n';
  std::cout.write(static_cast<const char*>(dense.raw_data()), dense.nbytes());
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const json request = json::parse(line);
    std::string bytes(request["bytes"].get<size_t>(), '\0');
    std::cin.read(bytes.data(), std::streamsize(bytes.size()));
    try {
      write(answer(request, bytes));
    } catch (const Error& error) {
      std::cout << json{{"error", error.what()}}.dump() << '\n';
    }
    std::cout.flush();
  }
  return 0;
}
