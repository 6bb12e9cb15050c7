#include "ledger/postgres/link.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/utf8.hpp"

namespace gantry::ledger::postgres {
namespace {

constexpr int kOldestServer = 130000;   // pg_xact_status of 64-bit transaction ids
constexpr std::size_t kInFlight = 256;  // rows that are sent before an answer is read
constexpr const char* kSettings =
    "SET statement_timeout = '30s'; SET lock_timeout = '15s'; SET idle_in_transaction_session_timeout = "
    "'60s'; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = "
    "'off'";

// PostgreSQL takes neither NUL nor what is not UTF-8 in a text, and a journal's entry must not be turned down
// for what some provider calls itself.
void append_clean(std::string& to, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = text[at] == '\0' ? 0 : read_utf8(text, at).length;
    to.append(length == 0 ? kReplacementCharacter : text.substr(at, length));
    at += length == 0 ? 1 : length;
  }
}

// As PostgreSQL writes bytes: \x and two hexadecimal digits for each.
void append_hex(std::string& to, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  to += "\\x";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    to += kDigits[value >> 4], to += kDigits[value & 0xF];
  }
}

// Values as libpq takes them: texts that end with NUL, all in one piece of memory.
class Bound {
 public:
  explicit Bound(sql::Values values) {
    std::vector<std::ptrdiff_t> places;
    places.reserve(values.size());
    for (const sql::Value& value : values) places.push_back(add(value));
    pointers_.reserve(places.size());
    for (const auto place : places) pointers_.push_back(place < 0 ? nullptr : bytes_.data() + place);
  }
  [[nodiscard]] const char* const* at(std::size_t value) const { return pointers_.data() + value; }

 private:
  std::ptrdiff_t add(const sql::Value& value) {
    if (value.is_null()) return -1;
    const auto place = static_cast<std::ptrdiff_t>(bytes_.size());
    if (const auto* integer = value.integer()) {
      char digits[24];
      bytes_.append(digits, std::to_chars(digits, digits + sizeof digits, *integer).ptr);
    } else if (const auto* bytes = value.bytes()) {
      append_hex(bytes_, bytes->bytes);
    } else {
      append_clean(bytes_, value.text());
    }
    bytes_ += '\0';
    return place;
  }

  std::string bytes_;
  std::vector<const char*> pointers_;
};

struct Meaning {
  Fault fault = Fault::internal;
  const char* remedy = "";
  bool conflict = false;
};
// By the class of the SQLSTATE, or all of it.
Meaning meaning_of(std::string_view state) {
  if (state == "40001" || state == "40P01") return {Fault::overloaded, "", true};
  if (state == "57014" || state == "55P03")
    return {Fault::timed_out, "; see whether the server is overloaded", false};
  if (state == "42501")
    return {Fault::bad_input, "; let its user create tables, for example in a schema of the user's name",
            false};
  if (state == "25006")
    return {Fault::system, "; it is read-only: name the primary server, not a standby", false};
  if (state.starts_with("53"))
    return {Fault::system, "; see the server's disk, memory and connections", false};
  if (state.starts_with("57") || state.starts_with("08"))
    return {Fault::reset, "; see whether the server is up", false};
  if (state.starts_with("XX") || state.starts_with("58"))
    return {Fault::system, "; see the server's log", false};
  return {};
}

}  // namespace

void Clear::operator()(pg_result* result) const { PQclear(result); }
void Link::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

// Only what the server says first of an error: its details may repeat what was to be written.
Trouble Link::trouble(const pg_result* answer) const {
  const char* state = answer ? PQresultErrorField(answer, PG_DIAG_SQLSTATE) : nullptr;
  const char* says = answer ? PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const bool lost = PQstatus(connection_.get()) != CONNECTION_OK;
  const Meaning meaning = state ? meaning_of(state) : Meaning{.fault = Fault::reset};
  std::string detail = "the ledger's " + where_.shown + ": " +
                       where_.without_password(says ? says : PQerrorMessage(connection_.get())) +
                       meaning.remedy;
  return {.failure = {lost ? Fault::reset : meaning.fault, std::move(detail)},
          .lost = lost,
          .conflict = meaning.conflict};
}

