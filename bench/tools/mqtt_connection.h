// One MQTT connection of a load client: bytes in and out, on one epoll for all.
#ifndef MQTT_CONNECTION_H
#define MQTT_CONNECTION_H
#include "mqtt_deliveries.h"
#include "mqtt_packets.h"
#include "web_socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { CHUNK_BYTES = 262144, PACKET_IDS = 65536 };
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum connection_state { UPGRADING, GREETING, SUBSCRIBING, READY };
enum packet_id_state { ID_FREE, AWAITS_PUBACK, AWAITS_PUBREC, AWAITS_PUBCOMP };

typedef struct {
  int fd, is_subscriber, index;
  enum connection_state state;
  outbox out;
  int waits_to_write;
  web_socket *frames; // NULL: MQTT directly on TCP
  // As libmosquitto has it by default: Nagle's algorithm stays on, and each packet is a system call of its own.
  int is_packetwise;
  size_t packet_end;
  // The beginning of a packet whose end has not come.
  uint8_t *rest;
  size_t rest_length, rest_room;
  // Of a publisher.
  publish_template message;
  uint32_t sent;
  unsigned in_flight, in_flight_limit, last_packet_id;
  uint8_t *packet_ids; // the state of each; NULL at QoS 0
  // Of a subscriber: what came from each publisher.
  arrivals *from;
} connection;

// What to do with a packet. Whatever it appends is sent when the whole chunk has been read.
typedef void take_packet(connection *c, uint8_t first, const uint8_t *body, size_t length);

static inline const char *role_of(const connection *c) {
  return c->is_subscriber ? "subscriber" : "publisher";
}

static inline void fail_connection(const connection *c, const char *why) {
  const char *what = c->state <= GREETING ? "could not connect" : "lost its connection";
  fail("%s %d %s: %s", role_of(c), c->index, what, why);
}

// Asks epoll for "may write" only while something waits: it is true nearly always.
static inline void watch_writing(connection *c, int epoll, int waits) {
  if (c->waits_to_write == waits) return;
  c->waits_to_write = waits;
  struct epoll_event event = {.events = EPOLLIN | (waits ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

// How many of the bytes that wait may go in one system call.
static inline size_t sendable_bytes(connection *c, const outbox *out) {
  if (!c->is_packetwise) return unsent_bytes(out);
  if (c->packet_end <= out->begin) {
    size_t body_length, width = get_length(out->bytes + out->begin + 1, out->bytes + out->end, &body_length);
    c->packet_end = out->begin + 1 + width + body_length;
  }
  return c->packet_end - out->begin;
}

static inline void send_outbox(connection *c, int epoll) {
  outbox *out = &c->out;
  if (c->frames && c->state != UPGRADING) {
    frame_packets(&c->frames->out, out);
    out = &c->frames->out;
  }
  while (unsent_bytes(out)) {
    ssize_t length = send(c->fd, out->bytes + out->begin, sendable_bytes(c, out), MSG_NOSIGNAL);
    if (length < 0 && errno == EAGAIN) {
      watch_writing(c, epoll, 1);
      return;
    }
    if (length < 0) fail_connection(c, strerror(errno));
    out->begin += (size_t)length;
  }
  out->begin = out->end = c->packet_end = 0;
  watch_writing(c, epoll, 0);
}

static inline size_t backlog_bytes(const connection *c) {
  return unsent_bytes(&c->out) + (c->frames ? unsent_bytes(&c->frames->out) : 0);
}

// Starts to connect. `from` is an own IPv4 address in host order, 0 for any; each has about 28,000 ports to one server.
static inline void open_connection(connection *c, int epoll, const char *host, int port, uint32_t from) {
  int on = 1;
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &server.sin_addr) != 1) fail("%s is no IPv4 address", host);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("%s %d has no socket: %s (see ulimit -Hn)", role_of(c), c->index, strerror(errno));
  if (!c->is_packetwise) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (from) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    // The port is chosen when connecting: it must be free towards this server only.
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&own, sizeof own)) fail("no own address %s", inet_ntoa(own.sin_addr));
  }
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
    fail_connection(c, strerror(errno));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static inline void close_connection(connection *c) {
  close(c->fd);
  free(c->out.bytes);
  free(c->rest);
  if (c->frames) free(c->frames->out.bytes);
  free(c->frames);
  *c = (connection){.fd = -1};
}

// Gives every whole packet to `take`; how many bytes they were.
static inline size_t take_packets(connection *c, const uint8_t *bytes, size_t length, take_packet *take) {
  const uint8_t *at = bytes, *end = bytes + length;
  while (end - at >= 2) {
    size_t body_length, width = get_length(at + 1, end, &body_length);
    if (!width || body_length > (size_t)(end - at) - 1 - width) break;
    if (1 + width + body_length > CHUNK_BYTES) fail("the server sent a packet of %zu bytes", body_length);
    take(c, at[0], at + 1 + width, body_length);
    at += 1 + width + body_length;
  }
  return (size_t)(at - bytes);
}

// The server's answer to the upgrade, once it is whole; how many bytes it is. Nothing can follow it: MQTT has not begun.
static inline size_t take_upgrade(connection *c, const uint8_t *bytes, size_t length) {
  if (!memmem(bytes, length, "\r\n\r\n", 4)) return 0;
  if (memcmp(bytes, "HTTP/1.1 101 ", 13)) fail_connection(c, "the server refused the upgrade to WebSocket");
  c->state = GREETING;
  return length;
}

static inline void keep_rest(connection *c, const uint8_t *bytes, size_t length) {
  if (length >= CHUNK_BYTES) fail("the server sent a packet of more than %d bytes", CHUNK_BYTES);
  if (length > c->rest_room) {
    c->rest = realloc(c->rest, length * 2);
    c->rest_room = length * 2;
    if (!c->rest) fail("out of memory for %zu bytes that came", length);
  }
  if (length) memcpy(c->rest, bytes, length);
  c->rest_length = length;
}

// Reads once, into a buffer that all connections share, so that an idle one holds none.
static inline void read_connection(connection *c, int epoll, take_packet *take) {
  static uint8_t chunk[CHUNK_BYTES];
  if (c->rest_length) memcpy(chunk, c->rest, c->rest_length);
  ssize_t got = recv(c->fd, chunk + c->rest_length, sizeof chunk - c->rest_length, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail_connection(c, got ? strerror(errno) : "the server closed it");
  if (c->frames && c->state != UPGRADING) got = (ssize_t)unframe(c->frames, chunk + c->rest_length, (size_t)got);
  size_t length = c->rest_length + (size_t)got, used;
  used = c->state == UPGRADING ? take_upgrade(c, chunk, length) : take_packets(c, chunk, length, take);
  keep_rest(c, chunk + used, length - used);
  if (unsent_bytes(&c->out)) send_outbox(c, epoll);
}
#endif
