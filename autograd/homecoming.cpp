#include <kiln/autograd/homecoming.h>

#include <utility>

#include <kiln/autograd/record.h>
#include <kiln/kernels/flat/flat_copy.h>

namespace kiln::autograd {
namespace {

constexpr int64_t kMostBytes = 64 << 20;  // gradients that are held twice meanwhile

// The elements lie in the same order, without gaps.
bool same_order(const Tensor& a, const Tensor& b) {
  if (!a.layout().is_dense() || !b.layout().is_dense()) return false;
  for (int d = 0; d < a.dim(); ++d)
    if (a.size(d) > 1 && a.strides()[d] != b.strides()[d]) return false;
  return true;
}

}  // namespace

void Homecoming::add(const Tensor& home, Tensor g) {
  if (home.device().is_cpu() || !(g.device() == home.device()) || !same_order(home, g)) {
    home.copy_(g);
    return;
  }
  const Locked locked(lock_);
  if (!copies_.empty() && !(copies_[0].home.device() == home.device())) launch();
  begin_in_place("backward", home);
  bytes_ += home.numel() * size_of(home.dtype());
  copies_.push_back({home, std::move(g)});
  if (bytes_ > kMostBytes) launch();
}

void Homecoming::finish() {
  const Locked locked(lock_);
  launch();
}

void Homecoming::launch() {
  if (copies_.empty()) return;
  std::vector<kernels::FlatCopy> copies;
  for (const auto& [home, g] : copies_)
    copies.push_back({home.raw_data(), g.raw_data(), home.numel() * size_of(home.dtype())});
  on(copies_[0].home.device(), [&](auto& ctx) { kernels::flat_copy(ctx, copies); });
  copies_.clear();
  bytes_ = 0;
}

}  // namespace kiln::autograd
