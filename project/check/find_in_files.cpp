#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include <kiln/project/check/find.h>

namespace kiln::project {
namespace {

using Level = Finding::Level;

std::string ending_of(const std::string& path) {
  const size_t dot = path.rfind('.'), slash = path.rfind('/');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) return "";
  std::string ending = path.substr(dot + 1);
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return ending;
}

// Endings that say a format; others say nothing.
struct Ending {
  std::string_view text;
  image::Format format;
};
constexpr std::array<Ending, 11> kEndings = {{{"jpg", image::Format::jpeg},
                                              {"jpeg", image::Format::jpeg},
                                              {"jpe", image::Format::jpeg},
                                              {"png", image::Format::png},
                                              {"bmp", image::Format::bmp},
                                              {"gif", image::Format::gif},
                                              {"tga", image::Format::tga},
                                              {"psd", image::Format::psd},
                                              {"ppm", image::Format::pnm},
                                              {"pgm", image::Format::pnm},
                                              {"pbm", image::Format::pnm}}};

void look_at_name(const std::string& path, const PictureFacts& facts, Check& check) {
  const std::string ending = ending_of(path);
  for (const Ending& known : kEndings)
    if (known.text == ending && known.format != facts.info.format)
      check.findings.push_back({Level::error,
                                "wrong ending",
                                fmt::format("{} is a {} picture", path, image::name_of(facts.info.format)),
                                {path}});
}

void look_at_size(const std::string& path, const image::Info& info, const CheckOptions& options,
                  Check& check) {
  const auto [shorter, longer] = std::minmax(info.width, info.height);
  if (shorter < options.least_size || double(longer) > options.most_aspect * double(shorter))
    check.findings.push_back({Level::warning,
                              "odd size",
                              fmt::format("{} has {} x {} pixels", path, info.width, info.height),
                              {path}});
  if (info.orientation != 1)
    check.findings.push_back(
        {Level::warning,
         "turned",
         fmt::format(
             "{} is shown turned by programs that follow EXIF (orientation {}), and read as it is stored",
             path, info.orientation),
         {path}});
}

void widen(const image::Info& info, bool first, Check& check) {
  check.least_width = first ? info.width : std::min(check.least_width, info.width);
  check.least_height = first ? info.height : std::min(check.least_height, info.height);
  check.most_width = std::max(check.most_width, info.width);
  check.most_height = std::max(check.most_height, info.height);
}

}  // namespace

void find_in_files(const data::Annotations& set, const std::vector<PictureFacts>& facts,
                   const CheckOptions& options, Check& check) {
  bool first = true;
  for (size_t i = 0; i < facts.size(); ++i) {
    const std::string& path = set.images[i].path;
    check.bytes += facts[i].bytes;
    if (!facts[i].error.empty()) {
      ++check.unreadable;
      check.findings.push_back(
          {Level::error, "unreadable", fmt::format("{}: {}", path, facts[i].error), {path}});
      continue;
    }
    look_at_name(path, facts[i], check);
    look_at_size(path, facts[i].info, options, check);
    widen(facts[i].info, std::exchange(first, false), check);
  }
  for (const std::string& path : options.unnamed)
    check.findings.push_back(
        {Level::warning, "without a label", fmt::format("{} is not in the set", path), {path}});
}

}  // namespace kiln::project
