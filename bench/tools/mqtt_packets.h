// The MQTT packets that a load client writes, and what it needs to read of those that come. 3.1.1 and 5.0.
#ifndef MQTT_PACKETS_H
#define MQTT_PACKETS_H
#include "measure.h"

enum {
  CONNECT = 1,
  CONNACK,
  PUBLISH,
  PUBACK,
  PUBREC,
  PUBREL,
  PUBCOMP,
  SUBSCRIBE,
  SUBACK,
  DISCONNECT = 14
};
enum { MQTT_5 = 5, MAX_TEXT_BYTES = 256, FIRST_ERROR = 0x80 };
enum { MAXIMUM_QOS_PROPERTY = 0x24, RECEIVE_MAXIMUM_PROPERTY = 0x21 };

// Bytes on their way out: those from `begin` to `end` have not been sent.
typedef struct {
  uint8_t *bytes;
  size_t begin, end, room;
} outbox;

static inline size_t unsent_bytes(const outbox *out) {
  return out->end - out->begin;
}

// Room for `length` more bytes, which the caller fills.
static inline uint8_t *append(outbox *out, size_t length) {
  if (out->end + length > out->room) {
    out->room = (out->end + length) * 2;
    out->bytes = realloc(out->bytes, out->room);
    if (!out->bytes) fail("out of memory for %zu bytes to send", out->room);
  }
  uint8_t *at = out->bytes + out->end;
  out->end += length;
  return at;
}

static inline uint8_t *put_u16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
  return at + 2;
}

static inline unsigned get_u16(const uint8_t *at) {
  return (unsigned)at[0] << 8 | at[1];
}

static inline uint8_t *put_text(uint8_t *at, const char *text) {
  size_t length = strlen(text);
  if (length > MAX_TEXT_BYTES) fail("more than %d bytes: %s", MAX_TEXT_BYTES, text);
  memcpy(put_u16(at, (unsigned)length), text, length);
  return at + 2 + length;
}

// A Variable Byte Integer.
static inline uint8_t *put_length(uint8_t *at, size_t length) {
  for (; length > 127; length >>= 7) *at++ = (uint8_t)(length & 127) | 128;
  *at++ = (uint8_t)length;
  return at;
}

// Reads a Variable Byte Integer: how many bytes it takes, 0 when its end is not there yet.
static inline size_t get_length(const uint8_t *at, const uint8_t *end, size_t *length) {
  *length = 0;
  for (size_t i = 0; i < 4 && at + i < end; i++) {
    *length |= (size_t)(at[i] & 127) << (7 * i);
    if (!(at[i] & 128)) return i + 1;
  }
  if (end - at >= 4) fail("the server sent a length of more than four bytes");
  return 0;
}

static inline void append_packet(outbox *out, uint8_t first, const uint8_t *body, size_t length) {
  uint8_t head[5] = {first};
  size_t head_length = (size_t)(put_length(head + 1, length) - head);
  uint8_t *at = append(out, head_length + length);
  memcpy(at, head, head_length);
  if (length) memcpy(at + head_length, body, length);
}

typedef struct {
  int version, keep_alive_seconds, keeps_session;
  const char *client_id, *user, *password; // NULL: none
} connect_fields;

static inline void append_connect(outbox *out, const connect_fields *fields) {
  uint8_t body[4 * (MAX_TEXT_BYTES + 2)], *at = put_text(body, "MQTT");
  *at++ = (uint8_t)fields->version;
  int clean = fields->keeps_session ? 0 : 0x02; // no old session
  *at++ = (uint8_t)(clean | (fields->user ? 0x80 : 0) | (fields->password ? 0x40 : 0));
  at = put_u16(at, (unsigned)fields->keep_alive_seconds);
  if (fields->version == MQTT_5) {
    static const uint8_t for_ever[] = {5, 0x11, 0xff, 0xff, 0xff, 0xff}; // Session Expiry Interval
    size_t length = fields->keeps_session ? sizeof for_ever : 1;
    memcpy(at, fields->keeps_session ? for_ever : (const uint8_t[]){0}, length);
    at += length;
  }
  at = put_text(at, fields->client_id);
  if (fields->user) at = put_text(at, fields->user);
  if (fields->password) at = put_text(at, fields->password);
  append_packet(out, CONNECT << 4, body, (size_t)(at - body));
}

static inline void append_subscribe(outbox *out, int version, const char *filter, int qos) {
  uint8_t body[MAX_TEXT_BYTES + 8], *at = put_u16(body, 1);
  if (version == MQTT_5) *at++ = 0;
  at = put_text(at, filter);
  *at++ = (uint8_t)qos;
  append_packet(out, SUBSCRIBE << 4 | 2, body, (size_t)(at - body));
}

// PUBACK, PUBREC, PUBREL and PUBCOMP. Two bytes say "success" in both versions.
static inline void append_acknowledgement(outbox *out, int type, unsigned packet_id) {
  uint8_t *at = append(out, 4);
  at[0] = (uint8_t)(type << 4 | (type == PUBREL ? 2 : 0));
  at[1] = 2;
  put_u16(at + 2, packet_id);
}

