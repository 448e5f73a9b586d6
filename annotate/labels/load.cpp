#include <kiln/annotate/labels/load.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include <kiln/annotate/labels/find_pictures.h>
#include <kiln/data/annotations/manifest.h>
#include <kiln/data/sets/file.h>
#include <kiln/io/bytes/file.h>
#include <kiln/project/open_data.h>

namespace kiln::annotate {
namespace {

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// From the folder where it lies there, else absolute.
std::string path_from(const std::string& folder, const std::string& path) {
  const std::string whole = data::absolute_path(path), base = data::absolute_path(folder) + "/";
  if (whole.starts_with(base)) return whole.substr(base.size());
  const std::filesystem::path real(whole);
  std::error_code error;  // a folder that is reached by a link
  const std::string other =
      std::filesystem::weakly_canonical(real.parent_path(), error).string() + "/" + real.filename().string();
  const std::string real_base = std::filesystem::canonical(folder, error).string() + "/";
  return !error && other.starts_with(real_base) ? other.substr(real_base.size()) : whole;
}

class Loader {
 public:
  explicit Loader(const Place& place) : place_(place) {
    if (!data::is_folder(place.folder)) fail("annotate: '{}' is no folder", place.folder);
    for (const std::string& path : find().paths) add(path);
  }

  Loaded take() {
    const bool has_labels = is_there(labels_path(place_));
    if (has_labels)
      put(data::read_manifest(labels_path(place_), {.allow_outside = true}));
    else
      begin();
    if (has_labels && !(place_.data.empty() && !place_.from_folders))
      note("what was there before is in '{}' already: --data and --from-folders are passed over",
           labels_path(place_));
    for (const std::string& name : place_.classes) loaded_.classes.add(name);
    loaded_.is_saved = has_labels && loaded_.classes.names().size() == known_classes_;
    replay(has_labels);
    return std::move(loaded_);
  }

 private:
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) const {
    if (place_.note) place_.note(fmt::format(format, std::forward<Args>(args)...));
  }

  Found find() const {
    Found found = find_pictures(place_.folder);
    if (found.outside > 0) note("{} links lead out of '{}' and are left out", found.outside, place_.folder);
    return found;
  }

  Picture& add(const std::string& path) {
    const auto [at, is_new] = places_.try_emplace(path, loaded_.pictures.size());
    if (is_new) {
      loaded_.pictures.push_back({.id = id_of(path), .image = {.path = path}});
      if (!ids_.insert(loaded_.pictures.back().id).second)
        fail("annotate: two pictures have the id {}; give '{}' another name", loaded_.pictures.back().id,
             path);
    }
    return loaded_.pictures[at->second];
  }

  // What a file says of pictures.
  void put(const data::Annotations& known) {
    loaded_.classes = data::ClassNames(known.classes, "annotate");
    known_classes_ = known.classes.size();
    int64_t missing = 0;
    for (const data::AnnotatedImage& image : known.images) {
      const std::string path = path_from(place_.folder, known.path_of(image));
      missing += places_.contains(path) ? 0 : 1;
      Picture& picture = add(path);
      picture.image = image;
      picture.image.path = path;
      picture.is_listed = true;
      if (!image.labels.empty() || !image.boxes.empty()) picture.mark = Mark::done;
    }
    if (missing > 0)
      note("{} pictures of {} are named that are not in '{}'", missing, known.images.size(), place_.folder);
  }

  // There is no labels file yet.
  void begin() {
    if (!place_.data.empty()) {
      put(project::open_data(place_.data, {.allow_outside = true}));
    } else if (place_.from_folders) {
      for (Picture& picture : loaded_.pictures) {
        const size_t slash = picture.image.path.find('/');
        if (slash == std::string::npos) continue;
        picture.image.labels = {loaded_.classes.add(picture.image.path.substr(0, slash))};
        picture.mark = Mark::done;
      }
    }
  }

  void replay(bool has_labels) {
    const std::string path = journal_path(place_);
    if (!is_there(path)) return;
    const io::InputFile file(path);  // a line that was cut off need not be text
    Journalled journal =
        parse_journal(file.read(0, file.size()), loaded_.classes, "annotate: '" + path + "'");
    loaded_.classes = journal.classes;
    loaded_.journal_bytes = int64_t(journal.bytes);
    int64_t saved = 0;
    for (const Change& change : journal.changes) saved = std::max(saved, has_labels ? change.saved : 0);
    std::unordered_map<std::string, const Change*> last_in_file;
    for (const Change& change : journal.changes) {
      if (change.saved >= 0) continue;
      loaded_.number = change.number;
      if (change.number > saved) loaded_.is_saved = false;
      if (change.added.empty() && change.number <= saved) last_in_file[change.path] = &change;
    }
    for (const auto& [name, change] : last_in_file) complete(*change);
    for (const Change& change : journal.changes)
      if (change.number > saved && change.added.empty()) sign(change).put(change.work);
  }

  Picture& sign(const Change& change) {
    Picture& picture = add(change.path);
    picture.revision = change.number;
    picture.who = change.who;
    picture.when = change.when;
    return picture;
  }

  // The labels file has this change, and may have been edited since: the journal is asked only for what the
  // file cannot say.
  void complete(const Change& change) {
    Picture& picture = sign(change);
    if (picture.mark == Mark::done) return;
    if (change.work.mark != Mark::done)
      picture.put(change.work);
    else if (picture.is_listed)
      picture.mark = Mark::done;  // with nothing to see in it
  }

  const Place& place_;
  Loaded loaded_;
  std::unordered_map<std::string, size_t> places_;
  std::unordered_set<std::string> ids_;
  size_t known_classes_ = 0;
};

}  // namespace

std::string labels_path(const Place& place) {
  const std::string path =
      place.labels.empty() ? data::join_path(place.folder, "labels.jsonl") : place.labels;
  if (!path.ends_with(".jsonl")) fail("annotate: the labels file '{}' should end in .jsonl", path);
  return path;
}

std::string journal_path(const Place& place) { return labels_path(place) + ".journal"; }

Loaded load(const Place& place) { return Loader(place).take(); }

data::Annotations annotations_of(const Place& place, const std::vector<Picture>& pictures,
                                 const std::vector<std::string>& classes) {
  data::Annotations set = {.folder = place.folder, .classes = classes, .images = {}};
  for (const Picture& picture : pictures) {
    const data::AnnotatedImage& image = picture.image;
    const bool has_place = !image.split.empty() || !image.group.empty() || !image.slice.empty();
    if (picture.mark == Mark::done)
      set.images.push_back(image);
    else if (picture.is_listed && has_place)
      set.images.push_back({.path = image.path,
                            .width = image.width,
                            .height = image.height,
                            .split = image.split,
                            .group = image.group,
                            .slice = image.slice,
                            .weight = image.weight});
  }
  return set;
}

}  // namespace kiln::annotate
