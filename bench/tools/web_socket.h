// WebSocket (RFC 6455) as a client of MQTT needs it: a frame for each packet, as most MQTT libraries send them.
#ifndef WEB_SOCKET_H
#define WEB_SOCKET_H
#include "mqtt_packets.h"

enum { BINARY_FRAME = 0x82, MASKED = 0x80, CONTROL = 0x08, CLOSE_FRAME = 0x08, MAX_HEAD_BYTES = 14 };

typedef struct {
  outbox out; // frames on their way
  // Of the frame that is being read: its head as far as it has come, then how much of its payload is still to come.
  uint8_t head[MAX_HEAD_BYTES];
  size_t head_length, payload_left;
} web_socket;

static inline void append_upgrade(outbox *out, const char *host, int port, const char *path) {
  char text[4 * MAX_TEXT_BYTES];
  int length = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
                        path, host, port);
  if (length >= (int)sizeof text) fail("the path %s is too long", path);
  memcpy(append(out, (size_t)length), text, (size_t)length);
}

// The mask is always the same one: a broker has as much to do for it as for a new one each time.
static inline void copy_masked(uint8_t *to, const uint8_t *from, size_t length) {
  static const uint8_t KEY[8] = {0x37, 0xfa, 0x21, 0x3d, 0x37, 0xfa, 0x21, 0x3d};
  uint64_t key, word;
  memcpy(&key, KEY, sizeof key);
  memcpy(to, KEY, 4);
  to += 4;
  size_t i = 0;
  for (; i + sizeof word <= length; i += sizeof word) {
    memcpy(&word, from + i, sizeof word);
    word ^= key;
    memcpy(to + i, &word, sizeof word);
  }
  for (; i < length; i++) to[i] = from[i] ^ KEY[i % 4];
}

static inline void append_frame(outbox *wire, const uint8_t *packet, size_t length) {
  uint8_t head[MAX_HEAD_BYTES] = {BINARY_FRAME}, *at = head + 1;
  if (length < 126) {
    *at++ = MASKED | (uint8_t)length;
  } else if (length < 65536) {
    *at++ = MASKED | 126;
    at = put_u16(at, (unsigned)length);
  } else {
    *at++ = MASKED | 127;
    for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)((uint64_t)length >> shift);
  }
  size_t head_length = (size_t)(at - head);
  uint8_t *frame = append(wire, head_length + 4 + length);
  memcpy(frame, head, head_length);
  copy_masked(frame + head_length, packet, length);
}

// Moves all packets that `packets` holds, each into a frame of its own.
static inline void frame_packets(outbox *wire, outbox *packets) {
  while (unsent_bytes(packets)) {
    const uint8_t *at = packets->bytes + packets->begin;
    size_t body_length, width = get_length(at + 1, packets->bytes + packets->end, &body_length);
    append_frame(wire, at, 1 + width + body_length);
    packets->begin += 1 + width + body_length;
  }
  packets->begin = packets->end = 0;
}

// How long a head is, as far as its first bytes tell; a server masks nothing.
static inline size_t head_bytes_wanted(const web_socket *s) {
  if (s->head_length < 2) return 2;
  return s->head[1] == 127 ? 10 : s->head[1] == 126 ? 4 : 2;
}

static inline void begin_payload(web_socket *s) {
  if ((s->head[0] & 0x0f) == CLOSE_FRAME) fail("the server closed a WebSocket");
  s->payload_left = s->head[1];
  if (s->head[1] == 126) s->payload_left = get_u16(s->head + 2);
  if (s->head[1] == 127) {
    s->payload_left = 0;
    for (int i = 2; i < 10; i++) s->payload_left = s->payload_left << 8 | s->head[i];
  }
}

// Leaves only what the frames carry, at the beginning of `bytes`; how much that is. Pings are left unanswered.
static inline size_t unframe(web_socket *s, uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes, *end = bytes + length;
  uint8_t *to = bytes;
  while (at < end) {
    if (!s->payload_left) {
      while (at < end && s->head_length < head_bytes_wanted(s)) s->head[s->head_length++] = *at++;
      if (s->head_length < head_bytes_wanted(s)) break;
      begin_payload(s);
    }
    size_t here = s->payload_left < (size_t)(end - at) ? s->payload_left : (size_t)(end - at);
    int is_data = !(s->head[0] & CONTROL);
    if (is_data) memmove(to, at, here);
    if (is_data) to += here;
    at += here;
    s->payload_left -= here;
    if (!s->payload_left) s->head_length = 0;
  }
  return (size_t)(to - bytes);
}
#endif
