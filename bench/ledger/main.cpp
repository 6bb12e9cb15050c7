// How many attempts a second the ledger takes, and how long its usage takes to read:
//   bench_ledger WHERE [ATTEMPTS]
// WHERE is a file that does not exist yet, ":memory:", or postgres://…; by default a million attempts of a
// hundred keys and ten models over thirty days.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "ledger/ledger.hpp"

namespace {

using namespace gantry;
using namespace gantry::ledger;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kBatch = 2000;  // attempts a transaction, as the recorder has them under load
constexpr std::uint16_t kPlaces = 0xfff;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().detail.c_str());
  std::exit(1);
}
void must(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().detail.c_str());
  std::exit(1);
}

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

class Bench {
 public:
  explicit Bench(const std::string& where) : ledger_(must(open(where, time_))), began_(time_.wall()) {
    for (int i = 0; i < 100; ++i) {
      ClientKey key;
      key.account.name = "key " + std::to_string(i) + " " + std::to_string(random_.next());
      key.policy = "{}";
      keys_.push_back(must(ledger_->add_key(kDefaultProject, key)));
    }
    for (int i = 0; i < 10; ++i) models_.push_back("some-author/a-model-of-theirs-" + std::to_string(i));
    holder_ = must(ledger_->begin_holder("bench", std::chrono::hours{1}));
  }

  // Attempts that begin and end in the same transaction, or in two.
  void attempts(const char* what, std::uint64_t count, bool together) {
    std::vector<Entry> begins, ends;
    std::vector<std::string> generations(kBatch);
    const auto from = Clock::now();
    for (std::uint64_t done = 0; done < count; done += kBatch) {
      day_ = static_cast<int>(30 * done / count);
      begins.clear(), ends.clear();
      for (auto& generation : generations) make(begins, ends, generation);
      if (together) {
        begins.insert(begins.end(), ends.begin(), ends.end());
        apply(begins);
      } else {
        apply(begins);
        apply(ends);
      }
    }
    std::printf("%-44s %9.0f attempts/s\n", what, static_cast<double>(count) / seconds_since(from));
  }

  void usage(const char* what, const UsageQuery& query) {
    const auto from = Clock::now();
    const auto rows = must(ledger_->usage(query));
    std::printf("%-44s %9.1f ms (%zu rows)\n", what, seconds_since(from) * 1000, rows.size());
  }
  void read() {
    const UsageQuery month{.from = began_ - std::chrono::days{40}, .to = began_};
    UsageQuery by = month;
    usage("usage, a sum", month);
    by.by = {UsageBy::key, UsageBy::day};
    usage("usage by key and day", by);
    by.by = {UsageBy::key, UsageBy::project, UsageBy::model, UsageBy::day};
    usage("usage by key, project, model and day", by);
    const auto from = Clock::now();
    const auto wrong = must(ledger_->check());
    std::printf("%-44s %9.1f ms (%zu wrong)\n", "check", seconds_since(from) * 1000, wrong.size());
  }

 private:
  void make(std::vector<Entry>& begins, std::vector<Entry>& ends, std::string& generation) {
    const AttemptId id{random_.next()};
    const WallTime at = began_ - (30 - day_) * std::chrono::days{1} + std::chrono::microseconds{sequence_};
    const PicoUsd cost{static_cast<std::int64_t>(random_.below(1'000'000'000))};
    generation = "gen-" + std::to_string(1'790'000'000 + sequence_) + "-" + std::to_string(random_.next());
    begins.push_back(
        AttemptBegun{.attempt = id,
                     .call = random_.next(),
                     .payer = {keys_[random_.below(keys_.size())], kDefaultProject, kOrganisation},
                     .at = at,
                     .hold = {1'000'000'000},
                     .estimate = {1'000'000'000},
                     .model = models_[random_.below(models_.size())],
                     .route = "chat",
                     .upstream = "openrouter",
                     .upstream_key = "main",
                     .places = kPlaces});
    ends.push_back(GenerationSeen{id, generation});
    ends.push_back(AttemptSettled{.attempt = id,
                                  .at = at + std::chrono::seconds{3},
                                  .cost = cost,
                                  .delivered = true,
                                  .prompt_tokens = 900,
                                  .completion_tokens = 300,
                                  .served_model = "some-author/a-model-of-theirs-2026",
                                  .provider = "Some Provider",
                                  .outcome = "delivered"});
  }
  void apply(const std::vector<Entry>& entries) {
    must(ledger_->apply(holder_, 0, sequence_, entries));
    sequence_ += entries.size();
  }

  SystemTime time_;
  Random random_{system_seed()};
  std::unique_ptr<Ledger> ledger_;
  WallTime began_;
  std::vector<AccountId> keys_;
  std::vector<std::string> models_;
  HolderId holder_;
  std::uint64_t sequence_ = 1;
  int day_ = 0;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "bench_ledger WHERE [ATTEMPTS]\n");
    return 2;
  }
  const std::uint64_t attempts = count > 2 ? std::strtoull(words[2], nullptr, 10) : 1'000'000;
  Bench bench(words[1]);
  bench.attempts("attempts that begin and end in one", attempts / 2, true);
  bench.attempts("attempts that begin in one and end in another", attempts / 2, false);
  bench.read();
}
