#pragma once
// One request and its response on one connection. Included by src/net/*.cpp only.

#include <vector>

#include "net/block.hpp"
#include "net/http_parser.hpp"
#include "net/pool.hpp"

namespace gantry::net {

/// How bytes of a body become pieces of it: framing without I/O. Decodes in place.
class BodyReader {
 public:
  enum class State {
    need_more,  ///< every byte given was used
    piece,      ///< `piece` is the next part of the body; more may follow
    last,       ///< `piece` (perhaps empty) is the last part; the body is complete
    failed,     ///< malformed; error() says how
  };
  struct Step {
    State state = State::need_more;
    std::size_t consumed = 0;
    std::string_view piece{};
  };

  void start(const Framing& framing);
  /// All chunks that `bytes` hold are moved together into one piece: one write for our reader instead of
  /// many.
  Step take(std::span<char> bytes);
  /// The connection ended in an orderly way: is the body complete?
  [[nodiscard]] bool ends_with_connection() const { return framing_.body == BodyKind::until_close; }
  [[nodiscard]] std::string_view error() const { return decoder_.error(); }

 private:
  Step take_chunks(std::span<char> bytes);

  Framing framing_;
  std::uint64_t left_ = 0;
  ChunkedDecoder decoder_;
};

struct ClientResponse::Impl {
  // Storage that is reused from request to request.
  std::string request_head;
  std::vector<std::string_view> parts;
  std::string head;  // what the header views point into
  HeaderView headers;
  ResponseParser parser;

  std::vector<std::unique_ptr<Impl>>* home = nullptr;  // the client's spare ones
  Pool* pool = nullptr;
  ConnectionPtr connection;  // null after the end
  Canceller* canceller = nullptr;
  std::size_t max_head_bytes = 0;
  std::size_t request_bytes = 0;
  ResponseParser::To to = ResponseParser::To::other_request;
  bool request_complete = false;

  Block block;  // raw bytes that came, of which [begin, end) are unread
  std::size_t begin = 0, end = 0;
  int status = 0;
  bool keep_alive = false;
  BodyReader body;
  bool ended = false;             // the body is complete
  std::optional<Failure> broken;  // the connection is of no more use
  bool more_likely = false;       // the last read filled its buffer

  /// False (with the reason) when the request could not be written without harm: control characters in
  /// fields.
  Result<void> build(Pool& to_pool, const ClientRequest& request);
  /// Sends on `connection` and waits for the head; nullopt when it has come.
  Task<std::optional<ClientFailure>> run(MonoTime deadline);
  /// nullopt with an incomplete request: the answer came first, and the rest is not sent.
  [[gnu::noinline]] Task<std::optional<ClientFailure>> send_rest(IoResult sent, MonoTime deadline);
  Task<std::optional<ClientFailure>> receive_head(MonoTime deadline);
  /// Takes what has come of a head into account.
  enum class Head { need_more, done, failed };
  Head parse_head(ClientFailure& why);
  void accept_head();
  Head read_early_answer(ClientFailure& why);
  [[nodiscard]] std::vector<std::string_view> parts_behind(std::size_t bytes) const;
  [[nodiscard]] bool peer_accepted_nothing(std::size_t of_bytes) const;
  [[nodiscard]] bool make_room();

  /// The next piece from what has been read already; nullopt when bytes are needed.
  std::optional<Result<std::string_view>> next_piece();
  /// Reads into a block what can be read now; false when the body is cut, and `broken` says why.
  bool fill();
  void complete();
  void forget_request();
  Failure break_off(Fault fault, std::string detail);
  void drop_connection();
  /// Ready to send the same request on another connection.
  void restart();
  /// Ready for the next request, storage kept.
  void recycle();
};

/// Gives the storage back to the client that it came from.
void recycle(std::unique_ptr<ClientResponse::Impl> impl);

}  // namespace gantry::net
