#include "wire/envelope.hpp"

#include <array>

#include "base/json_string.hpp"

namespace gantry::wire {
namespace {

// Writes members one after another with commas where they belong.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_quoted(out_, value);
  }
  void text_or_null(std::string_view name, std::string_view value) {
    value.empty() ? raw(name, "null") : text(name, value);
  }
  void number(std::string_view name, std::int64_t value) { raw(name, std::to_string(value)); }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
  }
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_quoted(out_, name);
    out_ += ':';
  }
  void close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_attempts(std::string& out, const std::vector<AttemptLine>& attempts) {
  out += '[';
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (i > 0) out += ',';
    ObjectWriter line(out);
    line.text("model", attempts[i].model);
    if (attempts[i].skipped.empty()) {
      line.text("outcome", attempts[i].outcome);
      line.number("milliseconds", attempts[i].milliseconds);
      if (!attempts[i].next.empty()) line.text("next", attempts[i].next);
    } else {
      line.text("outcome", "skipped");
      line.text("reason", attempts[i].skipped);
    }
    line.close();
  }
  out += ']';
}

void append_problems(std::string& out, const std::vector<FieldProblem>& problems) {
  out += '[';
  for (std::size_t i = 0; i < problems.size(); ++i) {
    if (i > 0) out += ',';
    ObjectWriter problem(out);
    problem.text("field", problems[i].field);
    problem.text("message", problems[i].message);
    problem.close();
  }
  out += ']';
}

void append_gantry(std::string& out, const ErrorBody& error) {
  ObjectWriter gantry(out);
  gantry.text("remedy", error.remedy);
  if (!error.call_id.empty()) gantry.text("call_id", error.call_id);
  if (!error.attempts.empty()) {
    gantry.key("attempts");
    append_attempts(out, error.attempts);
  }
  if (!error.problems.empty()) {
    gantry.key("problems");
    append_problems(out, error.problems);
  }
  gantry.close();
}

void append_error(std::string& out, const ErrorBody& error) {
  ObjectWriter body(out);
  body.number("code", error.code);
  body.text("message", error.message);
  body.text_or_null("type", error.error_type);
  body.text_or_null("param", error.param);
  body.key("metadata");
  ObjectWriter metadata(out);
  if (!error.error_type.empty()) metadata.text("error_type", error.error_type);
  metadata.key("gantry");
  append_gantry(out, error);
  metadata.close();
  body.close();
}

}  // namespace

std::string attempts_json(const std::vector<AttemptLine>& attempts) {
  std::string out;
  append_attempts(out, attempts);
  return out;
}

std::string error_json(const ErrorBody& error) {
  std::string out;
  ObjectWriter envelope(out);
  envelope.key("error");
  append_error(out, error);
  envelope.close();
  return out;
}

std::string error_event(const ErrorBody& error, std::string_view id, std::string_view model,
                        std::string_view object, std::int64_t created) {
  std::string out = "data: ";
  ObjectWriter chunk(out);
  chunk.text("id", id);
  chunk.text("object", object);
  chunk.number("created", created);
  chunk.text("model", model);
  chunk.key("error");
  append_error(out, error);
  chunk.raw("choices", object == "text_completion"
                           ? R"([{"index":0,"text":"","finish_reason":"error"}])"
                           : R"([{"index":0,"delta":{"content":""},"finish_reason":"error"}])");
  chunk.close();
  out += "\n\n";
  return out;
}

namespace {

struct FixedRow {
  int status;                   // 0 = any
  std::string_view error_type;  // "" = any
  FixedText text;
};

// The first row that fits. The statuses are the client's: what is wrong with the gateway's own upstream key
// reaches a client as 502 or 503, so 401 and 402 here speak of the key the client sent.
constexpr std::array<FixedRow, 9> kFixedTexts = {{
    {401,
     "",
     {"The API key was not accepted.",
      "Send a valid key as \"Authorization: Bearer …\". An OpenRouter key starts with sk-or- and is listed "
      "at "
      "https://openrouter.ai/keys; a key issued by this gateway starts with gk-."}},
    {402,
     "",
     {"There is not enough credit left for this request.",
      "Add credit or raise the key's limit, or lower max_tokens: the whole possible cost must be covered "
      "before a "
      "request starts."}},
    {429,
     "",
     {"Too many requests: a rate limit was reached.",
      "Wait for the time in Retry-After when it is given, then try again with exponentially growing pauses "
      "and some "
      "jitter."}},
    {404,
     "not_found",
     {"The model was not found.",
      "Check the model id: it needs the provider prefix, as in openai/gpt-4o-mini. GET /api/v1/models lists "
      "the ids "
      "that exist."}},
    {500,
     "",
     {"The upstream failed with an internal error.",
      "Try again with exponentially growing pauses; if it lasts, see https://status.openrouter.ai for known "
      "incidents."}},
    {503,
     "",
     {"No provider can take the request at the moment.",
      "Try again after the time in Retry-After, or add fallback models of other authors to the route."}},
    {504,
     "",
     {"The model did not answer in time.",
      "Try again, ask for fewer tokens, use streaming, or raise the route's time limits. The attempt may "
      "still be "
      "billed."}},
    {502,
     "",
     {"The upstream gave no usable answer.",
      "Try again; if it lasts, add fallback models to the route and see https://status.openrouter.ai for "
      "known "
      "incidents."}},
    {0,
     "",
     {"The request failed.",
      "See the message and error type for the cause; the log line with this call's id tells what was "
      "tried."}},
}};

}  // namespace

FixedText fixed_text(int status, std::string_view error_type) {
  for (const FixedRow& row : kFixedTexts)
    if ((row.status == 0 || row.status == status) && (row.error_type.empty() || row.error_type == error_type))
      return row.text;
  return kFixedTexts.back().text;
}

}  // namespace gantry::wire
