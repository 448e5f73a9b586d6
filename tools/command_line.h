#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <kiln/tensor/base/closest_word.h>

namespace kiln::tools {

// A program's words by CLI11. Nothing: they were understood, and it goes on. Else the program ends with that
// status: 0 after --help and --version, 1 after a sentence on standard error, which names a word that is
// close to a wrong one.
std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv);

namespace command_line {

// The command in use: the innermost one that was named.
inline const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : innermost(*parsed.back());
}

inline std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

inline std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

inline std::string sentence(const CLI::App& app, const CLI::Error& error) {
  const std::vector<std::string> wrong = app.remaining(), commands = commands_of(app);
  if (wrong.empty() && !commands.empty() && app.get_subcommands().empty()) {
    std::string all;
    for (const std::string& command : commands) all += (all.empty() ? "" : ", ") + command;
    return "a command is needed: " + all;
  }
  if (wrong.empty()) return error.what();
  const std::string& word = wrong[0];
  const bool is_option = word.starts_with('-') && word.size() > 1;
  if (!is_option && commands.empty()) return "'" + word + "' is one word too many";
  const std::string close = closest_word(word, is_option ? options_of(app) : commands);
  return "there is no " + std::string(is_option ? "option" : "command") + " '" + word + "'" +
         (close.empty() ? "" : "; did you mean '" + close + "'?");
}

}  // namespace command_line

inline std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return {};
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const CLI::App& command = command_line::innermost(app);
    const std::string name = app.get_name() + (&command == &app ? "" : " " + command.get_name());
    std::fprintf(stderr, "%s: %s\n%s --help tells more\n", name.c_str(),
                 command_line::sentence(command, error).c_str(), name.c_str());
    return 1;
  }
}

}  // namespace kiln::tools
