// https origins, directly and through a proxy, against a TLS peer with a certificate made for the test.
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>

#include "net/client_test_kit.hpp"
#include "net/tls.hpp"

namespace gantry::net {
namespace {

using testing::HasSubstr;

// A key and a self-signed certificate for `host`, as PEM files that go away with it.
class Certificate {
 public:
  explicit Certificate(const char* host) {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pair);
    X509_NAME* name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host), -1, -1,
                               0);
    X509_set_issuer_name(x509, name);
    const std::string names = std::string("DNS:") + host;
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(x509, pair, EVP_sha256());
    if (FILE* file = std::fopen(certificate.c_str(), "w")) PEM_write_X509(file, x509), std::fclose(file);
    if (FILE* file = std::fopen(key.c_str(), "w")) {
      PEM_write_PrivateKey(file, pair, nullptr, nullptr, 0, nullptr, nullptr);
      std::fclose(file);
    }
    X509_free(x509);
    EVP_PKEY_free(pair);
    std::filesystem::permissions(key, std::filesystem::perms::owner_read);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() { std::filesystem::remove_all(folder); }

 private:
  static std::string make_folder() {
    std::string name = testing::TempDir() + "gantry-tls-XXXXXX";
    return ::mkdtemp(name.data()) ? name : "";
  }
  std::string folder = make_folder();

 public:
  std::string certificate = folder + "/certificate.pem", key = folder + "/key.pem";
};

struct HttpClientTlsTest : testing::Test {
  ManualTime time;
  Loop loop{time};
  Acceptor acceptor = *Acceptor::listen(loop, {.address = "127.0.0.1", .port = 0}, Acceptor::Share::no);
  Certificate files{"api.example"};
  TlsContext server_tls = *TlsContext::server({.certificate_file = files.certificate, .key_file = files.key});
  TlsContext client_tls = *TlsContext::client({.ca_file = files.certificate});
  Resolver resolver{[](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"127.0.0.1"};
  }};
  ClientOptions options;
  std::optional<HttpClient> client;
  std::deque<Call> calls;

  // What the peer does and saw.
  std::string proxy_answer;  // when set, it first acts as a proxy and says this to CONNECT
  std::string early_answer;  // when set, it says this to whoever has shaken hands, and reads nothing
  std::string plain_seen, seen;
  int handshakes = 0;
  std::deque<Socket> sockets;

  static Task<void> accept_all(HttpClientTlsTest& self) {
    for (;;) {
      auto accepted = co_await self.acceptor.accept();
      if (!accepted) co_return;
      self.sockets.push_back(std::move(*accepted));
      self.loop.spawn(serve(self, self.sockets.back()));
    }
  }
  // Reads one head into `into`; false at the end.
  static Task<bool> read_head(Socket& socket, std::string& into) {
    std::array<char, 4096> buffer;
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const IoResult got = co_await socket.read_some(buffer, kNever);
      if (!got.ok) co_return false;
      head.append(buffer.data(), got.bytes);
    }
    into += head;
    co_return true;
  }
  static Task<void> serve(HttpClientTlsTest& self, Socket& socket) {
    if (!self.proxy_answer.empty()) {
      const bool asked = co_await read_head(socket, self.plain_seen);
      const std::array<std::string_view, 1> answer{self.proxy_answer};
      if (asked) co_await socket.write_all(answer, kNever);
    }
    const auto secured = co_await socket.handshake_server(self.server_tls, kNever);
    if (!secured) co_return;
    ++self.handshakes;
    if (!self.early_answer.empty()) {
      const std::array<std::string_view, 1> answer{self.early_answer};
      co_await socket.write_all(answer, kNever);
      co_return;
    }
    for (;;) {
      const bool more = co_await read_head(socket, self.seen);
      if (!more) co_return;
      const std::array<std::string_view, 1> reply{kOk};
      co_await socket.write_all(reply, kNever);
    }
  }

  Origin origin(std::string host = "api.example") {
    return {.https = true, .host = std::move(host), .port = acceptor.local().port};
  }
  Call& call(const Origin& to, std::string body = {}) {
    if (!client) {
      client.emplace(loop, options, resolver, &client_tls);
      loop.spawn(accept_all(*this));
    }
    Call& next = calls.emplace_back();
    next.body = std::move(body);
    loop.spawn(ClientTest::perform(*client, to, next));
    run_until([&] { return next.done; });
    return next;
  }
  void use_proxy(std::string answer) {
    options.proxy = "http://user:secret@127.0.0.1:" + std::to_string(acceptor.local().port);
    proxy_answer = std::move(answer);
  }
  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 500'000 && !done(); ++i) loop.poll();
    ASSERT_TRUE(done());
  }
  void TearDown() override {
    calls.clear();
    if (client) client->shut_down();
    acceptor.close();
    for (Socket& socket : sockets) socket.close();
    run_until([this] { return loop.running_tasks() == 0; });
    client.reset();
  }
};

