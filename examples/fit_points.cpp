#include <fmt/format.h>

#include <kiln/kiln.h>
#include <kiln/tools/command_line.h>

// Fits a curve through 15 points, saves the model, loads it into a new one, and draws both.

using namespace kiln;

struct Net : nn::Module {
  nn::Linear hidden{1, 3}, output{3, 1};
  NN_MEMBERS(hidden, output)
  Tensor forward(const Tensor& x) { return output(relu(hidden(x))); }
};

int run(const std::string& out) {
  const std::vector<double> xs = {3.3,  4.4,   5.5,   6.71,   6.93,  4.168, 9.779, 6.182,
                                  7.59, 2.167, 7.042, 10.791, 5.313, 7.997, 3.1};
  const std::vector<double> ys = {1.7,  2.76,  2.09,  3.19,  1.694, 1.573, 3.366, 2.596,
                                  2.53, 1.221, 2.827, 3.465, 1.65,  2.904, 1.3};
  const Tensor x = from_values(xs, {15, 1}).to(float32), y = from_values(ys, {15, 1}).to(float32);

  manual_seed(1);
  Net net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.01});
  for (int epoch = 0; epoch < 2000; ++epoch) {
    optimizer.zero_grad();
    mse_loss(net(x), y).backward();
    optimizer.step();
  }
  io::save(out + ".kiln", net.state_dict());

  Net loaded;
  loaded.load_state_dict(io::load(out + ".kiln").as_state_dict());
  const NoGrad scope;
  fmt::print("loss of the trained model: {:.9g}\n", mse_loss(net(x), y).item<float>());
  fmt::print("loss of the loaded model:  {:.9g}\n", mse_loss(loaded(x), y).item<float>());

  const Tensor line = linspace(2, 11, 91);
  io::Plot plot({.title = "Points and fitted curve", .x_label = "x", .y_label = "y"});
  plot.points("points", xs, ys);
  plot.line("fit", line.to_vector<double>(), loaded(line.unsqueeze(1)).to_vector<double>());
  plot.save(out + ".svg");
  return 0;
}

int main(int argc, char** argv) {
  std::string out = "fit_points";
  CLI::App app("Fits a curve through 15 points and draws it.", "fit_points");
  app.add_option("--out", out, "begin of the names of the files written: OUT.kiln and OUT.svg")
      ->capture_default_str();
  if (const auto ended = tools::parse_command_line(app, argc, argv)) return *ended;
  return train::run_program("fit_points", [&] { return run(out); });
}
