#pragma once

namespace kiln::test {

// Around each test case; the second says whether nothing went wrong that the case did not notice.
void begin_case();
bool end_case();

}  // namespace kiln::test
