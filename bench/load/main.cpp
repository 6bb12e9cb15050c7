// The bench's load. What it did is one line of JSON on stdout (with --mode hold, one a step); exit code 0
// says that it ran, not that the other side answered well: the line's "errors" says that.

#include <cmath>
#include <sstream>

#include "load/drivers.hpp"

namespace {

using namespace gantry::bench;

template <class Number>
std::vector<Number> list(const std::string& text) {
  std::vector<Number> numbers;
  std::istringstream input(text);
  for (std::string item; std::getline(input, item, ',');)
    numbers.push_back(static_cast<Number>(std::stoul(item)));
  return numbers;
}

Plan plan_from(const Options& options) {
  Plan plan;
  plan.port = static_cast<int>(options.number("port"));
  plan.connections = static_cast<std::size_t>(options.number("connections"));
  plan.warmup_s = options.real("warmup");
  plan.seconds = options.real("seconds");
  plan.requests = options.number("requests");
  plan.rate = options.real("rate");
  plan.tokens = options.number("tokens");
  plan.tokens_per_second = options.real("tokens-per-second");
  plan.steps = list<std::size_t>(options.text("steps"));
  plan.watched = list<int>(options.text("watch"));
  RequestShape shape;
  shape.body_bytes = static_cast<std::size_t>(options.number("request-bytes"));
  shape.stream = options.text("mode") == "stream" || options.text("mode") == "hold";
  shape.order = "reply=" + options.text("reply-bytes") + " tokens=" + options.text("tokens") +
                " rate=" + options.text("tokens-per-second");
  plan.call.request = chat_request(plan.port, shape);
  plan.call.reply_bytes =
      options.number("expect-bytes") >= 0 ? options.number("expect-bytes") : options.number("reply-bytes");
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv,
                        {{"core", "1"},
                         {"mode", "saturate"},
                         {"port", "0"},
                         {"connections", "64"},
                         {"warmup", "0.3"},
                         {"seconds", "2"},
                         {"requests", "0"},
                         {"rate", "2000"},
                         {"request-bytes", "927"},
                         {"reply-bytes", "1453"},
                         {"expect-bytes", "-1"},
                         {"tokens", "100"},
                         {"tokens-per-second", "50"},
                         {"steps", "2000"},
                         {"watch", ""}});
  settle_in(static_cast<int>(options.number("core")));
  const Plan plan = plan_from(options);
  const std::string& mode = options.text("mode");
  if (mode == "saturate")
    saturate(plan);
  else if (mode == "pace")
    pace(plan);
  else if (mode == "stream")
    stream(plan);
  else if (mode == "hold")
    hold(plan);
  else
    fail("no such mode: " + mode + " (there are saturate, pace, stream, hold)");
  return 0;
}
