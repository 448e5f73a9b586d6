#include <algorithm>
#include <map>

#include <kiln/io/bytes/little_endian.h>

#include "fuzz/mutate/mutation.h"
#include "fuzz/mutate/small_files.h"
#include "fuzz/mutate/storages.h"
#include "fuzz/mutate/zip_parts.h"

namespace kiln::fuzz {
namespace {

constexpr const char* kNames[] = {"data.pkl",
                                  "version",
                                  "byteorder",
                                  ".data/version",
                                  "data/0",
                                  "data/1",
                                  "data/2",
                                  "constants.pkl",
                                  "model.json",
                                  "tensors/0",
                                  "code/x.py",
                                  ".format_version",
                                  ".storage_alignment",
                                  ".data/serialization_id",
                                  "x.npy",
                                  "folder/",
                                  "../data.pkl",
                                  "data\\0",
                                  ""};
constexpr const char* kSmallTexts[] = {"3\n",    "10\n", "0\n", "-1\n", "99999999999\n",
                                       "little", "big",  "bi",  ""};

class ZipMutator {
 public:
  ZipMutator(ZipParts* zip, Mutation& mutation) : zip_(*zip), mutation_(mutation), random_(mutation.random) {}

  void change() {
    static constexpr Kind kKinds[] = {
        {"name", &ZipMutator::name},
        {"new record", &ZipMutator::new_record},
        {"repeat", &ZipMutator::repeat},
        {"remove", &ZipMutator::remove},
        {"swap", &ZipMutator::swap},
        {"method", &ZipMutator::method},
        {"form", &ZipMutator::form},
        {"form", &ZipMutator::form},
        {"gap", &ZipMutator::gap},
        {"archive in archive", &ZipMutator::nest},
        {"two archives", &ZipMutator::append},
        {"records of another", &ZipMutator::borrow},
    };
    static constexpr Kind kContent = {"content", &ZipMutator::content};
    const Kind& kind = random_.one_in(3) ? random_.of(kKinds) : kContent;
    mutation_.did(kind.name);
    (this->*kind.change)();
  }

 private:
  struct Kind {
    std::string_view name;
    void (ZipMutator::*change)();
  };

  // Pickles more often than others: most is behind them.
  ZipPart& any() {
    if (random_.one_in(2))
      for (ZipPart& part : zip_.parts)
        if (part.name.ends_with(".pkl")) return part;
    return random_.of(zip_.parts);
  }

  void content() {
    ZipPart& part = any();
    std::string made;
    if (part.name.ends_with(".npy")) made = mutate_npy(part.content, mutation_);
    if (part.name.ends_with(".pkl")) made = mutate_pickle(part.content, mutation_);
    const bool is_data = part.name.ends_with("/data.pkl") && !made.empty() && !random_.one_in(6);
    if (part.name.ends_with(".json")) made = mutate_index(part.content, mutation_);
    if (made.empty() && part.content.size() < 20 && random_.one_in(2)) made = random_.of(kSmallTexts);
    const size_t before = part.content.size();
    part.content = made.empty() ? mutation_.blindly(part.content) : made;
    if (made.empty() && !random_.one_in(4)) part.content.resize(before);
    if (is_data) lay_storages(made);
  }

  // Those that the pickle names, of the sizes that it gives them.
  void lay_storages(const std::string& pickle) {
    const std::string before = folder() + "data/";
    std::map<std::string, ZipPart> known;
    for (const ZipPart& part : zip_.parts)
      if (part.name.starts_with(before)) known.emplace(part.name, part);
    std::erase_if(zip_.parts, [&](const ZipPart& part) { return part.name.starts_with(before); });
    for (const NamedStorage& storage : named_storages(pickle)) {
      const std::string name = before + storage.key;
      ZipPart part = known.contains(name) ? known[name] : ZipPart{.name = name, .content = ""};
      part.content.resize(storage.bytes, filling(storage.key));
      zip_.parts.push_back(std::move(part));
    }
  }

  std::string folder() const {
    const std::string& first = zip_.parts[0].name;
    return first.substr(0, first.find('/') + 1);
  }
  void name() {
    ZipPart& part = any();
    const std::string before = part.name;
    switch (random_.below(4)) {
      case 0:
        part.name = random_.of(zip_.parts).name;
        break;
      case 1:
        part.name = mutation_.blindly(part.name);
        break;
      default:
        part.name = folder() + random_.of(kNames);
    }
    if (random_.one_in(8)) part.local_name = before;
  }
  void new_record() {
    const std::string small[] = {random_.of(kSmallTexts), small_file(mutation_),
                                 std::string(random_.below(64), '\1')};
    insert({.name = folder() + random_.of(kNames), .content = random_.of(small)});
  }
  void insert(ZipPart part) {
    zip_.parts.insert(zip_.parts.begin() + ptrdiff_t(random_.below(zip_.parts.size() + 1)), std::move(part));
  }
  void repeat() {
    ZipPart copy = any();
    if (random_.one_in(2)) copy.name = folder() + random_.of(kNames);
    insert(std::move(copy));
  }
  void remove() {
    if (zip_.parts.size() > 1)
      zip_.parts.erase(zip_.parts.begin() + ptrdiff_t(random_.below(zip_.parts.size())));
  }
  void swap() {
    ZipPart &a = random_.of(zip_.parts), &b = random_.of(zip_.parts);
    random_.one_in(2) ? std::swap(a, b) : std::swap(a.content, b.content);
  }
  void method() {
    ZipPart& part = any();
    part.deflated = !part.deflated;
  }

  // What else the format has.
  void form() {
    ZipPart& part = any();
    switch (random_.below(8)) {
      case 0:
        part.is_zip64 = !part.is_zip64;
        break;
      case 1:
        zip_.is_zip64 = !zip_.is_zip64;
        break;
      case 2:
        part.has_descriptor = !part.has_descriptor;
        break;
      case 3:
        part.has_checksum = !part.has_checksum;
        break;
      case 4:
        part.is_damaged = true;
        break;
      case 5:
        zip_.comment = random_.one_in(2) ? "a comment" : mutation_.blindly("PK\5\6");
        break;
      default:  // an extra field of padding, and one of a path
        const size_t id = random_.one_in(2) ? 0x4246 : 0x7075, bytes = random_.below(70);
        (random_.one_in(2) ? part.extra : part.local_extra) +=
            io::little_endian(id, 2) + io::little_endian(bytes, 2) + std::string(bytes, 'Z');
    }
  }
  void gap() {
    const std::string bytes =
        random_.one_in(2) ? std::string(1 + random_.below(40), '\0') : mutation_.blindly("PK\3\4");
    std::string* const places[] = {&any().before, &zip_.parts[0].before, &zip_.before_directory,
                                   &zip_.behind};
    *random_.of(places) = bytes;
  }
  void nest() { any().content = small_file(mutation_); }
  void append() { zip_.behind = small_file(mutation_); }
  void borrow() {
    ZipParts other;
    if (!read_zip_parts(mutation_.other(), &other)) return;
    ZipPart part = random_.of(other.parts);
    if (random_.one_in(2)) return insert(std::move(part));
    any().content = std::move(part.content);
  }

  ZipParts& zip_;
  Mutation& mutation_;
  Random& random_;
};

}  // namespace

std::string mutate_zip(std::string_view bytes, Mutation& mutation) {
  ZipParts zip;
  if (!read_zip_parts(bytes, &zip)) return "";
  ZipMutator(&zip, mutation).change();
  return write_zip(zip);
}

}  // namespace kiln::fuzz