TEST_F(HttpClientTlsTest, https_origin_is_verified_and_its_connection_used_again) {
  ASSERT_TRUE(call(origin()).sound()) << calls.back().failure->failure.detail;
  EXPECT_EQ(calls.back().content, "ok");
  ASSERT_TRUE(call(origin()).sound());
  EXPECT_EQ(handshakes, 1);
  EXPECT_EQ(client->stats().reused, 1u);
}

TEST_F(HttpClientTlsTest, certificate_of_another_host_is_refused_and_nothing_is_sent) {
  const Call& it = call(origin("other.example"));
  ASSERT_TRUE(it.failure);
  EXPECT_EQ(it.failure->failure.fault, Fault::tls_failed) << it.failure->failure.detail;
  EXPECT_EQ(it.failure->reached, Reached::nothing_sent);
  EXPECT_EQ(seen, "");
}

TEST_F(HttpClientTlsTest, answer_ends_the_sending_of_a_request_that_the_peer_does_not_read) {
  early_answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch";
  const Call& it = call(origin(), std::string(32u << 20, 'x'));
  ASSERT_TRUE(it.sound()) << it.failure->failure.detail;
  EXPECT_EQ(it.response->status(), 413);
  EXPECT_EQ(it.content, "much");
  EXPECT_EQ(client->stats().open, 0u);
}

TEST_F(HttpClientTlsTest, warmed_connection_is_used_though_the_server_has_sent_session_tickets) {
  client.emplace(loop, options, resolver, &client_tls);
  loop.spawn(accept_all(*this));
  loop.spawn(client->warm(origin(), 1));
  run_until([&] { return client->stats().idle == 1 && handshakes == 1; });
  ASSERT_TRUE(call(origin()).sound());
  EXPECT_EQ(handshakes, 1);
}

TEST_F(HttpClientTlsTest, proxy_opens_a_tunnel_and_sees_nothing_of_the_request) {
  use_proxy("HTTP/1.1 200 Connection established\r\n\r\n");
  ASSERT_TRUE(call(origin()).sound()) << calls.back().failure->failure.detail;
  EXPECT_EQ(plain_seen, "CONNECT api.example:" + std::to_string(acceptor.local().port) +
                            " HTTP/1.1\r\nHost: api.example:" + std::to_string(acceptor.local().port) +
                            "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
  EXPECT_THAT(seen, HasSubstr("POST /api/v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Proxy-Authorization")));
}

TEST_F(HttpClientTlsTest, proxy_that_refuses_or_babbles_is_told) {
  const std::vector<std::tuple<std::string, Fault, std::string>> cases = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", Fault::refused, "407"},
      {"HTTP/1.1 502 Bad Gateway\r\n\r\n", Fault::refused, "502"},
      {"HTTP/1.1 200 OK\r\n\r\nsurplus", Fault::malformed, "tunnel"},
      {"SSH-2.0-x\r\n\r\n", Fault::malformed, "proxy"},
  };
  for (const auto& [answer, fault, part] : cases) {
    use_proxy(answer);
    const Call& it = call(origin());
    ASSERT_TRUE(it.failure) << answer;
    EXPECT_EQ(it.failure->failure.fault, fault) << answer;
    EXPECT_THAT(it.failure->failure.detail, HasSubstr(part)) << answer;
    EXPECT_EQ(it.failure->reached, Reached::nothing_sent) << answer;
  }
}

TEST_F(HttpClientTlsTest, origin_on_the_no_proxy_list_is_reached_directly) {
  use_proxy("");
  options.proxy = "http://192.0.2.1:9";
  options.no_proxy = "example";
  ASSERT_TRUE(call(origin()).sound());
  EXPECT_EQ(plain_seen, "");
}

TEST_F(HttpClientTlsTest, proxy_url_that_is_wrong_is_told_by_the_first_request) {
  options.proxy = "socks5://127.0.0.1:1";
  const Call& it = call(origin());
  ASSERT_TRUE(it.failure);
  EXPECT_EQ(it.failure->failure.fault, Fault::bad_input);
}

}  // namespace
}  // namespace gantry::net
