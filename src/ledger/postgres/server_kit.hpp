#pragma once
// A PostgreSQL server of the tests' own, out of Debian's postgresql-15: a new cluster in a temporary
// directory, reached by a Unix socket only, begun at its first use and ended with the process.

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace gantry::ledger::postgres {

class Server {
 public:
  /// nullptr when it cannot be had; then why() says why.
  static Server* get();
  static std::string why();

  /// Where its socket is; there is another user "locked" with the password "right".
  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// A ledger in a schema of that name, by the socket in `directory`.
  static std::string url(const std::string& directory, const std::string& schema);
  /// Statements of the superuser's.
  [[nodiscard]] std::string run(const char* statements) const;

  ~Server();

 private:
  Server();
  static Server& only();
  std::string directory_;
  ::pid_t pid_ = 0;
  std::string why_;
};

/// Stands between a client and the server, to lose what is said at a chosen moment.
class Wire {
 public:
  explicit Wire(const std::string& server_directory);
  ~Wire();
  [[nodiscard]] const std::string& directory() const { return directory_; }

  enum class Cut { none, before_commit, after_commit, at_once, away };
  /// The next COMMIT does not arrive, or arrives and its answer does not; every connection breaks; or that,
  /// and nobody is let in. The first two happen once.
  void cut(Cut cut);

 private:
  void serve();
  void relay(int client);
  std::string server_, directory_;
  int listener_ = -1;
  std::atomic<Cut> cut_{Cut::none};
  std::atomic<bool> stopping_{false};
  std::jthread thread_;  // last, so that it stops first
};

}  // namespace gantry::ledger::postgres
