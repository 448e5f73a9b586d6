#pragma once

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace kiln::tools {

// The verbs of an image project: data, train, evaluate, predict. `status` is what the program ends with.
void add_data(CLI::App& app, int& status);
// Of `kiln data`.
void add_composite(CLI::App& data);
void add_train(CLI::App& app, int& status, int argc, const char* const* argv);
void add_evaluate(CLI::App& app);
void add_predict(CLI::App& app);

}  // namespace kiln::tools
