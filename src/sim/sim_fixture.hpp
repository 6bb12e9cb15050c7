#pragma once
// A simulator, a loop and a clock for handler tests.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "sim/fake_exchange.hpp"
#include "sim/simulator.hpp"

namespace gantry::sim::test {

inline const std::string kKey = "sk-or-v1-0123456789abcdef0123456789abcdef";
inline const std::string kManagementKey = "sk-or-mgmt-0123456789abcdef";

class SimTest : public ::testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  explicit SimTest(SimOptions options = {}) : simulator(create(time, std::move(options))) {}

  static std::unique_ptr<Simulator> create(const TimeSource& time, SimOptions options) {
    auto made = Simulator::create(time, std::move(options));
    if (!made) throw std::runtime_error(made.error().detail);
    return std::move(*made);
  }

  std::unique_ptr<FakeExchange> start(std::string method, std::string target, std::string body,
                                      Headers headers) {
    auto exchange = std::make_unique<FakeExchange>(loop, std::move(method), std::move(target),
                                                   std::move(body), std::move(headers));
    loop.spawn(simulator->handle(*exchange));
    loop.poll();
    return exchange;
  }
  std::unique_ptr<FakeExchange> get(std::string target, const std::string& key = kKey,
                                    std::string faults = {}) {
    return start("GET", std::move(target), "", with(key, std::move(faults)));
  }
  std::unique_ptr<FakeExchange> post(std::string body, std::string faults = {},
                                     const std::string& key = kKey) {
    return start("POST", "/api/v1/chat/completions", std::move(body), with(key, std::move(faults)));
  }
  static Headers with(const std::string& key, std::string faults) {
    Headers headers;
    if (!key.empty()) headers.emplace_back("Authorization", "Bearer " + key);
    if (!faults.empty()) headers.emplace_back("x-sim-fault", std::move(faults));
    return headers;
  }
  static std::string chat(const std::string& model, const std::string& more = "") {
    return R"({"model":")" + model + R"(","messages":[{"role":"user","content":"Is the launch ready?"}])" +
           more + "}";
  }
  static std::string streamed(const std::string& model, const std::string& more = "") {
    return chat(model, R"(,"stream":true)" + more);
  }

  void advance(Duration by) {
    time.advance(by);
    loop.advance_timers();
    loop.poll();
  }
  static boost::json::value json(const std::string& text) { return boost::json::parse(text); }

  ManualTime time;
  net::Loop loop{time};
  std::unique_ptr<Simulator> simulator;
};

}  // namespace gantry::sim::test
