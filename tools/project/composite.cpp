#include <CLI/CLI.hpp>
#include <memory>

#include <kiln/project/composite.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tools/output.h>
#include <kiln/tools/progress_bar.h>
#include <kiln/tools/project/verbs.h>

namespace kiln::tools {
namespace {

struct CompositeWords {
  std::vector<int64_t> objects = {1};
  std::vector<double> scale = {0.3, 0.8};
  double degrees = 0;
  bool json = false, mirror = true;
  project::CompositeOptions options;
};

void composite(const CompositeWords& words) {
  project::CompositeOptions options = words.options;
  options.least = words.objects.front();
  options.most = words.objects.back();
  if (!(words.scale.front() > 0 && words.scale.front() <= words.scale.back()))
    fail("--scale is {} to {}, and should be two rising numbers above 0", words.scale.front(),
         words.scale.back());
  options.strew.scale = {words.scale.front(), words.scale.back()};
  options.strew.degrees = words.degrees;
  if (!words.mirror) options.strew.mirrored = 0;
  ProgressBar bar("composing");
  options.progress = bar.callback();
  const data::Annotations made = project::composite(options);
  std::vector<int64_t> counts(made.classes.size(), 0);
  for (const data::AnnotatedImage& image : made.images)
    for (const data::ObjectBox& box : image.boxes) ++counts[size_t(box.label)];
  const std::string manifest = options.out + "/manifest.jsonl";
  Value objects = Value::dict();
  std::string text = fmt::format("{} pictures", made.images.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    text += fmt::format("  {} {}", made.classes[i], counts[i]);
    objects[made.classes[i]] = counts[i];
  }
  if (words.json)
    return print_json({{"out", manifest}, {"pictures", int64_t(made.images.size())}, {"objects", objects}});
  print(text + "\n" + manifest + "\n");
}

}  // namespace

void add_composite(CLI::App& data) {
  const auto words = std::make_shared<CompositeWords>();
  CLI::App* command =
      data.add_subcommand("composite", "Makes pictures: objects that were cut out, strewn on backgrounds");
  command
      ->add_option("cutouts", words->options.objects,
                   "a folder of class folders of pictures with alpha (PNG)")
      ->required();
  command->add_option("backgrounds", words->options.backgrounds, "a folder of pictures")->required();
  command->add_option("--out", words->options.out, "a folder for pictures and manifest.jsonl")->required();
  command->add_option("--count", words->options.count, "pictures to make")->capture_default_str();
  command
      ->add_option("--objects", words->objects, "objects of a picture: a number, or the least and the most")
      ->expected(1, 2);
  command
      ->add_option(
          "--scale", words->scale,
          "of an object's longer side to the background's shorter one: a number, or from .. to (0.3 0.8)")
      ->expected(1, 2);
  command->add_option("--degrees", words->degrees, "turned by up to so many, either way");
  command->add_flag("!--no-mirror", words->mirror, "never left for right");
  command->add_option("--size", words->options.size, "pixels of a square background; 0: as it is");
  command->add_option("--seed", words->options.seed, "another seed, other pictures");
  command->add_flag("--masks", words->options.masks, "with the objects' masks in the manifest");
  command->add_option("--threads", words->options.threads, "0: as many as the machine has");
  command->add_flag("--json", words->json, "JSON instead of text");
  command->footer(
      "Example: kiln data composite cutouts rooms --count 500 --objects 1 3 --degrees 20 --out scenes");
  command->callback([=] { composite(*words); });
}

}  // namespace kiln::tools
