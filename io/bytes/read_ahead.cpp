#include <kiln/io/bytes/read_ahead.h>

#include <system_error>

namespace kiln::io {

ReadAhead::ReadAhead(size_t parts, int threads, Function<void(size_t part, size_t worker)> read)
    : read_(std::move(read)), parts_(parts) {
  try {
    for (size_t worker = 1; worker < size_t(threads) && worker < parts; ++worker)
      threads_.emplace_back([this, worker] {
        while (read_next(worker)) {
        }
      });
  } catch (const std::system_error&) {
    return;  // no more threads are to be had: those that are there, and the caller, do it
  }
}

ReadAhead::~ReadAhead() { next_ = parts_.size(); }

bool ReadAhead::read_next(size_t worker) {
  // A stopped one may be counted on, but never to the begin again.
  const size_t number = next_ < parts_.size() ? next_++ : parts_.size();
  if (number >= parts_.size()) return false;
  Part& part = parts_[number];
  try {
    read_(number, worker);
  } catch (...) {
    part.error = std::current_exception();
  }
  part.done = true;
  part.done.notify_all();
  return true;
}

void ReadAhead::wait(size_t part) {
  while (!parts_[part].done)
    if (!read_next(0)) parts_[part].done.wait(false);
  if (parts_[part].error) std::rethrow_exception(parts_[part].error);
}

void ReadAhead::wait_for_all() {
  for (size_t part = 0; part < parts_.size(); ++part) wait(part);
}

}  // namespace kiln::io
