#include <kiln/image/move/projection.h>

#include <cmath>
#include <numbers>
#include <utility>

#include <kiln/tensor/base/fail.h>

namespace kiln::image {
namespace {

constexpr double kRadians = std::numbers::pi / 180.0;

// Solves the 8x8 system by elimination with row pivots; false when it has no single solution.
bool solve(double (&a)[8][9]) {
  for (int column = 0; column < 8; ++column) {
    int pivot = column;
    for (int row = column + 1; row < 8; ++row)
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    if (!(std::abs(a[pivot][column]) > 1e-9)) return false;
    std::swap(a[column], a[pivot]);
    for (int row = 0; row < 8; ++row) {
      if (row == column) continue;
      const double factor = a[row][column] / a[column][column];
      for (int k = column; k < 9; ++k) a[row][k] -= factor * a[column][k];
    }
  }
  return true;
}

// Three of them are in a line, or one is not finite.
bool degenerate(const std::array<Point, 4>& points) {
  for (size_t skipped = 0; skipped < 4; ++skipped) {
    const Point a = points[skipped == 0 ? 1 : 0], b = points[skipped <= 1 ? 2 : 1],
                c = points[skipped == 3 ? 2 : 3];
    if (!(std::abs((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)) > 0)) return true;
  }
  return false;
}

}  // namespace

Point Projection::operator()(Point p) const {
  const double z = m[6] * p.x + m[7] * p.y + m[8];
  return {(m[0] * p.x + m[1] * p.y + m[2]) / z, (m[3] * p.x + m[4] * p.y + m[5]) / z};
}

Projection Projection::operator*(const Projection& first) const {
  Projection product;
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j)
      product.m[3 * i + j] =
          m[3 * i] * first.m[j] + m[3 * i + 1] * first.m[3 + j] + m[3 * i + 2] * first.m[6 + j];
  return product;
}

Projection Projection::inverse() const {
  const auto minor = [this](size_t a, size_t b, size_t c, size_t d) { return m[a] * m[d] - m[b] * m[c]; };
  const double determinant = m[0] * minor(4, 5, 7, 8) - m[1] * minor(3, 5, 6, 8) + m[2] * minor(3, 4, 6, 7);
  if (!(std::abs(determinant) > 0) || !std::isfinite(determinant))
    fail("projection: its matrix has the determinant {} and no inverse", determinant);
  Projection result{{minor(4, 5, 7, 8), -minor(1, 2, 7, 8), minor(1, 2, 4, 5), -minor(3, 5, 6, 8),
                     minor(0, 2, 6, 8), -minor(0, 2, 3, 5), minor(3, 4, 6, 7), -minor(0, 1, 6, 7),
                     minor(0, 1, 3, 4)}};
  for (double& value : result.m) value /= determinant;
  return result;
}

Projection Projection::moved(double x, double y) { return {{1, 0, x, 0, 1, y, 0, 0, 1}}; }

Projection Projection::scaled(double x, double y) { return {{x, 0, 0, 0, y, 0, 0, 0, 1}}; }

// The order of the operations is torchvision's, so that the matrix has its last bits.
Projection inverse_affine(const AffineParameters& p, Point center) {
  if (!(p.scale > 0)) fail("affine: scale must be positive, got {}", p.scale);
  for (const double value :
       {p.angle, p.translate[0], p.translate[1], p.scale, p.shear[0], p.shear[1], center.x, center.y})
    if (!std::isfinite(value)) fail("affine: {} is not a finite number", value);
  const double rotation = p.angle * kRadians, sx = p.shear[0] * kRadians, sy = p.shear[1] * kRadians;
  const double a = std::cos(rotation - sy) / std::cos(sy);
  const double b = -std::cos(rotation - sy) * std::tan(sx) / std::cos(sy) - std::sin(rotation);
  const double c = std::sin(rotation - sy) / std::cos(sy);
  const double d = -std::sin(rotation - sy) * std::tan(sx) / std::cos(sy) + std::cos(rotation);
  const double left = -center.x - p.translate[0], up = -center.y - p.translate[1];
  Projection inverse{{d / p.scale, -b / p.scale, 0, -c / p.scale, a / p.scale, 0, 0, 0, 1}};
  auto& m = inverse.m;
  m[2] += m[0] * left + m[1] * up;
  m[5] += m[3] * left + m[4] * up;
  m[2] += center.x;
  m[5] += center.y;
  return inverse;
}

bool is_convex(const std::array<Point, 4>& corners) {
  int left = 0, right = 0;
  for (size_t i = 0; i < 4; ++i) {
    const Point a = corners[i], b = corners[(i + 1) % 4], c = corners[(i + 2) % 4];
    const double turn = (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x);
    left += turn > 0;
    right += turn < 0;
  }
  return left == 4 || right == 4;
}

Projection perspective_of(const std::array<Point, 4>& from, const std::array<Point, 4>& to) {
  double a[8][9];
  for (size_t i = 0; i < 4; ++i) {
    const auto [x, y] = from[i];
    const auto [u, v] = to[i];
    const double rows[2][9] = {{x, y, 1, 0, 0, 0, -u * x, -u * y, u}, {0, 0, 0, x, y, 1, -v * x, -v * y, v}};
    for (size_t k = 0; k < 9; ++k) {
      a[2 * i][k] = rows[0][k];
      a[2 * i + 1][k] = rows[1][k];
    }
  }
  if (degenerate(from) || degenerate(to) || !solve(a))
    fail(
        "perspective: the points have three in a line or are not finite; give the corners of a "
        "quadrilateral");
  Projection result;
  for (size_t i = 0; i < 8; ++i) result.m[i] = a[i][8] / a[i][i];
  return result;
}

}  // namespace kiln::image
