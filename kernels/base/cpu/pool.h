#pragma once

namespace kiln::kernels::pool {

// The threads that kernels and oneDNN compute on: one pool for the process, made at first use, that a region
// takes whole. An idle thread looks for work for some microseconds and then sleeps, so other programs lose
// little to it.

using Task = void (*)(void* data);

// Other threads may be in a region: then either the members are called one after the other by the caller, or
// the region waits for its turn, because its members wait for each other (barrier).
enum class Busy { run_alone, wait };

// Calls task(data) for members 0 .. count - 1, each once, on up to `count` threads, and returns when all are
// done. Threads take members as they come: one that gets no processor holds nothing up. Inside a region the
// caller calls them all. A task must not throw.
void run(int count, Task task, void* data, Busy busy);

// Of the region that this thread is in: which member it is, of how many. 0 of 1 outside.
int member();
int members();
bool inside();

// Waits until every member of the region is here.
void barrier();

}  // namespace kiln::kernels::pool
