// The clients of one run: how they connect, and what they do with each packet that comes.
#ifndef MQTT_CLIENTS_H
#define MQTT_CLIENTS_H
#include "mqtt_connection.h"
#include "mqtt_options.h"

enum {
  EVENTS = 512,
  GREETINGS_AT_ONCE = 50, // fewer than any broker's backlog of connections
  IDLE_KEEP_ALIVE_SECONDS = 1200
};

static int epoll;
static connection *connections;
static int connection_count, ready_count;
static long sent_count, unacknowledged;
static uint32_t messages_each; // the most that one publisher sends
static uint64_t read_at_us;    // when the chunk at hand was read: one look at the clock for all of its messages

static void become_ready(connection *c) {
  c->state = READY;
  ready_count++;
}

static void take_connack(connection *c, const uint8_t *body, size_t length) {
  if (c->state != GREETING || length < 2) fail("the server sent %s %d a bad CONNACK", role_of(c), c->index);
  if (body[1]) fail("the server refused %s %d: CONNACK has code 0x%02x", role_of(c), c->index, body[1]);
  unsigned most_qos = connack_property(opt.version, MAXIMUM_QOS_PROPERTY, body, length, 2);
  if (opt.qos > (int)most_qos) fail("the server takes no QoS above %u", most_qos);
  unsigned receive_maximum = connack_property(opt.version, RECEIVE_MAXIMUM_PROPERTY, body, length, PACKET_IDS - 1);
  if (c->in_flight_limit > receive_maximum) c->in_flight_limit = receive_maximum;
  if (c->is_subscriber) {
    char filter[MAX_TEXT_BYTES];
    fill_in_index(filter, opt.filter, c->index);
    append_subscribe(&c->out, opt.version, filter, opt.subscribed_qos);
    c->state = SUBSCRIBING;
  } else {
    become_ready(c);
  }
}

static void take_suback(connection *c, const uint8_t *body, size_t length) {
  if (c->state != SUBSCRIBING || length < 3) fail("the server sent %s %d a bad SUBACK", role_of(c), c->index);
  if (body[length - 1] != opt.subscribed_qos)
    fail("subscriber %d asked for QoS %d and got 0x%02x", c->index, opt.subscribed_qos, body[length - 1]);
  become_ready(c);
}

// Clients that publish to themselves are both in one.
static connection *publisher_at(int index) {
  return &connections[opt.is_echo ? index : opt.subscribers + index];
}

// The publisher whose message this is, unharmed: the same topic, QoS and filling. NULL when it is not.
static const connection *publisher_of(const publish_packet *packet, const message_stamp *stamp) {
  if (stamp->publisher >= (uint32_t)opt.publishers || stamp->sequence >= messages_each) return NULL;
  const connection *publisher = publisher_at((int)stamp->publisher);
  const publish_template *message = &publisher->message;
  int qos = opt.qos < opt.subscribed_qos ? opt.qos : opt.subscribed_qos;
  if (packet->qos != qos || packet->topic_length != message->topic_length) return NULL;
  if (memcmp(packet->topic, message->topic, packet->topic_length)) return NULL;
  size_t filling_at = sizeof *stamp;
  const uint8_t *filling = message->bytes + message->payload_at + filling_at;
  return memcmp(packet->payload + filling_at, filling, packet->payload_length - filling_at) ? NULL : publisher;
}

static void take_publish(connection *c, uint8_t first, const uint8_t *body, size_t length) {
  publish_packet packet = read_publish(opt.version, first, body, length);
  message_stamp stamp;
  deliveries.received++;
  if (packet.qos) append_acknowledgement(&c->out, packet.qos == 1 ? PUBACK : PUBREC, packet.packet_id);
  if (!c->is_subscriber || packet.payload_length != (size_t)opt.payload_bytes) {
    deliveries.altered++;
    return;
  }
  memcpy(&stamp, packet.payload, sizeof stamp);
  if (!publisher_of(&packet, &stamp)) {
    deliveries.altered++;
    return;
  }
  note_sequence(&c->from[stamp.publisher], stamp.sequence, messages_each);
  add_latency(&deliveries.latencies, read_at_us - stamp.sent_us);
}

