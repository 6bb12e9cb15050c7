#pragma once
// What a call that met a failure or an open breaker knows, and which models it may still ask. Internal to the
// plan.

#include <optional>
#include <vector>

#include "route/plan.hpp"

namespace gantry::route {

/// Whether a model can be reached now, and how.
struct Passage {
  Gate gate = Gate::open;
  std::size_t key = 0;
  MonoTime not_before = MonoTime::min();
  Skip skip = Skip::none;  ///< with gate open: why
};

/// A model that may be asked.
struct Option {
  std::size_t candidate = 0;
  Passage passage{};
  bool repeat = false;  ///< this call has asked it before, with this key
  bool waits = false;   ///< a pause comes first
  MonoTime ready{};
  bool late = false;  ///< within the share of another
  MonoTime until{};
};

/// What a call has left.
struct Left {
  int attempts = 0;
  MonoTime end{};
  Duration share{};  ///< of each model that was not asked yet
};

/// One draw of jitter, for both kinds of pause.
struct Pauses {
  Duration repeat{}, fresh{};
};

class Plan::Trouble {
 public:
  explicit Trouble(const Chain& chain) : chain_(chain), models_(chain.candidates.size()) {}

  void asked(std::size_t candidate, std::size_t key);
  /// After the last attempt: why nothing else may be asked, or nullopt.
  std::optional<Halt> learn(std::size_t candidate, std::size_t key, const Report& report, MonoTime now,
                            const PlanLimits& limits);

  /// The best of what may be asked; notes why the others may not.
  std::optional<Option> best(MonoTime now, const Left& left, const Shared& shared, Pauses pauses);
  /// When best() gave nothing: why.
  [[nodiscard]] Halt nothing_left() const;

  [[nodiscard]] Passage pass(std::size_t candidate, MonoTime now, const Shared& shared) const;
  /// When this call could ask it, by what upstream wished.
  [[nodiscard]] MonoTime not_before(std::size_t candidate) const;
  /// How many were not asked yet and are not out.
  [[nodiscard]] int fresh() const;
  [[nodiscard]] Skip skip(std::size_t candidate) const {
    return models_[candidate].asked ? Skip::none : models_[candidate].skip;
  }

  int repetitions = 0;  ///< how often the pause has doubled
  bool mended = false, probed = false;
  bool may_repeat = true;  ///< the process's budget allows it

 private:
  struct ModelNote {
    bool asked = false, out = false, was_empty = false, was_reset = false;
    bool other_key = false;  // the end spoke of the key: another one is no repetition
    std::size_t last_key = 0;
    int asks = 0;
    MonoTime not_before = MonoTime::min();
    Skip skip = Skip::none;
  };
  struct KeyNote {
    std::uint32_t source = 0;
    std::size_t key = 0;
    bool refused = false, broke = false, free_spent = false;
    MonoTime not_before = MonoTime::min(), free_not_before = MonoTime::min();
  };
  struct SourceNote {
    std::uint32_t source = 0;
    bool failed = false;
    MonoTime not_before = MonoTime::min();
  };

  void learn_again(ModelNote& note, const Report& report);
  void learn_wish(std::size_t candidate, KeyNote& key, const Report& report, MonoTime now);
  void learn_money(std::size_t candidate, KeyNote& key, const Report& report);
  void rule_out_smaller(std::size_t candidate);
  [[nodiscard]] MonoTime first_key_from(std::size_t candidate) const;
  [[nodiscard]] Passage by_key(std::size_t candidate, MonoTime now, const Shared& shared) const;
  [[nodiscard]] bool find_room(Option& option, const Left& left, int reachable) const;
  [[nodiscard]] bool better(const Option& a, const Option& b) const;
  std::optional<Option> option(std::size_t candidate, MonoTime now, const Shared& shared, Pauses pauses);

  KeyNote& note_of_key(std::uint32_t source, std::size_t key);
  SourceNote& note_of_source(std::uint32_t source);
  [[nodiscard]] const KeyNote* find_key(std::uint32_t source, std::size_t key) const;
  [[nodiscard]] const SourceNote* find_source(std::uint32_t source) const;

  Chain chain_;
  std::vector<ModelNote> models_;
  std::vector<KeyNote> keys_;
  std::vector<SourceNote> sources_;
};

}  // namespace gantry::route
