#include <kiln/image/resample/axis.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kiln::image {
namespace {

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

// Keys, Cubic convolution interpolation for digital image processing, 1981, with a = -1/2.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}
double lanczos3(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

struct Filter {
  double (*at)(double x);
  double radius;
};
Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bicubic:
      return {cubic, 2};
    case Interpolation::lanczos:
      return {lanczos3, 3};
    default:
      return {triangle, 1};
  }
}

int32_t fixed(double weight) {
  constexpr double one = 1 << kWeightBits;
  return int32_t(weight < 0 ? weight * one - 0.5 : weight * one + 0.5);
}

}  // namespace

int64_t Axis::source_begin() const { return *std::ranges::min_element(first); }

int64_t Axis::source_end() const {
  int64_t end = 0;
  for (size_t i = 0; i < first.size(); ++i) end = std::max(end, int64_t(first[i]) + count[i]);
  return end;
}

Axis make_axis(const Span& span, Interpolation interpolation, bool antialias, int64_t begin, int64_t end) {
  const Filter filter = filter_of(interpolation);
  const double scale = double(span.end - span.begin) / double(span.result);
  const double widening = antialias ? std::max(scale, 1.0) : 1.0, radius = filter.radius * widening;
  Axis axis;
  axis.stride = int64_t(std::ceil(radius)) * 2 + 1;
  axis.weights.resize(size_t((end - begin) * axis.stride));
  std::vector<double> weights;
  for (int64_t i = begin; i < end; ++i) {
    const double centre = span.begin + (double(i) + 0.5) * scale;
    const double low = centre - radius + 0.5,
                 high = centre + radius + 0.5;  // cut, as Pillow does, not rounded
    const int64_t first = std::max<int64_t>(0, int64_t(low)), last = std::min(span.source, int64_t(high));
    double sum = 0;
    weights.clear();
    for (int64_t x = first; x < last; ++x) {
      weights.push_back(filter.at((double(x) - centre + 0.5) * (1.0 / widening)));
      sum += weights.back();
    }
    int32_t* out = axis.weights.data() + (i - begin) * axis.stride;
    for (const double weight : weights) *out++ = fixed(sum != 0 ? weight / sum : weight);
    axis.first.push_back(int32_t(first));
    axis.count.push_back(int32_t(weights.size()));
  }
  return axis;
}

std::vector<int32_t> nearest_axis(const Span& span) {
  const double step = double(span.end - span.begin) / double(span.result);
  std::vector<int32_t> sources;
  double at = span.begin + step * 0.5;  // added up, not multiplied: the same rounding as Pillow's
  for (int64_t i = 0; i < span.result; ++i, at += step)
    sources.push_back(at >= 0 && at < double(span.source) ? int32_t(at) : -1);
  return sources;
}

}  // namespace kiln::image
