// Publishing: as much as a window lets through, or at a given rate; and waiting until all of it has come.
#ifndef MQTT_PUBLISHING_H
#define MQTT_PUBLISHING_H
#include "mqtt_clients.h"

enum {
  BURST_MESSAGES = 16, // of one publisher before the next has its turn
  MAX_BACKLOG_BYTES = 65536,
  ECHO_IN_FLIGHT = 20,
  STALL_SECONDS = 5,
  QUIET_MS = 50
};

static void make_publisher(connection *c, int index) {
  long share = opt.window / opt.publishers;
  c->index = index;
  if (opt.is_echo && share > ECHO_IN_FLIGHT) share = ECHO_IN_FLIGHT;
  c->in_flight_limit = (unsigned)(share < 1 ? 1 : share >= PACKET_IDS ? PACKET_IDS - 1 : share);
  fill_in_index(c->message.topic, opt.topic, index);
  make_publish(&c->message, opt.version, opt.qos, (size_t)opt.payload_bytes);
  if (opt.qos) c->packet_ids = calloc(PACKET_IDS, 1);
  if (opt.qos && !c->packet_ids) fail("out of memory for packet ids");
}

static void make_publishers_and_subscribers(void) {
  make_connections(opt.is_echo ? opt.publishers : opt.subscribers + opt.publishers);
  messages_each = (uint32_t)((opt.messages + opt.publishers - 1) / opt.publishers);
  for (int i = 0; i < opt.subscribers; i++) {
    connections[i].is_subscriber = 1;
    connections[i].index = i;
    connections[i].from = calloc((size_t)opt.publishers, sizeof(arrivals));
    if (!connections[i].from) fail("out of memory for %d subscribers", opt.subscribers);
  }
  for (int i = 0; i < opt.publishers; i++) make_publisher(publisher_at(i), i);
}

// Deliveries that count: those that are what was sent, once.
static long delivered(void) {
  return deliveries.received - deliveries.duplicates - deliveries.altered;
}

static int may_publish(const connection *c) {
  return sent_count < opt.messages && c->sent < messages_each &&
         sent_count * opt.fan_out - delivered() < opt.window * opt.fan_out &&
         (!opt.qos || c->in_flight < c->in_flight_limit) && backlog_bytes(c) < MAX_BACKLOG_BYTES;
}

static unsigned free_packet_id(connection *c) {
  do c->last_packet_id = c->last_packet_id % (PACKET_IDS - 1) + 1;
  while (c->packet_ids[c->last_packet_id] != ID_FREE);
  return c->last_packet_id;
}

static void publish(connection *c, uint64_t sent_us) {
  const publish_template *message = &c->message;
  message_stamp stamp = {.publisher = (uint32_t)c->index, .sequence = c->sent++, .sent_us = sent_us};
  uint8_t *at = append(&c->out, message->length);
  memcpy(at, message->bytes, message->length);
  memcpy(at + message->payload_at, &stamp, sizeof stamp);
  sent_count++;
  if (!opt.qos) return;
  unsigned packet_id = free_packet_id(c);
  c->packet_ids[packet_id] = opt.qos == 1 ? AWAITS_PUBACK : AWAITS_PUBREC;
  put_u16(at + message->packet_id_at, packet_id);
  c->in_flight++;
  unacknowledged++;
}

// Lets every publisher send what the window has room for; whether any did.
static int publish_what_fits(void) {
  int any = 0, most = opt.publishers > 1 ? BURST_MESSAGES : INT32_MAX;
  uint64_t now_us = microseconds_now();
  // The first to be asked moves on, or the last ones would never find room.
  static int first;
  for (int i = 0; i < opt.publishers && sent_count < opt.messages; i++) {
    connection *c = publisher_at((first + i) % opt.publishers);
    int burst = 0;
    for (; burst < most && may_publish(c); burst++) publish(c, now_us);
    if (burst) send_outbox(c, epoll);
    any |= burst;
  }
  first = (first + 1) % opt.publishers;
  return any;
}

// Publishes what is due by now at the given rate, each publisher in its turn. What finds no room is late when it leaves,
// and has been under way since it was due: that is what an open loop is for.
static int publish_what_is_due(double begun) {
  static int next;
  uint64_t begun_us = (uint64_t)(begun * 1e6);
  long due = (long)((seconds_now() - begun) * opt.messages_per_second), first = sent_count;
  if (due > opt.messages) due = opt.messages;
  for (int refused = 0; sent_count < due && refused < opt.publishers; next = (next + 1) % opt.publishers) {
    connection *c = publisher_at(next);
    int has_room = backlog_bytes(c) < MAX_BACKLOG_BYTES && (!opt.qos || c->in_flight < c->in_flight_limit);
    refused = has_room ? 0 : refused + 1;
    if (has_room) publish(c, begun_us + (uint64_t)((double)sent_count * 1e6 / opt.messages_per_second));
  }
  for (int i = 0; i < opt.publishers && sent_count > first; i++)
    if (unsent_bytes(&publisher_at(i)->out)) send_outbox(publisher_at(i), epoll);
  return 1; // the next one is due soon: no waiting
}

// Publishes and receives until all is delivered; 0 when it stood still or took too long before.
static int run(void) {
  long target = opt.messages * opt.fan_out, last_received = 0;
  double begun = seconds_now(), moved = begun;
  while (delivered() < target) {
    int any = opt.messages_per_second > 0 ? publish_what_is_due(begun) : publish_what_fits();
    turn(any ? 0 : 100);
    double now = seconds_now();
    if (deliveries.received != last_received) moved = now;
    last_received = deliveries.received;
    if (now - moved < STALL_SECONDS && now - begun < opt.limit_seconds) continue;
    const char *why = now - begun < opt.limit_seconds ? "nothing came any more" : "the time is over";
    fprintf(stderr, "load: %s: %ld of %ld deliveries after %.1f s\n", why, delivered(), target, now - begun);
    return 0;
  }
  return 1;
}

// Waits for acknowledgements that are still on their way, and for deliveries that should not come any more.
static void drain(void) {
  double limit = seconds_now() + STALL_SECONDS;
  while (seconds_now() < limit && (turn(QUIET_MS) || unacknowledged)) continue;
}
#endif
