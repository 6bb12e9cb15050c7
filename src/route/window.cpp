#include "route/window.hpp"

namespace gantry::route {

int WindowCell::least() const {
  int found = 0;
  for (int crowd = 1; crowd < kCrowds; ++crowd)
    if (failures(crowd) < failures(found)) found = crowd;
  return found;
}

WindowCell WindowCell::with_failure(std::uint16_t half, int crowd) const {
  WindowCell cell = half == this->half() ? *this : WindowCell(half);
  const int where = crowd < 0 ? cell.least() : crowd;
  if (cell.failures(where) == kFullFailures) cell = cell.halved();
  return WindowCell(cell.word_ + (std::uint64_t{1} << shift(where)));
}

WindowCell WindowCell::halved() const {
  std::uint64_t word = half() | (std::uint64_t{successes() / 2} << 16);
  for (int crowd = 0; crowd < kCrowds; ++crowd) word |= std::uint64_t{failures(crowd) / 2} << shift(crowd);
  return WindowCell(word);
}

void WindowCounts::add(WindowCell cell) {
  successes += cell.successes();
  for (int crowd = 0; crowd < kCrowds; ++crowd)
    failures[static_cast<std::size_t>(crowd)] += cell.failures(crowd);
}

}  // namespace gantry::route
