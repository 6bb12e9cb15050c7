#pragma once
// One client request on its way: admit → plan → attempt → deliver → record. Lives in the coroutine of
// Shard::call.

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "access/key_policy.hpp"
#include "engine/admit.hpp"
#include "engine/destinations.hpp"
#include "engine/relay.hpp"
#include "engine/shard.hpp"
#include "engine/soft_hold.hpp"
#include "engine/till.hpp"
#include "route/feed.hpp"
#include "route/plan.hpp"
#include "spend/bound.hpp"
#include "wire/cost_drivers.hpp"
#include "wire/envelope.hpp"

namespace gantry::engine {

class ReplyBuffer;
class AttemptPrices;

/// Some providers take no smaller limit (CONTRACT §3.1).
inline constexpr std::int64_t kFewestTokens = 16;

/// Why no money was set aside for an attempt.
using NoMoney = std::variant<ledger::OverBudget, spend::Unbounded, Failure>;

/// How one attempt ended.
struct AttemptEnd {
  route::Outcome outcome = route::Outcome::cancelled;
  /// Of a failure of upstream's. What this gateway or the client ended has none.
  std::unique_ptr<const route::Verdict> verdict{};
  int upstream_status = 0;
  std::string why{};      ///< for people, cleaned
  Duration wish{};        ///< upstream's, to be left alone for so long
  bool answered = false;  ///< upstream sent a reply, be it an error
  bool final = false;     ///< the client has an answer, or part of one, or is gone: nothing more may be tried
  bool ours = false;      ///< a bound of this gateway ended it: no other model would fare better
  bool told = false;      ///< upstream's answer itself said that it failed, or that it is empty
};
AttemptEnd failed_end(route::Verdict verdict, std::string why, int status = 0);

/// "call-" and 16 hexadecimal digits.
class CallId {
 public:
  explicit CallId(std::uint64_t number);
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  std::uint64_t number_;
  std::array<char, 21> text_;
};

class Call {
 public:
  Call(Shard& shard, CallRequest request, Delivery& delivery);
  ~Call();
  Call(const Call&) = delete;

  Task<void> run();
  /// From outside (client gone, drain): stops whatever is being waited for.
  enum class Why { client_gone, draining };
  void stop(Why why);

 private:
  friend class Shard;

  struct Planning;
  using Sent = std::expected<net::ClientResponse, net::ClientFailure>;
  enum class Answered { no, yes };

  // What is over before a stream gets quiet, or is seldom needed, is kept apart (noinline): the compiler
  // would put its frame into its caller's, and thousands of open streams would hold it for nothing.
  [[gnu::noinline]] std::optional<wire::Refusal> prepare();
  [[gnu::noinline]] std::optional<wire::Refusal> kept_from(const Admission& admission) const;
  [[nodiscard]] access::Features features() const;
  Task<void> walk();
  Task<void> ask_upstream();
  [[nodiscard]] bool abandon();
  [[gnu::noinline]] route::Step first_step();
  [[nodiscard]] bool lower_limit(const AttemptEnd& end);
  [[gnu::noinline]] route::Step next_step(const AttemptEnd& end);
  [[nodiscard]] route::Shared shared() const;
  [[nodiscard]] std::span<const route::Source> sources(Planning& planning);
  [[nodiscard]] bool is_forbidden(std::string_view model) const;
  void add_candidates(Planning& planning);
  [[nodiscard]] const UpstreamTarget& target() const { return (*targets_)[upstream_]; }
  void begin(const route::Try& next);
  [[nodiscard]] std::string_view space() const;
  void edit_request(wire::Splice& body);
  void halted(const route::Stop& stop);
  void told(const route::Changes& changes);
  Task<AttemptEnd> attempt();
  [[gnu::noinline]] Task<Sent> send();
  [[gnu::noinline]] Task<AttemptEnd> read_plain(net::ClientResponse& response);
  [[gnu::noinline]] Task<AttemptEnd> relay_stream(net::ClientResponse& response);
  [[gnu::noinline]] Task<void> open_stream(const Relay& relay);
  [[gnu::noinline]] void forget_request();
  [[gnu::noinline]] Task<AttemptEnd> end_stream(const Relay& relay, net::ClientResponse& response);
  [[gnu::noinline]] Task<AttemptEnd> break_stream(const Relay& relay, std::unique_ptr<StreamFailure> failure);
  [[gnu::noinline]] Task<void> close_with(const wire::ErrorBody& body, const Relay& relay);
  [[gnu::noinline]] Task<void> deliver_failure(const AttemptEnd& last);
  [[gnu::noinline]] Task<void> deliver_refusal(wire::Refusal refusal);
  [[gnu::noinline]] Task<void> pause_until(MonoTime at);