// One step of a message's way to its end, on the publisher's side.
static void take_acknowledgement(connection *c, int type, const uint8_t *body, size_t length) {
  static const enum packet_id_state EXPECTED[] = {
      [PUBACK] = AWAITS_PUBACK, [PUBREC] = AWAITS_PUBREC, [PUBCOMP] = AWAITS_PUBCOMP};
  unsigned packet_id = length >= 2 ? get_u16(body) : 0;
  if (!c->packet_ids || c->packet_ids[packet_id] != EXPECTED[type])
    fail("the server acknowledged message %u of %s %d (packet type %d), which waits for no such thing", packet_id,
         role_of(c), c->index, type);
  if (length > 2 && body[2] >= FIRST_ERROR) fail("the server refused a message: reason 0x%02x", body[2]);
  if (type == PUBREC) {
    c->packet_ids[packet_id] = AWAITS_PUBCOMP;
    append_acknowledgement(&c->out, PUBREL, packet_id);
    return;
  }
  c->packet_ids[packet_id] = ID_FREE;
  c->in_flight--;
  unacknowledged--;
}

static void take(connection *c, uint8_t first, const uint8_t *body, size_t length) {
  int type = first >> 4;
  switch (type) {
    case CONNACK: take_connack(c, body, length); break;
    case SUBACK: take_suback(c, body, length); break;
    case PUBLISH: take_publish(c, first, body, length); break;
    case PUBACK:
    case PUBREC:
    case PUBCOMP: take_acknowledgement(c, type, body, length); break;
    case PUBREL:
      if (length < 2) fail("the server sent a PUBREL without a packet id");
      append_acknowledgement(&c->out, PUBCOMP, get_u16(body));
      break;
    case DISCONNECT:
      fail("the server sent %s %d away: reason 0x%02x", role_of(c), c->index, length ? body[0] : 0);
      break;
    default: fail("the server sent %s %d a packet of type %d", role_of(c), c->index, type);
  }
}

static void greet(connection *c) {
  static int serial; // a client id that was used by a warm-up is not used again
  char client_id[64];
  int keeps_session = opt.keeps_sessions && c->is_subscriber;
  if (keeps_session) snprintf(client_id, sizeof client_id, "load-session-%d", c->index);
  else snprintf(client_id, sizeof client_id, "load-%d-%d", (int)getpid(), serial);
  connect_fields fields = {.version = opt.version,
                           .keep_alive_seconds = opt.idle ? IDLE_KEEP_ALIVE_SECONDS : 0,
                           .keeps_session = keeps_session,
                           .client_id = client_id,
                           .user = opt.user,
                           .password = opt.password};
  serial++;
  append_connect(&c->out, &fields);
  send_outbox(c, epoll);
}

// Waits at most `timeout_ms` for something to happen, and goes on with whatever did; how many connections had news.
static int turn(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(epoll, events, EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) {
    connection *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) send_outbox(c, epoll);
    if (!(events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) continue;
    read_at_us = microseconds_now();
    enum connection_state before = c->state;
    read_connection(c, epoll, take);
    if (before == UPGRADING && c->state == GREETING) greet(c);
  }
  return count;
}

static void start_client(connection *c) {
  static int started;
  uint32_t from = opt.addresses ? 0x7f000002u + (uint32_t)(started++ % opt.addresses) : 0;
  c->is_packetwise = opt.is_echo;
  c->state = opt.web_socket_path ? UPGRADING : GREETING;
  open_connection(c, epoll, opt.host, opt.port, from);
  if (!opt.web_socket_path) return greet(c);
  c->frames = calloc(1, sizeof *c->frames);
  if (!c->frames) fail("out of memory for a WebSocket");
  append_upgrade(&c->out, opt.host, opt.port, opt.web_socket_path);
  send_outbox(c, epoll);
}

// Connects `count` clients, a few at once, until all are ready.
static void connect_clients(int count) {
  double begun = seconds_now();
  ready_count = 0;
  for (int started = 0; ready_count < count;) {
    double seconds = seconds_now() - begun;
    if (seconds > opt.limit_seconds)
      fail("only %d of %d clients were ready in %.0f s", ready_count, count, opt.limit_seconds);
    double due = opt.connects_per_second > 0 ? seconds * opt.connects_per_second : count;
    int most = ready_count + GREETINGS_AT_ONCE;
    while (started < count && started < most && started < due) start_client(&connections[started++]);
    turn(started < count && started < most ? 1 : 100);
  }
}

static void make_connections(int count) {
  connection_count = count;
  connections = calloc((size_t)count, sizeof *connections);
  if (!connections) fail("out of memory for %d clients", count);
}
#endif
