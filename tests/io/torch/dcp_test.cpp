#include <doctest/doctest.h>

#include <kiln/autograd/ops.h>
#include <kiln/io/look.h>
#include <kiln/io/open.h>
#include <kiln/tensor/base/fail.h>
#include <kiln/tensor/cpu/allocator.h>

#include "support/archive.h"
#include "support/files.h"
#include "support/pickle_pieces.h"

// Folders of torch.distributed.checkpoint by hand: what .metadata says, and what the files have.

namespace kiln {
namespace {

using namespace std::string_literals;
using test::call, test::global, test::number, test::numbers, test::storage, test::text;

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string dict(const Fields& fields) {
  std::string made = "}(";
  for (const auto& [name, value] : fields) made += name + value;
  return made + "u";
}
std::string object(const std::string& name, const Fields& fields) {
  Fields named;
  for (const auto& [key, value] : fields) named.push_back({text(key), value});
  return global("torch.distributed.checkpoint.metadata", name) + ")\x81" + dict(named) + "b";
}

// torch.save of a row of floats: 1, 2, ...
std::string blob(int64_t count) {
  std::string data;
  for (int64_t i = 0; i < count; ++i) {
    const float x = float(i + 1);
    data.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  const std::string tensor = call("torch._utils", "_rebuild_tensor_v2",
                                  {storage("Float", "0", count), number(0), numbers({count}), numbers({1}),
                                   "\x89", global("collections", "OrderedDict") + ")R"});
  return test::Archive()
      .add("x/data.pkl", "\x80\2" + tensor + ".")
      .add("x/version", "3")
      .add("x/data/0", data)
      .finish();
}

// A tensor of one row in parts of these sizes.
std::string stored(const std::string& dtype, const std::vector<int64_t>& sizes) {
  int64_t size = 0;
  std::string chunks = "](";
  for (const int64_t part : sizes) {
    chunks += object("ChunkStorageMetadata", {{"offsets", numbers({size})}, {"sizes", numbers({part})}});
    size += part;
  }
  return object("TensorStorageMetadata",
                {{"properties", object("TensorProperties", {{"dtype", global("torch", dtype)}})},
                 {"size", numbers({size})},
                 {"chunks", chunks + "e"}});
}
std::pair<std::string, std::string> place(const std::string& name, int64_t offset, const std::string& file,
                                          int64_t begin, size_t bytes) {
  return {
      object("MetadataIndex", {{"fqn", text(name)}, {"offset", numbers({offset})}}),
      object("_StorageInfo",
             {{"relative_path", text(file)}, {"offset", number(begin)}, {"length", number(int64_t(bytes))}})};
}
std::string metadata(const Fields& state, const Fields& places) {
  Fields named;
  for (const auto& [name, value] : state) named.push_back({text(name), value});
  return "\x80\2" +
         object("Metadata", {{"state_dict_metadata", dict(named)}, {"storage_data", dict(places)}}) + ".";
}

// But for that of missing checksums.
std::string warnings_of(const std::string& folder) {
  std::string all;
  io::verify(folder, {.warn = [&](const std::string& warning) {
               if (!test::contains(warning, "no checksum")) all += warning + "\n";
             }});
  return all;
}

const std::string kTwo = blob(2), kThree = blob(3);

}  // namespace

TEST_CASE("dcp: verify compares each part with what the index says of it") {
  const test::TemporaryFolder folder;
  folder.write("0.distcp", kTwo + kThree);
  const auto index = [&](const std::string& tensor, int64_t first, int64_t second) {
    const auto bytes = [](int64_t at) { return at == 0 ? kTwo.size() : kThree.size(); };
    folder.write(".metadata", metadata({{"w", tensor}}, {place("w", 0, "0.distcp", first, bytes(first)),
                                                         place("w", 2, "0.distcp", second, bytes(second))}));
  };
  const int64_t behind = int64_t(kTwo.size());
  const std::string good = stored("float32", {2, 3});
  index(good, 0, behind);
  CHECK(warnings_of(folder.path()).empty());
  for (const Value& value :
       {io::load(folder.path()), io::load(folder.path(), {.map = true}), io::open(folder.path()).value()})
    CHECK(value.at("w").as_tensor().to_vector<float>() == std::vector<float>{1, 2, 1, 2, 3});
  io::save(folder / "copy.kiln", io::look(folder.path()));
  CHECK(io::load(folder / "copy.kiln") == io::load(folder.path()));

  const auto both_say = [&](const char* message) {
    CHECK(test::contains(test::error_of([&] { io::load(folder.path()); }), message));
    CHECK(test::contains(test::error_of([&] { io::verify(folder.path()); }), message));
  };
  index(good, behind, 0);
  both_say("says float32 of shape [2] for a part of 'w', the file '0.distcp' has other things there");
  index(stored("int32", {2, 3}), 0, behind);
  both_say("says int32 of shape [2] for a part of 'w'");
  index(stored("complex32", {2, 3}), 0, behind);
  both_say("says complex32 of shape [2] for a part of 'w'");
}

TEST_CASE("dcp: what no value needs is reported, and damage in it is found") {
  const test::TemporaryFolder folder;
  const auto begin = int64_t(kTwo.size());
  const auto one = place("w", 0, "0.distcp", 0, kTwo.size());
  const Fields state = {{"w", stored("float32", {2})}};
  folder.write(".metadata", metadata(state, {one}));
  folder.write("0.distcp", kTwo);
  CHECK(warnings_of(folder.path()).empty());

  folder.write("0.distcp", kTwo + "0123456789");
  std::string warnings = warnings_of(folder.path());
  CHECK_MESSAGE(test::contains(warnings, fmt::format("10 bytes in 1 file are no part that '.metadata' names, "
                                                     "the first at byte {} of '0.distcp'\n",
                                                     begin)),
                warnings);
  folder.write("0.distcp", kTwo);
  folder.write("2.distcp", kTwo);
  folder.write("1.distcp", kTwo);
  warnings = warnings_of(folder.path());
  CHECK_MESSAGE(test::contains(warnings, "2 files are not named by '.metadata', '1.distcp' is the first\n"),
                warnings);

  folder.write(".metadata", metadata(state, {one, place("v", 0, "1.distcp", 0, kThree.size()),
                                             place("w", 9, "2.distcp", 0, kTwo.size())}));
  folder.write("1.distcp", kThree);
  warnings = warnings_of(folder.path());
  CHECK_MESSAGE(test::contains(warnings, "2 of 3 parts belong to nothing in the value, the first to 'v'\n"),
                warnings);
  CHECK(io::load(folder.path()).size() == 1);
  folder.write("1.distcp", kThree.substr(0, kThree.size() - 1) + "!");
  CHECK(!test::error_of([&] { io::verify(folder.path()); }).empty());
}

TEST_CASE("dcp: parts as safetensors are called what they are") {
  const test::TemporaryFolder folder;
  io::save(folder / "0.safetensors", Value{{"w", tensor({1.f, 2.f})}});
  folder.write("0.distcp", test::read_file(folder / "0.safetensors"));
  folder.write(".metadata", metadata({{"w", stored("float32", {2})}}, {place("w", 0, "0.distcp", 0, 8)}));
  CHECK(test::contains(test::error_of([&] { io::load(folder.path()); }), "was written as safetensors"));
}

TEST_CASE("dcp: verify needs no memory for the tensors, a copy that of one") {
  const test::TemporaryFolder folder;
  constexpr int64_t kCount = 2 << 20, kBytes = kCount * 4, kBeside = 1 << 20;
  const std::string large = blob(kCount);
  folder.write("0.distcp", large + large + large);
  Fields state, places;
  for (int64_t i = 0; i < 3; ++i) {
    const std::string name(1, char('a' + i));
    state.push_back({name, stored("float32", {kCount})});
    places.push_back(place(name, 0, "0.distcp", i * int64_t(large.size()), large.size()));
  }
  folder.write(".metadata", metadata(state, places));
  const auto held_by = [](auto&& f) {
    host::empty_cache();
    const int64_t before = host::memory_statistics().held_bytes;
    f();
    return host::memory_statistics().held_bytes - before;  // what is freed is still held
  };
  CHECK(held_by([&] { io::verify(folder.path()); }) <= kBeside);
  CHECK(held_by([&] { io::save(folder / "x.kiln", io::look(folder.path())); }) <= kBytes * 5 / 4 + kBeside);
  CHECK(io::load(folder / "x.kiln") == io::load(folder.path()));
}

}  // namespace kiln