  // call_catalogue.cpp
  [[nodiscard]] bool first_may_be_asked() const;
  [[gnu::noinline]] void look_at_models();
  [[nodiscard]] const wire::ModelFacts* listed(std::size_t candidate) const;
  [[nodiscard]] std::string why_skipped(std::size_t candidate) const;
  [[gnu::noinline]] std::vector<std::string_view> providers_to_avoid();
  [[nodiscard]] std::string_view substitute() const;

  // call_money.cpp
  [[nodiscard]] bool is_limited() const;
  [[nodiscard]] bool pay_at_once();
  [[gnu::noinline]] Task<bool> wait_for_money();
  bool begin_paid(spend::Hold hold);
  [[nodiscard]] std::optional<PicoUsd> most_it_costs();
  [[nodiscard]] std::expected<PicoUsd, spend::Unbounded> bound_of_attempt();
  [[nodiscard]] std::optional<PicoUsd> soft_amount(std::optional<PicoUsd> bound);
  void no_money(NoMoney why);
  [[gnu::noinline]] void no_lease(const ledger::NoHold& why);
  [[nodiscard]] wire::CostDrivers drivers_of_attempt();
  [[nodiscard]] bool lower_limit_to(PicoUsd budget);
  template <class Use>
  auto with_prices(Use use) const;
  [[nodiscard]] spend::Served served(const AttemptPrices& prices) const;
  [[nodiscard]] std::optional<PicoUsd> computed(const wire::Usage& usage) const;
  [[nodiscard]] std::optional<PicoUsd> rough_estimate() const;
  [[gnu::noinline]] void book(const AttemptEnd& end);
  [[nodiscard]] bool bill_attempt(AttemptBill& bill, const AttemptEnd& end) const;

  [[nodiscard]] AttemptEnd no_money_end() const;
  [[nodiscard]] std::string no_money_text() const;
  [[nodiscard]] wire::ErrorBody no_money_body() const;

  // call_soft.cpp
  [[gnu::noinline]] Task<bool> set_more_aside();
  [[gnu::noinline]] Task<AttemptEnd> cut_at_budget(const Relay& relay);
  [[gnu::noinline]] void learn_cost(const AttemptBill& bill, bool known);

  // call_patience.cpp
  void be_patient();
  void look_again(MonoTime at);
  void look_for_quiet();
  Task<void> comment();
  [[gnu::noinline]] Task<void> end_patience();  // before anything final is delivered, and before the end

  [[nodiscard]] AttemptEnd transport_end(const net::ClientFailure& failure) const;
  [[nodiscard]] AttemptEnd status_end(const net::ClientResponse& response, std::string_view body) const;
  [[nodiscard]] AttemptEnd cancelled_end() const;
  [[nodiscard]] AttemptEnd unusable_end(std::string why) const;
  [[nodiscard]] static AttemptEnd delivered_end();
  [[nodiscard]] static AttemptEnd no_room_end();
  [[nodiscard]] AttemptEnd client_left() const;
  [[nodiscard]] AttemptEnd abandoned_end(AttemptEnd end) const;
  [[nodiscard]] wire::ErrorBody error_body(const AttemptEnd& end) const;
  [[nodiscard]] wire::ErrorBody too_dear_body(std::int64_t affordable) const;
  [[nodiscard]] wire::ErrorBody left_alone_body() const;
  [[nodiscard]] wire::ErrorBody unable_body() const;
  [[nodiscard]] wire::ErrorBody own_body(std::string message, std::string remedy) const;
  [[nodiscard]] std::vector<wire::AttemptLine> attempt_lines(Answered answered) const;
  [[gnu::noinline]] void explain(std::vector<net::Header>& headers, Answered answered);
  void keep_reply_headers(const net::ClientResponse& response);
  std::vector<net::Header> answer_headers(std::string_view content_type, Answered answered);
  void note_attempt(const AttemptEnd& end);
  void note_usage(const std::optional<wire::Usage>& usage);
  void record();