Outcome<std::unique_ptr<Link>> Link::connect(const Where& where) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : where.parameters)
    names.push_back(name.c_str()), values.push_back(value.c_str());
  names.push_back(nullptr), values.push_back(nullptr);
  std::unique_ptr<Link> link(new Link(where));
  link->connection_.reset(PQconnectdbParams(names.data(), values.data(), 0));
  if (PQstatus(link->connection_.get()) != CONNECTION_OK)
    return std::unexpected(Trouble{
        .failure = {Fault::refused, "the ledger's " + where.shown + " cannot be used: " +
                                        where.without_password(PQerrorMessage(link->connection_.get())) +
                                        "; see whether the server is up, and its address, user and password"},
        .lost = true});
  if (auto set = link->set_up(); !set) return std::unexpected(set.error());
  return link;
}

Outcome<void> Link::set_up() {
  if (PQserverVersion(connection_.get()) < kOldestServer)
    return std::unexpected(
        Trouble{.failure = {Fault::bad_input, "the ledger's " + where_.shown +
                                                  " is older than PostgreSQL 13; use a newer one"}});
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  if (auto set = execute(kSettings); !set) return std::unexpected(set.error());
  return {};
}

Outcome<Answer> Link::execute(const char* statements) {
  Answer answer(PQexec(connection_.get(), statements));
  const auto status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
  return std::unexpected(trouble(answer.get()));
}

Outcome<const char*> Link::prepared(std::string_view sql, std::size_t parameters) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second.c_str();
  std::string text(sql), name = "s" + std::to_string(statements_.size());
  const Answer answer(
      PQprepare(connection_.get(), name.c_str(), text.c_str(), static_cast<int>(parameters), nullptr));
  if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) return std::unexpected(trouble(answer.get()));
  return statements_.emplace(std::move(text), std::move(name)).first->second.c_str();
}

Outcome<Answer> Link::run(std::string_view sql, sql::Values values) {
  const auto statement = prepared(sql, values.size());
  if (!statement) return std::unexpected(statement.error());
  const Bound bound(values);
  Answer answer(PQexecPrepared(connection_.get(), *statement, static_cast<int>(values.size()), bound.at(0),
                               nullptr, nullptr, 0));
  const auto status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
  return std::unexpected(trouble(answer.get()));
}

Outcome<void> Link::run_each(std::string_view sql, std::size_t width, sql::Values values) {
  if (values.empty()) return {};
  const auto statement = prepared(sql, width);
  if (!statement) return std::unexpected(statement.error());
  const Bound bound(values);
  const std::size_t rows = values.size() / width;
  PQenterPipelineMode(connection_.get());
  Outcome<void> done;
  for (std::size_t row = 0; row < rows && done; row += kInFlight) {
    bool sent = true;
    for (std::size_t i = row; i < std::min(rows, row + kInFlight); ++i)
      sent = sent && PQsendQueryPrepared(connection_.get(), *statement, static_cast<int>(width),
                                         bound.at(i * width), nullptr, nullptr, 0) == 1;
    if (!sent || PQpipelineSync(connection_.get()) != 1) return std::unexpected(trouble(nullptr));
    done = collect();
  }
  PQexitPipelineMode(connection_.get());
  return done;
}

// All answers up to the mark behind them; the first that failed is told, those behind it were passed over.
Outcome<void> Link::collect() {
  Outcome<void> done;
  for (int ends = 0;;) {
    const Answer answer(PQgetResult(connection_.get()));
    if (!answer) {  // between two statements; twice when there is no connection any more
      if (++ends > 1) return done ? std::unexpected(trouble(nullptr)) : done;
      continue;
    }
    ends = 0;
    const auto status = PQresultStatus(answer.get());
    if (status == PGRES_PIPELINE_SYNC) return done;
    const bool fine =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_ABORTED;
    if (!fine && done) done = std::unexpected(trouble(answer.get()));
  }
}

}  // namespace gantry::ledger::postgres
