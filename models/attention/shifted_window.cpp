#include <kiln/models/attention/shifted_window.h>

#include <cmath>

#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn::models {

namespace {

// What a side lacks until windows tile it.
int64_t missing(int64_t size, int64_t window) { return (window - size % window) % window; }

// The padded picture, its windows and how far they move.
struct Grid {
  int64_t batch, height, width, channels;
  Pair window, shift;

  int64_t rows() const { return height / window.h; }
  int64_t columns() const { return width / window.w; }
  int64_t windows() const { return rows() * columns(); }
  int64_t places() const { return window.h * window.w; }
  bool moves() const { return shift.h + shift.w > 0; }
};

Grid make_grid(const Tensor& padded, const ShiftedWindows& windows) {
  const Pair window = windows.window_size;
  Grid grid{padded.size(0), padded.size(1), padded.size(2), padded.size(3), window, windows.shift_size};
  // One window in a direction: moving it would only turn it round.
  if (window.h >= grid.height) grid.shift.h = 0;
  if (window.w >= grid.width) grid.shift.w = 0;
  return grid;
}

// [N, H, W, C] -> [N * windows, places, C], and back.
Tensor partition(const Tensor& x, const Grid& grid) {
  const Tensor split =
      reshape(x, {x.size(0), grid.rows(), grid.window.h, grid.columns(), grid.window.w, x.size(3)});
  return reshape(permute(split, {0, 1, 3, 2, 4, 5}), {x.size(0) * grid.windows(), grid.places(), x.size(3)});
}
Tensor join_windows(const Tensor& x, const Grid& grid) {
  const Tensor split =
      reshape(x, {grid.batch, grid.rows(), grid.columns(), grid.window.h, grid.window.w, grid.channels});
  return reshape(permute(split, {0, 1, 3, 2, 4, 5}), {grid.batch, grid.height, grid.width, grid.channels});
}

// Which of the three bands, that only neighbours share, a place belongs to after the picture was turned
// round.
int64_t band(int64_t place, int64_t size, int64_t window, int64_t shift) {
  if (shift == 0 || place >= size - shift) return 2;
  return place < size - window ? 0 : 1;
}

// -100 between places of a window that were no neighbours: [windows, 1, places, places].
Tensor neighbour_mask(const Grid& grid) {
  const Tensor bands = empty({1, grid.height, grid.width, 1}, {.device = cpu});
  float* out = bands.data<float>();
  for (int64_t y = 0; y < grid.height; ++y)
    for (int64_t x = 0; x < grid.width; ++x)
      *out++ = float(3 * band(y, grid.height, grid.window.h, grid.shift.h) +
                     band(x, grid.width, grid.window.w, grid.shift.w));
  const Tensor labels = reshape(partition(bands, grid), {grid.windows(), grid.places()});
  const Tensor far = unsqueeze(labels, 1) != unsqueeze(labels, 2);
  return unsqueeze(masked_fill(zeros(far.shape(), {.device = cpu}), far, -100.0), 1);
}

// x [B, places, C] -> q, k, v [B, heads, places, C / heads].
Tensors split_heads(const Tensor& qkv, int64_t heads) {
  const int64_t channels = qkv.size(2) / 3;
  const Tensor split = reshape(qkv, {qkv.size(0), qkv.size(1), 3, heads, channels / heads});
  return unbind(permute(split, {2, 0, 3, 1, 4}), 0);
}

Tensor attend(const Tensor& x, const WindowAttention& attention, const Grid& grid, int64_t heads) {
  const Tensors parts = split_heads(linear(x, attention.qkv.weight, attention.qkv_bias), heads);
  Tensor q = parts[0], k = parts[1], v = parts[2], bias = attention.position_bias;
  AttentionOptions options;
  if (attention.logit_scale.defined()) {
    q = normalize(q, 2, -1) * exp(clamp_max(attention.logit_scale, std::log(100.0)));
    k = normalize(k, 2, -1);
    options.scale = 1;
  }
  if (grid.moves()) {
    // The same for each picture of the batch.
    bias = bias + neighbour_mask(grid).to(bias.device(), bias.dtype());
    const Shape shape{grid.batch, grid.windows(), heads, grid.places(), q.size(3)};
    q = reshape(q, shape), k = reshape(k, shape), v = reshape(v, shape);
  }
  const Tensor y = scaled_dot_product_attention(q, k, v, bias, options);
  return reshape(y.transpose(-3, -2), x.shape());
}

}  // namespace

Tensor pad_places(const Tensor& x, int64_t height, int64_t width) {
  if (height == 0 && width == 0) return x;
  return permute(pad2d(permute(x, {0, 3, 1, 2}), 0, width, 0, height), {0, 2, 3, 1});
}

int64_t shifted_window_flops(const Shape& x, const ShiftedWindows& windows) {
  const Pair window = windows.window_size;
  const int64_t height = x[1] + missing(x[1], window.h), width = x[2] + missing(x[2], window.w);
  const int64_t places = x[0] * height * width, channels = x[3];
  return 6 * places * channels * channels + 4 * places * window.h * window.w * channels;
}

Tensor shifted_window_attention(const Tensor& x, const WindowAttention& attention,
                                const ShiftedWindows& windows) {
  if (x.dim() != 4) fail("ShiftedWindowAttention: x must be [N,H,W,C], got {}", x.shape());
  const int64_t height = x.size(1), width = x.size(2);
  Tensor y = pad_places(x, missing(height, windows.window_size.h), missing(width, windows.window_size.w));
  const Grid grid = make_grid(y, windows);
  if (grid.moves()) y = roll(y, {-grid.shift.h, -grid.shift.w}, {1, 2});
  y = attention.proj(attend(partition(y, grid), attention, grid, windows.num_heads));
  y = join_windows(y, grid);
  if (grid.moves()) y = roll(y, {grid.shift.h, grid.shift.w}, {1, 2});
  return narrow(narrow(y, 1, 0, height), 2, 0, width);
}

}  // namespace kiln::nn::models
