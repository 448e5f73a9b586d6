#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include <kiln/io/load.h>

#include "support/files.h"
#include "support/skip.h"

namespace kiln {

// The reference implementation reads what we write. Its Python is the one of KILN_PYTHON, else python3.
TEST_CASE("state file: python's safetensors reads it") {
  const char* chosen = std::getenv("KILN_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "python3";
  if (std::system((python + " -c 'import safetensors, numpy' 2>/dev/null").c_str()) != 0)
    return test::skip("python's safetensors is not installed");

  const Tensor w = tensor({{1.5, 2.5}, {3.5, 4.5}});
  Tensor nhwc = empty({1, 2, 1, 2}, {.dtype = float64, .memory_format = MemoryFormat::channels_last});
  for (int i = 0; i < 4; ++i) nhwc.data<double>()[i] = i;
  Value value = {{"model", {{"w", w}, {"tied", w}, {"nhwc", nhwc}, {"mask", tensor({true, false, true})}}},
                 {"epoch", 7}};
  for (int dtype = 0; dtype < kDTypeCount; ++dtype) {
    const Tensor zeros = empty({3, 30}, {.dtype = DType(dtype)});
    std::fill_n(static_cast<char*>(zeros.raw_data()), 90 * size_of(DType(dtype)), 0);
    value[name_of(DType(dtype))] = zeros;
  }
  const test::TemporaryFolder folder;
  for (const bool align : {true, false}) {
    io::save(folder / "x.kiln", value, {.align = align});
    const std::string command =
        python + " tests/io/state_file_python.py " + (folder / "x.kiln") + " > " + (folder / "out") + " 2>&1";
    const int status = std::system(command.c_str());
    const std::string out = test::read_file(folder / "out");
    REQUIRE_MESSAGE(status == 0, out);
    for (const char* line :
         {"format pt\n", "model.w F32 [2, 2] 12.0\n", "model.nhwc F64 [1, 2, 1, 2] 6.0\n",
          "model.mask BOOL [3] 2.0\n", "bfloat16 BF16 [3, 30] \n", "complex64 C64 [3, 30] \n",
          "complex128 F64 [3, 30, 2] 0.0\n", "float8_e4m3fn F8_E4M3 [3, 30] \n"})
      CHECK_MESSAGE(out.find(line) != std::string::npos, line, "is missing in\n", out);
    CHECK((out.find("kiln.filler") != std::string::npos) == align);
  }
}

}  // namespace kiln
