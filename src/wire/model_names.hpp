#pragma once
// The rows of a list of models, by every name that a model is asked for.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gantry::wire {

class ModelNames {
 public:
  /// False when the name stands for a row already: the first one stands.
  bool add(std::string name, std::size_t row) { return rows_.emplace(std::move(name), row).second; }
  /// The name stands for this row from now on.
  void point(std::string name, std::size_t row) { rows_.insert_or_assign(std::move(name), row); }
  /// The row of exactly this name.
  [[nodiscard]] std::optional<std::size_t> exactly(std::string_view name) const;
  /// The same, else without a preset and a dynamic variant (CONTRACT §3.4), which every model has. Takes no
  /// memory.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view id) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> rows_;
};

}  // namespace gantry::wire