static inline void append_disconnect(outbox *out) {
  append_packet(out, DISCONNECT << 4, NULL, 0);
}

// A PUBLISH whose changing parts are filled in a copy: all messages of a publisher differ in nothing else.
typedef struct {
  uint8_t *bytes;
  size_t length, packet_id_at, payload_at, payload_length;
  size_t topic_length;
  char topic[MAX_TEXT_BYTES + 1];
} publish_template;

static inline void make_publish(publish_template *made, int version, int qos, size_t payload_length) {
  uint8_t head[5], fields[MAX_TEXT_BYTES + 8], *at = put_text(fields, made->topic);
  made->topic_length = strlen(made->topic);
  size_t packet_id_at = (size_t)(at - fields);
  if (qos) at = put_u16(at, 0);
  if (version == MQTT_5) *at++ = 0;
  size_t fields_length = (size_t)(at - fields);
  head[0] = (uint8_t)(PUBLISH << 4 | qos << 1);
  size_t head_length = (size_t)(put_length(head + 1, fields_length + payload_length) - head);
  made->packet_id_at = head_length + packet_id_at;
  made->payload_at = head_length + fields_length;
  made->payload_length = payload_length;
  made->length = made->payload_at + payload_length;
  made->bytes = malloc(made->length);
  if (!made->bytes) fail("out of memory for a message of %zu bytes", made->length);
  memcpy(made->bytes, head, head_length);
  memcpy(made->bytes + head_length, fields, fields_length);
  for (size_t i = 0; i < payload_length; i++) made->bytes[made->payload_at + i] = (uint8_t)('a' + i % 26);
}

// A PUBLISH as it came; everything points into the bytes that were read.
typedef struct {
  int qos;
  unsigned packet_id; // 0 at QoS 0
  const uint8_t *topic, *payload;
  size_t topic_length, payload_length;
} publish_packet;

static inline publish_packet read_publish(int version, uint8_t first, const uint8_t *body, size_t length) {
  publish_packet packet = {.qos = first >> 1 & 3};
  const uint8_t *at = body, *end = body + length;
  if (length < 2) fail("the server sent a PUBLISH of %zu bytes", length);
  packet.topic_length = get_u16(at);
  packet.topic = at + 2;
  if (packet.topic_length + (packet.qos ? 4 : 2) > length) fail("the server sent a PUBLISH that ends too early");
  at += 2 + packet.topic_length;
  if (packet.qos) {
    packet.packet_id = get_u16(at);
    at += 2;
  }
  if (version == MQTT_5) {
    size_t properties_length, width = get_length(at, end, &properties_length);
    if (!width || properties_length > (size_t)(end - at) - width)
      fail("the server sent a PUBLISH whose properties end too early");
    at += width + properties_length;
  }
  packet.payload = at;
  packet.payload_length = (size_t)(end - at);
  return packet;
}

// How many bytes the value of a property of CONNACK takes; 0 when there is no such property.
static inline size_t property_length(uint8_t id, const uint8_t *at, size_t left) {
  switch (id) {
    case MAXIMUM_QOS_PROPERTY:
    case 0x25: // Retain Available
    case 0x28: // Wildcard Subscription Available
    case 0x29: // Subscription Identifiers Available
    case 0x2a: // Shared Subscription Available
      return 1;
    case RECEIVE_MAXIMUM_PROPERTY:
    case 0x13: // Server Keep Alive
    case 0x22: // Topic Alias Maximum
      return 2;
    case 0x11: // Session Expiry Interval
    case 0x27: // Maximum Packet Size
      return 4;
    case 0x12: // Assigned Client Identifier
    case 0x15: // Authentication Method
    case 0x16: // Authentication Data
    case 0x1a: // Response Information
    case 0x1c: // Server Reference
    case 0x1f: // Reason String
      return left < 2 ? 0 : 2 + get_u16(at);
    case 0x26: { // User Property: two texts
      if (left < 2 || left < 4u + get_u16(at)) return 0;
      size_t name_length = 2 + get_u16(at);
      return name_length + 2 + get_u16(at + name_length);
    }
    default: return 0;
  }
}

// A property of one or two bytes in a CONNACK; `otherwise` when it is not there, which MQTT 3.1.1 never has.
static inline unsigned connack_property(int version, uint8_t wanted, const uint8_t *body, size_t length,
                                        unsigned otherwise) {
  if (version != MQTT_5 || length < 3) return otherwise;
  const uint8_t *at = body + 2, *end = body + length;
  size_t properties_length;
  at += get_length(at, end, &properties_length);
  while (at < end) {
    uint8_t id = *at++;
    size_t value_length = property_length(id, at, (size_t)(end - at));
    if (!value_length || value_length > (size_t)(end - at)) fail("the server's CONNACK has a bad property 0x%02x", id);
    if (id == wanted) return value_length == 1 ? at[0] : get_u16(at);
    at += value_length;
  }
  return otherwise;
}
#endif
