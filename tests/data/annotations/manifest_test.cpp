#include <doctest/doctest.h>

#include <kiln/data/annotations/manifest.h>

#include "data/annotations/sample.h"

namespace kiln {
namespace {

using test::contains;
using test::error_of;

data::Annotations read_text(const std::string& ending, const std::string& text,
                            const data::AnnotationOptions& options = {}) {
  const test::TemporaryFolder folder(test::memory_folder());
  return data::read_manifest(folder.write("m" + ending, text), options);
}

}  // namespace

TEST_CASE("manifest: everything comes back from .jsonl") {
  const test::TemporaryFolder folder;
  const data::Annotations made = test::full_annotations(folder.path());
  data::write_manifest(folder / "all.jsonl", made);
  CHECK(data::read_manifest(folder / "all.jsonl") == made);
}

TEST_CASE("manifest: a table keeps all but classes that nothing has, and their order") {
  const test::TemporaryFolder folder;
  const data::Annotations made = test::full_annotations(folder.path());
  for (const char* name : {"all.csv", "all.tsv"}) {
    data::write_manifest(folder / name, made);
    CHECK(data::read_manifest(folder / name, {.classes = made.classes}) == made);
    const data::Annotations sorted = data::read_manifest(folder / name);
    CHECK(sorted.classes == std::vector<std::string>{"cat, \"big\"", "zebra", "Ünicode"});
    CHECK(sorted.images[0].labels == std::vector<int64_t>{0});
  }
  // From another folder pictures are absolute, from one above relative.
  folder.write("below/x.png", "");
  data::write_manifest(folder / "m.csv", {folder / "below", {}, {{.path = "x.png"}}});
  CHECK(data::read_manifest(folder / "m.csv").images[0].path == "below/x.png");
  data::write_manifest(folder / "below/m.csv", {folder.path(), {}, {{.path = "y.png"}}});
  CHECK(data::read_manifest(folder / "below/m.csv", {.allow_outside = true}).images[0].path ==
        folder / "y.png");
}

TEST_CASE("manifest: a table as RFC 4180 and spreadsheets write it") {
  const data::Annotations read = read_text(
      ".csv",
      "\xEF\xBB\xBFlabel,path,notes\r\n\"a\"\"b\",\"x\r\ny.png\",1\r\n\r\n10,z.png,\r\n9,w.png,\"\"\r");
  REQUIRE(read.images.size() == 3);
  CHECK(read.images[0].path == "x\r\ny.png");
  CHECK(read.classes == std::vector<std::string>{"10", "9", "a\"b"});
  const data::Annotations numbers = read_text(".tsv", "path\tlabel\nx\t10\ny\t9\nz\t9");
  CHECK(numbers.classes == std::vector<std::string>{"9", "10"});
  CHECK(numbers.images[0].labels == std::vector<int64_t>{1});
  CHECK(read_text(".csv", "path\n").images.empty());
}

TEST_CASE("manifest: what is damaged is named by its line") {
  const std::pair<const char*, const char*> tables[] = {
      {"", "is empty"},
      {"file,label\nx,1\n", "line 1 names no column 'path', only 'file', 'label'"},
      {"path,path\n", "twice"},
      {"path,label\nx\n", "line 2: 1 fields, line 1 names 2 columns"},
      {"path\n\"x\n", "line 2: a quote is not closed"},
      {"path\n\"x\"y\n", "line 2: something follows a closing quote"},
      {"path\nx\"y\n", "line 2: a quote stands inside"},
      {"path\n\xff\n", "UTF-8"},
      {"path,label\nx,1\ny,2\nx,3\n", "line 4: 'x' stands in line 2 already"},
      {"path\n/etc/passwd\n", "line 2: the path '/etc/passwd' is absolute"},
      {"path\na/../../b\n", "leaves the folder"},
      {"path,weight\nx,-1\n", "line 2: the weight -1 is negative"},
      {"path,weight\nx,many\n", "'weight' is no number: 'many'"},
      {"path,width\nx,99999999999\n", "no size in pixels"},
      {"path,boxes\nx,[{}]\n", "a box has no 'box'"},
      {"path,boxes\nx,\"[{\"\"box\"\":[1,1,9,1],\"\"label\"\":\"\"a\"\",\"\"mask\"\":{\"\"size\"\":[2,2],"
       "\"\"counts\"\":\"\"\"\"}}]\"\n",
       "has a mask of 2 x 2 whose runs are 0 pixels"},
      {"path,width,height,boxes\nx,5,5,\"[{\"\"box\"\":[1,1,9,1],\"\"label\"\":\"\"a\"\"}]\"\n",
       "line 2: the box 9 x 1 at (1, 1) is outside of the picture of 5 x 5"},
  };
  for (const auto& row : tables) {
    const std::string error = error_of([&] { read_text(".csv", row.first); });
    CAPTURE(error);
    CHECK(contains(error, row.second));
    CHECK(contains(error, "/m.csv"));
  }
  CHECK(contains(error_of([] { read_text(".jsonl", "{\"path\":\"x\"}\n[1]\n"); }),
                 "line 2: is no JSON object"));
  CHECK(contains(error_of([] { read_text(".jsonl", "{\"path\":7}"); }), "line 1: 'path' is no text"));
  CHECK(contains(error_of([] {
                   read_text(".jsonl", "{\"path\":\"x\",\"boxes\":[{\"box\":[1,2,NaN,4],\"label\":\"a\"}]}");
                 }),
                 "line 1 is not valid JSON"));
  CHECK(contains(error_of([] { read_text(".jsonl", std::string(100000, '[')); }), "nested deeper"));
  CHECK(contains(error_of([] { read_text(".xls", "path\n"); }), "a manifest is a .csv, .tsv or .jsonl"));
  CHECK(contains(error_of([] { read_text(".csv", "path,label\nx,dog\n", {.classes = {"cat"}}); }),
                 "'dog' is none of the 1"));
  CHECK(read_text(".csv", "path\n/abs\n", {.allow_outside = true}).images.size() == 1);
}

TEST_CASE("manifest: problems are told, the rest is read") {
  data::Annotations read;
  const auto told = test::problems_of([&](const data::AnnotationOptions& options) {
    read = read_text(".csv", "path,label,weight\na,1,\n/b,2,\nc,3,x\na,4,\nd,5,2\n", options);
  });
  CHECK(told.size() == 3);
  CHECK(read.images.size() == 2);
}

TEST_CASE("manifest: a table of ten million columns costs no memory") {
  std::string commas;
  commas.resize(10'000'000, ',');
  const std::string error = error_of([&] { read_text(".csv", commas); });
  CHECK(contains(error, "line 1: more than 4096 columns"));
}

}  // namespace kiln
