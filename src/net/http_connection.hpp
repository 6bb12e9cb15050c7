#pragma once
// One accepted connection of an HttpServer: its requests one after the other, each an Exchange. Internal to
// net.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "net/http_server.hpp"
#include "net/input_buffer.hpp"
#include "net/reply_head.hpp"

namespace gantry::net {

class Connection;

/// What a server's connections share; they keep it alive, so that a server may go before its last connection
/// has ended.
struct ServerCore {
  ServerCore(Loop& on, ServerOptions with, Handler answer, RefusalBody words)
      : loop(on), options(std::move(with)), handler(std::move(answer)), refusal(std::move(words)) {}
  Loop& loop;
  ServerOptions options;
  Handler handler;
  RefusalBody refusal;
  DateCache date;
  std::unordered_set<Connection*> connections;
  std::unordered_map<std::string, std::size_t> per_address;
  std::size_t serving = 0;   // connections that are served, not refused
  std::size_t refusing = 0;  // connections that only get a 503
  std::size_t active = 0;    // handlers that run
  bool draining = false;
};

/// A body too large for the input buffer; its bytes count in InflightBytes.
class BodyBuffer {
 public:
  explicit BodyBuffer(InflightBytes* inflight) : inflight_(inflight) {}
  BodyBuffer(const BodyBuffer&) = delete;
  ~BodyBuffer() { clear(); }

  /// False when the process holds too many bytes already.
  [[nodiscard]] bool reserve(std::size_t capacity);
  [[nodiscard]] bool append(std::string_view piece);
  [[nodiscard]] std::span<char> room() { return {data_.get() + size_, capacity_ - size_}; }
  void commit(std::size_t bytes) { size_ += bytes; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  void clear();

 private:
  InflightBytes* inflight_;
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

class Connection final : public Exchange {
 public:
  enum class Mode { serve, refuse };
  Connection(std::shared_ptr<ServerCore> core, Socket socket, Mode mode);
  ~Connection() override;
  Connection(const Connection&) = delete;

  /// The connection's whole life.
  static Task<void> run(std::unique_ptr<Connection> self);

  /// Between requests with nothing received: may be closed without hurting anybody. One that was never used
  /// does not count: its first request is likely on its way.
  [[nodiscard]] bool idle() const { return waiting_for_request_ && used_ && in_.empty(); }
  void close_idle() { socket_.close(); }
  /// Ends it now. The handler, if one runs, is told by its hang-up action; it may have ended when this
  /// returns.
  void cut();

  const RequestHead& head() const override { return parser_.head(); }
  const Endpoint& peer() const override { return socket_.peer(); }
  Loop& loop() override { return core_->loop; }
  Task<Result<std::string_view>> read_body() override;
  Task<Result<void>> reply(int status, std::span<const Header> headers, std::string_view body) override;
  Task<Result<void>> begin(int status, std::span<const Header> headers, Flush flush) override;
  Task<Result<void>> write(std::string_view piece) override;
  Task<Result<void>> finish() override;
  void forget_request() override;
  void abort(Socket::Close how) override;
  [[nodiscard]] bool hung_up() const override { return hung_up_; }
  void on_hang_up(void (*action)(void* context), void* context) override;
  [[nodiscard]] std::size_t bytes_sent() const override { return bytes_sent_; }

 private:
  enum class Reply { none, begun, whole, broken };
  enum class Body { unread, read, failed };
  struct Refusal {
    int status;
    Failure why;
  };
  using Parts = std::array<std::string_view, 4>;

  const ServerLimits& limits() const { return core_->options.limits; }

  // http_connection.cpp: the walk from request to request.
  // noinline: the compiler would put their frames into run()'s, which lives as long as the connection.
  [[gnu::noinline]] Task<bool> next_request();
  Task<void> answer();
  std::optional<Refusal> judge_head();
  Refusal what_went_wrong();
  void reset_exchange();
  [[gnu::noinline]] Task<void> linger();

  // http_input.cpp: bytes coming in.
  Task<IoResult> receive(MonoTime deadline);
  void watch();
  static void on_watched(void* self, IoResult result);
  IoResult read_what_came();
  static void on_wait_over(void* self);
  void note_hang_up();

  // http_body.cpp: the body of the request under way.
  bool body_is_here();
  void body_ends();
  Task<Result<void>> send_continue();
  Task<Result<void>> read_sized(std::size_t length, MonoTime deadline);
  Task<Result<void>> read_sized_apart(std::size_t length, MonoTime deadline);
  enum class Pieces { keep, drop };
  Task<Result<void>> read_chunked(Pieces pieces, std::size_t limit, MonoTime deadline);
  Result<bool> decode(std::string_view& bytes, Pieces pieces, std::size_t limit);
  Result<bool> decode_waiting(Pieces pieces, std::size_t limit);
  Task<Result<void>> skip_sized(std::size_t length, MonoTime deadline);
  [[gnu::noinline]] Task<void> drain_body();
  [[nodiscard]] bool drainable() const;

  // http_reply.cpp
  Task<Result<void>> send(Parts parts);
  [[gnu::noinline]] Task<void> refuse(Refusal refusal);
  void compose(int status, std::span<const Header> headers, std::optional<std::size_t> length, bool chunked);
  [[nodiscard]] bool reply_has_body(int status) const;

  std::shared_ptr<ServerCore> core_;
  Socket socket_;
  Mode mode_;
  RequestParser parser_;
  InputBuffer in_;

  // Receiving while nobody reads.
  Signal arrived_;
  Timer wait_timer_;
  bool watching_ = false;     // a watch may write into in_'s room
  bool receiving_ = false;    // receive() waits for the watch
  std::optional<Fault> end_;  // no more bytes will come

  // The request under way.
  std::string_view head_bytes_;
  ChunkedDecoder chunks_;
  BodyBuffer body_;
  std::string_view body_view_;
  std::size_t decoded_ = 0;  // bytes that chunks_ has yielded
  Body body_state_ = Body::read;
  std::unique_ptr<Refusal> body_refusal_;
  bool expects_continue_ = false;
  bool answering_ = false;
  bool hung_up_ = false;
  void (*hang_up_action_)(void*) = nullptr;
  void* hang_up_context_ = nullptr;

  // Its reply.
  std::string out_;
  Reply reply_ = Reply::none;
  bool head_pending_ = false;  // begin() has composed a head that no write has sent yet
  bool chunked_ = false;
  bool body_wanted_ = true;  // not for HEAD, 204, 304
  std::size_t bytes_sent_ = 0;

  bool waiting_for_request_ = false;
  bool used_ = false;    // a request was answered
  bool keep_ = true;     // another request may follow
  bool linger_ = false;  // the client may still be sending: let it read the answer before the end
};

}  // namespace gantry::net
