#include <kiln/tools/serve/outcomes.h>

#include <algorithm>
#include <filesystem>

#include <kiln/autograd/ops.h>
#include <kiln/io/bytes/file.h>
#include <kiln/tensor/base/fail.h>

namespace kiln::tools {
namespace {

int64_t index_of(const std::vector<std::string>& classes, const std::string& name) {
  const auto found = std::ranges::find(classes, name);
  if (found == classes.end())
    fail("publish: the model knows no class '{}', of which there is a folder", name);
  return found - classes.begin();
}

}  // namespace

std::vector<Picture> pictures_in(const std::string& folder) {
  namespace files = std::filesystem;
  if (!files::is_directory(folder)) fail("publish: '{}' is no folder", folder);
  std::vector<Picture> pictures;
  for (const auto& group : files::directory_iterator(folder)) {
    if (!group.is_directory()) continue;
    for (const auto& file : files::directory_iterator(group.path()))
      if (file.is_regular_file())
        pictures.push_back({file.path().string(), group.path().filename().string()});
  }
  if (pictures.empty()) fail("publish: '{}' has no folders with pictures, one a class", folder);
  std::ranges::sort(pictures, {}, &Picture::path);
  return pictures;
}

std::vector<double> outcomes_of(serve::Engine& engine, const std::vector<Picture>& pictures) {
  std::vector<double> outcomes;
  for (const Picture& picture : pictures) {
    const int64_t expected = index_of(engine.info().classes, picture.class_name);
    const io::InputFile file(picture.path);
    Tensor sample;
    try {
      sample = engine.prepare(file.read(0, file.size()));
    } catch (const Error& error) {
      fail("publish: '{}': {}", picture.path, error.what());
    }
    const std::vector<float> scores = engine.run(sample.unsqueeze(0)).to_vector<float>();
    outcomes.push_back(std::ranges::max_element(scores) - scores.begin() == expected ? 1 : 0);
  }
  return outcomes;
}

}  // namespace kiln::tools
