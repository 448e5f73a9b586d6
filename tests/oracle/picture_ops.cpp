#include <kiln/image/colour/blur.h>
#include <kiln/image/colour/colour.h>
#include <kiln/image/compose/paste.h>
#include <kiln/image/move/crop.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/move/pad.h>
#include <kiln/image/move/warp.h>

#include <oracle/call.h>

namespace kiln::oracle {
namespace {

using image::Interpolation;

Interpolation interpolation(const Call& call) {
  const std::string name = call.text("interpolation");
  return name == "nearest"    ? Interpolation::nearest
         : name == "bilinear" ? Interpolation::bilinear
                              : Interpolation::bicubic;
}

std::vector<float> fill(const Call& call) {
  return call.has("fill") ? call.args["fill"].get<std::vector<float>>() : std::vector<float>{0};
}

std::optional<image::Point> center(const Call& call) {
  if (!call.has("center")) return {};
  return image::Point{call.args["center"][0].get<double>(), call.args["center"][1].get<double>()};
}

std::array<image::Point, 4> points(const nlohmann::json& list) {
  std::array<image::Point, 4> result;
  for (size_t i = 0; i < 4; ++i) result[i] = {list[i][0].get<double>(), list[i][1].get<double>()};
  return result;
}

Tensor affine(const Call& call) {
  const auto two = [&](const char* name) { return call.args[name].get<std::array<double, 2>>(); };
  return image::affine(call.in(0), {call.real("angle"), two("translate"), call.real("scale"), two("shear")},
                       {interpolation(call), fill(call), center(call)});
}

Tensor perspective(const Call& call) {
  if (!call.has("coefficients"))
    return image::perspective(call.in(0), points(call.args["start"]), points(call.args["end"]),
                              {interpolation(call), fill(call)});
  image::Projection back;
  for (size_t i = 0; i < 8; ++i) back.m[i] = call.args["coefficients"][i].get<double>();
  return image::warp(call.in(0), back, {call.in(0).size(1), call.in(0).size(2)},
                     {interpolation(call), fill(call)});
}

Tensor pad(const Call& call) {
  const auto p = call.args["padding"].get<std::array<int64_t, 4>>();
  const std::string mode = call.text("mode");
  return image::pad(call.in(0), {p[0], p[1], p[2], p[3]},
                    {mode == "constant"  ? image::PadMode::constant
                     : mode == "edge"    ? image::PadMode::edge
                     : mode == "reflect" ? image::PadMode::reflect
                                         : image::PadMode::symmetric,
                     fill(call)});
}

}  // namespace

void add_picture_ops(Table& table) {
  // A function of the picture and the numbers that came with the call.
  const auto add = [&](const char* name, auto f) {
    table[name] = [f](const Call& call) { return Tensors{f(call.in(0), call)}; };
  };
  add("hflip", [](const Tensor& x, const Call&) { return image::hflip(x); });
  add("vflip", [](const Tensor& x, const Call&) { return image::vflip(x); });
  add("rot90", [](const Tensor& x, const Call& call) { return image::rot90(x, call.integer("quarters")); });
  add("crop", [](const Tensor& x, const Call& call) {
    const auto w = call.args["window"].get<std::array<int64_t, 4>>();
    return image::crop(x, {w[0], w[1], w[2], w[3]});
  });
  add("center_crop", [](const Tensor& x, const Call& call) {
    return image::crop(x, image::center_window({x.size(1), x.size(2)}, call.pair("size", 1)));
  });
  add("image_pad", [](const Tensor&, const Call& call) { return pad(call); });
  add("rotate", [](const Tensor& x, const Call& call) {
    return image::rotate(x, call.real("angle"),
                         {interpolation(call), call.flag("expand"), center(call), fill(call)});
  });
  add("affine", [](const Tensor&, const Call& call) { return affine(call); });
  add("perspective", [](const Tensor&, const Call& call) { return perspective(call); });
  add("adjust_brightness",
      [](const Tensor& x, const Call& call) { return image::adjust_brightness(x, call.real("factor")); });
  add("adjust_contrast",
      [](const Tensor& x, const Call& call) { return image::adjust_contrast(x, call.real("factor")); });
  add("adjust_saturation",
      [](const Tensor& x, const Call& call) { return image::adjust_saturation(x, call.real("factor")); });
  add("adjust_sharpness",
      [](const Tensor& x, const Call& call) { return image::adjust_sharpness(x, call.real("factor")); });
  add("adjust_hue",
      [](const Tensor& x, const Call& call) { return image::adjust_hue(x, call.real("factor")); });
  add("adjust_gamma", [](const Tensor& x, const Call& call) {
    return image::adjust_gamma(x, call.real("factor"), call.real("gain", 1));
  });
  add("to_grayscale",
      [](const Tensor& x, const Call& call) { return image::to_grayscale(x, call.integer("channels")); });
  add("invert", [](const Tensor& x, const Call&) { return image::invert(x); });
  add("solarize",
      [](const Tensor& x, const Call& call) { return image::solarize(x, call.real("threshold")); });
  add("posterize",
      [](const Tensor& x, const Call& call) { return image::posterize(x, int(call.integer("bits"))); });
  add("autocontrast", [](const Tensor& x, const Call&) { return image::autocontrast(x); });
  add("equalize", [](const Tensor& x, const Call&) { return image::equalize(x); });
  add("gaussian_blur", [](const Tensor& x, const Call& call) {
    return image::gaussian_blur(x, call.pair("kernel", 3), {call.real("sigma_x"), call.real("sigma_y")});
  });
  add("erase", [](const Tensor& x, const Call& call) {
    const auto w = call.args["window"].get<std::array<int64_t, 4>>();
    return image::erase(x, {w[0], w[1], w[2], w[3]}, fill(call));
  });
  add("paste", [](const Tensor& x, const Call& call) {
    return image::paste(x, call.in(1), {call.integer("top"), call.integer("left"), call.in(2)});
  });
  add("alpha_composite",
      [](const Tensor& x, const Call& call) { return image::alpha_composite(x, call.in(1)); });
}

}  // namespace kiln::oracle
