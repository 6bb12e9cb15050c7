// Responses as they come off the wire: framing, every split, and what must never pass for a complete answer.
#include "net/client_test_kit.hpp"

namespace gantry::net {
namespace {

struct HttpResponseTest : ClientTest {
  std::size_t next_line = 0;  // the connection that the next request goes out on

  // One exchange in which the peer says `parts` one by one, each taken in before the next, and then perhaps
  // ends.
  enum class End { stay, close };
  Call& exchange(const std::vector<std::string_view>& parts, End end, std::string method = "POST") {
    const std::size_t before = next_line < peer.lines() ? peer.requests(next_line) : 0;
    Call& it = call([&](Call& c) { c.method = method; });
    run_until([&] { return next_line < peer.lines() && peer.requests(next_line) > before; });
    for (const auto part : parts) {
      if (!part.empty() && !peer.line(next_line).ended) peer.say(next_line, part);
      settle();
    }
    if (end == End::close) peer.close(next_line);
    run_until([&] { return it.done; });
    if (end == End::close || client().stats().idle == 0) ++next_line;
    return it;
  }
};

struct Sound {
  std::string_view name, reply, content;
  int status = 200;
  bool reusable = true;
};
const std::vector<Sound> kSound = {
    {"content-length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
    {"empty by length", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
    {"chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n",
     "wikipedia"},
    {"chunked with a trailer",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nT: v\r\n\r\n", "a"},
    {"empty chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
    {"interim responses first",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
     "ok"},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", "", 204},
    {"not modified, whose length is of another", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "",
     304},
    {"server that closes", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", 200,
     false},
    {"old server that keeps", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
     "ok"},
};

TEST_F(HttpResponseTest, result_does_not_depend_on_how_the_bytes_arrive) {
  for (const Sound& row : kSound) {
    for (std::size_t cut = 0; cut <= row.reply.size(); ++cut) {
      const Call& it = exchange({row.reply.substr(0, cut), row.reply.substr(cut)}, End::stay);
      ASSERT_TRUE(it.sound()) << row.name << ", cut at " << cut;
      ASSERT_EQ(it.response->status(), row.status) << row.name << ", cut at " << cut;
      ASSERT_EQ(it.content, row.content) << row.name << ", cut at " << cut;
      ASSERT_EQ(client().stats().idle, row.reusable ? 1u : 0u) << row.name << ", cut at " << cut;
      calls.clear();
    }
  }
}

TEST_F(HttpResponseTest, body_cut_before_its_declared_end_is_never_a_success) {
  const std::vector<std::string_view> replies = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n",
  };
  for (const auto reply : replies) {
    for (std::size_t cut = 0; cut < reply.size(); ++cut) {
      const Call& it = exchange({reply.substr(0, cut)}, End::close);
      ASSERT_FALSE(it.sound()) << reply << " cut at " << cut;
      const Fault fault = it.failure ? it.failure->failure.fault : it.body_failure->fault;
      ASSERT_EQ(fault, Fault::closed) << reply << " cut at " << cut;
      calls.clear();
    }
  }
}

TEST_F(HttpResponseTest, response_without_length_ends_with_its_connection) {
  const std::string_view reply = "HTTP/1.1 200 OK\r\nServer: old\r\n\r\nall of it";
  const auto head_end = reply.find("\r\n\r\n") + 4;
  for (std::size_t cut = head_end; cut <= reply.size(); ++cut) {
    const Call& it = exchange({reply.substr(0, cut), reply.substr(cut)}, End::close);
    ASSERT_TRUE(it.sound()) << "cut at " << cut;
    ASSERT_EQ(it.content, "all of it") << "cut at " << cut;
    ASSERT_EQ(client().stats().open, 0u);
    calls.clear();
  }
}

TEST_F(HttpResponseTest, answer_to_head_has_no_body_and_tells_its_length) {
  const Call& it = exchange({"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"}, End::stay, "HEAD");
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.content, "");
  EXPECT_EQ(it.response->length(), 5000u);
  EXPECT_EQ(client().stats().idle, 1u);
}

struct Broken {
  std::string_view name, reply;
  Fault fault = Fault::malformed;
};
const std::vector<Broken> kBrokenHeads = {
    {"both framings", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
    {"a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"},
    {"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"},
    {"huge length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
    {"unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {"coding twice",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
    {"folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"},
    {"not HTTP", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n"},
    {"another version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
    {"protocol switched unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"},
};

TEST_F(HttpResponseTest, ambiguous_or_malformed_head_is_refused_and_the_connection_closed) {
  for (const Broken& row : kBrokenHeads) {
    const Call& it = exchange({row.reply}, End::stay);
    ASSERT_TRUE(it.failure) << row.name;
    EXPECT_EQ(it.failure->failure.fault, row.fault) << row.name;
    EXPECT_EQ(it.failure->reached, Reached::head_received) << row.name;
    EXPECT_EQ(client().stats().open, 0u) << row.name;
  }
}

TEST_F(HttpResponseTest, bad_chunks_are_malformed_and_the_sound_part_is_not_a_success) {
  const std::vector<std::string_view> bodies = {
      "x\r\n",
      "-1\r\nab\r\n",
      "0x1\r\na\r\n0\r\n\r\n",
      " 1\r\na\r\n0\r\n\r\n",
      "1\ra\r\n",
      "1\na\n0\n\n",
      "1\r\nab\r\n0\r\n\r\n",
      "ffffffffffffffffff\r\n",
      "\r\n",
      "1\r\na\r\n0\r\n x\r\n\r\n",
  };
  for (const auto body : bodies) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n";
    const Call& it = exchange({head + std::string(body)}, End::stay);
    ASSERT_TRUE(it.body_failure) << body;
    EXPECT_EQ(it.body_failure->fault, Fault::malformed) << body;
    EXPECT_TRUE(it.content.starts_with("ok")) << body;
    EXPECT_EQ(client().stats().open, 0u) << body;
  }
}

TEST_F(HttpResponseTest, chunks_that_arrive_together_are_one_piece) {
  const Call& it = exchange(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"},
      End::stay);
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.content, "abcdef");
  EXPECT_EQ(it.pieces, 1u);
}

TEST_F(HttpResponseTest, head_may_be_as_long_as_the_limit_and_no_longer) {
  options.max_head_bytes = 40'000;
  const auto reply = [](std::size_t head_bytes) {
    const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ";
    return start + std::string(head_bytes - start.size() - 4, 'x') + "\r\n\r\nok";
  };
  const Call& longest = exchange({reply(40'000)}, End::stay);
  ASSERT_TRUE(longest.sound());
  EXPECT_EQ(longest.content, "ok");
  const Call& longer = exchange({reply(40'001)}, End::stay);
  ASSERT_TRUE(longer.failure);
  EXPECT_EQ(longer.failure->failure.fault, Fault::too_large);
  EXPECT_EQ(longer.failure->reached, Reached::head_received);
}

TEST_F(HttpResponseTest, interim_responses_without_end_do_not_grow_memory) {
  Call& it = call();
  run_until([&] { return peer.requests() == 1; });
  std::string interim;
  for (int i = 0; i < 3000; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  for (std::size_t at = 0; at < interim.size(); at += 4099) {
    peer.say(0, std::string_view(interim).substr(at, 4099));
    settle();
  }
  EXPECT_FALSE(it.done);
  peer.say(0, kOk);
  run_until([&] { return it.done; });
  EXPECT_TRUE(it.sound());
}

TEST_F(HttpResponseTest, large_body_arrives_byte_for_byte_and_its_connection_is_used_again) {
  std::string body;
  for (int i = 0; body.size() < 300'000; ++i) body += std::to_string(i);
  Call& it = call();
  run_until([&] { return peer.requests() == 1; });
  peer.say(0, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  for (std::size_t at = 0; at < body.size(); at += 50'000) {
    peer.say(0, std::string_view(body).substr(at, 50'000));
    settle();
  }
  run_until([&] { return it.done; });
  ASSERT_TRUE(it.sound());
  EXPECT_EQ(it.content, body);
  EXPECT_EQ(client().stats().idle, 1u);
}

Task<void> read_whole(Call& it, std::size_t limit, std::optional<Result<std::string>>& result) {
  result = co_await it.response->read_all(limit, kNever);
}
TEST_F(HttpResponseTest, read_all_is_bounded_with_and_without_a_declared_length) {
  const std::vector<std::string_view> replies = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  };
  for (const auto reply : replies) {
    for (const std::size_t limit : {4u, 5u}) {
      const std::size_t line = peer.lines();
      Call& it = call([](Call& c) { c.read_body = false; });
      settle();
      const std::size_t at = peer.lines() > line ? line : line - 1;
      run_until([&] { return peer.lines() > at && !peer.line(at).received.empty(); });
      peer.say(at, reply);
      run_until([&] { return it.done; });
      std::optional<Result<std::string>> result;
      loop.spawn(read_whole(it, limit, result));
      run_until([&] { return result.has_value(); });
      if (limit == 5) EXPECT_EQ(*result, "hello");
      if (limit == 4) EXPECT_EQ(result->error().fault, Fault::too_large);
      it.response.reset();
      settle();
    }
  }
}

}  // namespace
}  // namespace gantry::net
