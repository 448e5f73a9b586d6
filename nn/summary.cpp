#include <kiln/nn/summary.h>

#include <algorithm>
#include <array>

#include <kiln/autograd/ops.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::nn {

namespace detail {

namespace {

int64_t bytes_of(const Tensor& x) { return x.numel() * size_of(x.dtype()); }

}  // namespace

SummaryRun::SummaryRun(Module& model, const Shape& shape) : eval_(model) {
  TensorOptions options;
  for (const Tensor& x : model.parameters()) {
    if (summary_.parameters == 0 && x.is_floating_point()) options = like(x);
    summary_.parameters += x.numel();
    summary_.trainable += x.requires_grad() ? x.numel() : 0;
    summary_.parameter_bytes += bytes_of(x);
  }
  for (const Tensor& x : model.buffers()) summary_.buffer_bytes += bytes_of(x);
  summary_.input = shape;
  input_ = zeros(shape, {.dtype = options.dtype, .device = options.device});

  const auto modules = model.named_modules();
  for (const auto& [name, module] : modules) {
    LayerSummary layer{.name = name, .type = module.type_name()};
    const auto children = module.named_children();
    layer.has_children = !children.empty();
    for (const Tensor& x : module.parameters()) layer.parameters += x.numel();
    for (const auto& child : children)
      for (const Tensor& x : child.module.parameters()) layer.parameters -= x.numel();
    summary_.layers.push_back(std::move(layer));
  }
  for (size_t row = 0; row < modules.size(); ++row) watch(modules[row].module, row);
}

void SummaryRun::watch(Module& module, size_t row) {
  const auto look = [this, row](Module& self, const Tensors& inputs, Tensors& outputs) {
    LayerSummary& layer = summary_.layers[row];
    ++layer.calls;
    const int64_t flops = self.flops(inputs, outputs);
    int64_t bytes = 0;
    for (const Tensor& y : outputs) bytes += bytes_of(y);
    if (!outputs.empty()) layer.output = outputs[0].shape();
    layer.flops += flops;
    layer.output_bytes += bytes;
    summary_.flops += flops;
    if (!layer.has_children) summary_.output_bytes += bytes;
  };
  watched_.push_back({&module, module.register_forward_hook(look)});
}

SummaryRun::~SummaryRun() {
  for (const Watched& watched : watched_) watched.module->remove_hook(watched.hook);
}

}  // namespace detail

namespace {

std::string with_commas(int64_t value) {
  std::string text = std::to_string(value);
  for (int64_t i = int64_t(text.size()) - 3; i > 0; i -= 3) text.insert(size_t(i), ",");
  return text;
}

std::string scaled(double value, double step, std::initializer_list<const char*> units) {
  auto unit = units.begin();
  while (value >= step && unit + 1 != units.end()) {
    value /= step;
    ++unit;
  }
  return unit == units.begin() ? fmt::format("{:.0f}{}", value, *unit)
                               : fmt::format("{:.2f}{}", value, *unit);
}
std::string bytes_text(int64_t bytes) {
  return scaled(double(bytes), 1024, {" B", " KiB", " MiB", " GiB", " TiB"});
}
std::string flops_text(int64_t flops) { return scaled(double(flops), 1000, {"", " k", " M", " G", " T"}); }

using Cells = std::array<std::string, 6>;
constexpr size_t kTextColumns = 3;  // aligned left; numbers are aligned right

Cells cells_of(const LayerSummary& layer) {
  const bool ran = layer.calls > 0;
  std::string output = ran ? to_string(layer.output) : "not run";
  if (layer.calls > 1) output += " x" + std::to_string(layer.calls);
  return {layer.name.empty() ? "(model)" : layer.name,
          layer.type,
          std::move(output),
          layer.parameters > 0 ? with_commas(layer.parameters) : "",
          layer.flops > 0 ? flops_text(layer.flops) : "",
          ran ? bytes_text(layer.output_bytes) : ""};
}

}  // namespace

std::string to_string(const Summary& summary) {
  std::vector<Cells> rows{{"layer", "type", "output", "parameters", "FLOPs", "memory"}};
  for (const LayerSummary& layer : summary.layers) rows.push_back(cells_of(layer));
  std::array<size_t, 6> widths{};
  for (const Cells& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  size_t total = 2 * (widths.size() - 1);
  for (const size_t width : widths) total += width;

  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < widths.size(); ++i) {
      const char* gap = i == 0 ? "" : "  ";
      text += i < kTextColumns ? fmt::format("{}{:<{}}", gap, rows[r][i], widths[i])
                               : fmt::format("{}{:>{}}", gap, rows[r][i], widths[i]);
    }
    text += "\n";
    if (r == 0) text += std::string(total, '-') + "\n";
  }
  text += std::string(total, '-') + "\n";
  text += fmt::format("parameters {} ({} trainable)\n", with_commas(summary.parameters),
                      with_commas(summary.trainable));
  text += fmt::format("FLOPs      {} for an input {} (multiply-adds of convolutions and products, times 2)\n",
                      flops_text(summary.flops), summary.input);
  text += fmt::format("memory     {} parameters, {} buffers, {} outputs of layers",
                      bytes_text(summary.parameter_bytes), bytes_text(summary.buffer_bytes),
                      bytes_text(summary.output_bytes));
  return text;
}

}  // namespace kiln::nn