  /// An attempt that ended, for the client should the call fail.
  struct Tried {
    std::size_t model;
    route::Outcome outcome;
    Duration took;
    std::string next{};  // why what followed, followed
  };

  /// What the call's record says and is known before its end.
  struct Notes {
    route::Outcome outcome = route::Outcome::delivered;
    int status = 200;
    int fallbacks = 0;
    bool ours = false;
    std::size_t request_bytes = 0;
    std::optional<Duration> first_token;
    std::optional<std::int64_t> prompt_tokens, completion_tokens;
    std::optional<PicoUsd> cost;
  };

  /// Comments and the answer share the delivery: one of them at a time.
  struct Patience {
    net::Timer timer;
    net::Signal commented;
    bool commenting = false;  // comment() runs
    bool delivering = false;  // a piece of the answer is on its way
    bool over = false;
  };

  Shard& shard_;
  CallRequest request_;  // without body and headers once nobody else can be asked
  Delivery& delivery_;
  const config::Snapshot config_;
  const std::shared_ptr<const Targets> targets_;
  const MonoTime started_;
  MonoTime deadline_ = kNever;
  CallId id_;
  wire::RequestFacts facts_;
  Admission admission_;
  /// What is needed while somebody else can still be asked.
  struct Planning {
    route::Source only;                  // the usual case needs no list
    std::vector<route::Source> sources;  // of several
    std::array<route::Candidate, 4> few;
    std::vector<route::Candidate> many;
    std::span<route::Candidate> candidates;  // one of the two
    std::vector<Destination> destinations;   // of several: where each candidate is asked, and as what
    std::vector<std::string> cannot;  // once they were looked at: why each one cannot do the call, or ""
    std::optional<route::Plan> plan;
  };
  std::optional<Planning> planning_;
  route::CallFeed feed_;
  route::Way way_;  // of the attempt under way
  std::unique_ptr<const std::vector<route::ProviderAdvice::Taken>> probed_providers_;  // of that way
  MonoTime until_ = kNever;                                                            // when it is given up
  int tries_ = 0;
  std::int64_t most_tokens_ = 0;  // of the model asked, what can be paid for; 0 = no bound is known
  std::optional<route::Stop> halt_;

  AttemptMoney money_;                                // of the attempt under way
  std::optional<wire::Usage> usage_;                  // as it told
  std::unique_ptr<wire::CostDrivers> drivers_;        // of the request, once a budget asked for them
  std::unique_ptr<const spend::PriceCap> price_cap_;  // that the attempt's bound rests on
  std::unique_ptr<const NoMoney> no_money_;           // why the call could not go on
  std::unique_ptr<SoftHold> soft_;                    // where the hold is learned; else null

  net::Canceller canceller_;
  net::Signal wake_;
  bool stopped_ = false;
  Why stopped_why_ = Why::client_gone;

  Patience patience_;                         // for streams
  std::unique_ptr<ReplyBuffer> taken_whole_;  // the attempt's events, with `assured` delivery
  bool stream_open_ = false;
  bool asked_ = false;        // upstream may have seen the attempt that is under way
  bool cut_ = false;          // at its budget
  bool no_estimate_ = false;  // of what the attempt costs, should nobody tell: no price is known
  bool abandoned_ = false;    // nobody waits for it any more: it is read for its cost alone
  std::optional<std::size_t> last_asked_;
  std::size_t model_ = 0;                 // index of the model being asked
  std::uint32_t upstream_ = 0, key_ = 0;  // where it is asked, and with which of the keys there
  std::string served_by_;                 // the provider, where the answer named one
  MonoTime last_write_{}, attempt_began_{};
  std::vector<std::pair<std::string, std::string>>
      kept_headers_;  // of the attempt whose answer is being delivered
  std::string attempts_text_, most_tokens_text_;
  std::unique_ptr<std::string> explanation_;  // for those who asked for one
  std::vector<Tried> attempts_;               // that failed
  Notes record_;
  std::string served_model_, generation_id_, error_;

  Call* prev_ = nullptr;
  Call* next_ = nullptr;
};

}  // namespace gantry::engine
