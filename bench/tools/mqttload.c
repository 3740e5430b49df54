// mqttload: load for an MQTT broker, from one thread. Publishers send as fast as a window of messages on their way
// lets them, subscribers check each delivery; or many clients connect and stay idle. Prints one line of JSON.
// build: cc -O2 -o mqttload mqttload.c ; usage: mqttload -h
#define _GNU_SOURCE
#include "mqtt_connection.h"
#include "mqtt_options.h"

enum {
  EVENTS = 512,
  GREETINGS_AT_ONCE = 50, // fewer than any broker's backlog of connections
  BURST_MESSAGES = 16,    // of one publisher before the next has its turn
  MAX_BACKLOG_BYTES = 65536,
  STALL_SECONDS = 5,
  IDLE_KEEP_ALIVE_SECONDS = 1200,
  SETTLE_SECONDS = 2,
  QUIET_MS = 50,
  EXIT_INCOMPLETE = 4
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

// The publisher whose message this is, unharmed: the same topic, QoS and filling. NULL when it is not.
static const connection *publisher_of(const publish_packet *packet, const message_stamp *stamp) {
  if (stamp->publisher >= (uint32_t)opt.publishers || stamp->sequence >= messages_each) return NULL;
  const connection *publisher = &connections[opt.subscribers + (int)stamp->publisher];
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

// Waits at most `timeout_ms` for something to happen, and goes on with whatever did; how many connections had news.
static int turn(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(epoll, events, EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) {
    connection *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) send_outbox(c, epoll);
    if (!(events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) continue;
    read_at_us = microseconds_now();
    read_connection(c, epoll, take);
  }
  return count;
}

static void start_client(connection *c) {
  static int serial; // a client id that was used by a warm-up is not used again
  char client_id[64];
  snprintf(client_id, sizeof client_id, "load-%d-%d", (int)getpid(), serial);
  uint32_t from = opt.addresses ? 0x7f000002u + (uint32_t)(serial % opt.addresses) : 0;
  connect_fields fields = {.version = opt.version,
                           .keep_alive_seconds = opt.idle ? IDLE_KEEP_ALIVE_SECONDS : 0,
                           .client_id = client_id,
                           .user = opt.user,
                           .password = opt.password};
  serial++;
  open_connection(c, epoll, opt.host, opt.port, from);
  append_connect(&c->out, &fields);
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

static void make_publisher(connection *c, int index) {
  long share = opt.window / opt.publishers;
  c->index = index;
  c->in_flight_limit = (unsigned)(share < 1 ? 1 : share >= PACKET_IDS ? PACKET_IDS - 1 : share);
  fill_in_index(c->message.topic, opt.topic, index);
  make_publish(&c->message, opt.version, opt.qos, (size_t)opt.payload_bytes);
  if (opt.qos) c->packet_ids = calloc(PACKET_IDS, 1);
  if (opt.qos && !c->packet_ids) fail("out of memory for packet ids");
}

static void make_publishers_and_subscribers(void) {
  make_connections(opt.subscribers + opt.publishers);
  messages_each = (uint32_t)((opt.messages + opt.publishers - 1) / opt.publishers);
  for (int i = 0; i < opt.subscribers; i++) {
    connections[i].is_subscriber = 1;
    connections[i].index = i;
    connections[i].from = calloc((size_t)opt.publishers, sizeof(arrivals));
    if (!connections[i].from) fail("out of memory for %d subscribers", opt.subscribers);
  }
  for (int i = 0; i < opt.publishers; i++) make_publisher(&connections[opt.subscribers + i], i);
}

// Deliveries that count: those that are what was sent, once.
static long delivered(void) {
  return deliveries.received - deliveries.duplicates - deliveries.altered;
}

static int may_publish(const connection *c) {
  return sent_count < opt.messages && c->sent < messages_each &&
         sent_count * opt.fan_out - delivered() < opt.window * opt.fan_out &&
         (!opt.qos || c->in_flight < c->in_flight_limit) && unsent_bytes(&c->out) < MAX_BACKLOG_BYTES;
}

static unsigned free_packet_id(connection *c) {
  do c->last_packet_id = c->last_packet_id % (PACKET_IDS - 1) + 1;
  while (c->packet_ids[c->last_packet_id] != ID_FREE);
  return c->last_packet_id;
}

static void publish(connection *c, uint64_t now_us) {
  const publish_template *message = &c->message;
  message_stamp stamp = {.publisher = (uint32_t)c->index, .sequence = c->sent++, .sent_us = now_us};
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
    connection *c = &connections[opt.subscribers + (first + i) % opt.publishers];
    int burst = 0;
    for (; burst < most && may_publish(c); burst++) publish(c, now_us);
    if (burst) send_outbox(c, epoll);
    any |= burst;
  }
  first = (first + 1) % opt.publishers;
  return any;
}

// Publishes and receives until all is delivered; 0 when it stood still or took too long before.
static int run(void) {
  long target = opt.messages * opt.fan_out, last_received = 0;
  double begun = seconds_now(), moved = begun;
  while (delivered() < target) {
    turn(publish_what_fits() ? 0 : 100);
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

static double own_cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The broker's figure, which must be there: without one a cost of nothing would be reported.
static double server_cpu_seconds(void) {
  if (!opt.server_pid) return 0;
  double seconds = cpu_seconds_of(opt.server_pid);
  if (seconds < 0) fail("there is no process %d any more", opt.server_pid);
  return seconds;
}

static void print_run(double seconds, double cpu_seconds, double load_cpu_seconds) {
  const delivery_counts *d = &deliveries;
  long good = delivered();
  printf("{\"version\":%d,\"qos\":%d,\"publishers\":%d", opt.version, opt.qos, opt.publishers);
  printf(",\"subscribers\":%d,\"payloadBytes\":%d", opt.subscribers, opt.payload_bytes);
  printf(",\"sent\":%ld,\"received\":%ld,\"lost\":%ld", sent_count, d->received, sent_count * opt.fan_out - good);
  printf(",\"duplicates\":%ld,\"outOfOrder\":%ld,\"altered\":%ld", d->duplicates, d->out_of_order, d->altered);
  printf(",\"unacknowledged\":%ld", unacknowledged);
  printf(",\"seconds\":%.3f,\"perSecond\":%.0f", seconds, (double)good / seconds);
  printf(",\"p50Us\":%lu,\"p99Us\":%lu", latency_us(&d->latencies, 0.5), latency_us(&d->latencies, 0.99));
  printf(",\"maxUs\":%lu,\"loadCpuPercent\":%.0f", latency_us(&d->latencies, 1 - 1e-12),
         load_cpu_seconds / seconds * 100);
  if (opt.server_pid)
    printf(",\"cpuSeconds\":%.2f,\"cpuUsPerMessage\":%.3f,\"rssKib\":%ld", cpu_seconds,
           good ? cpu_seconds * 1e6 / (double)good : 0, rss_kib_of(opt.server_pid));
  puts("}");
}

static int run_messages(void) {
  make_publishers_and_subscribers();
  connect_clients(connection_count);
  double cpu = server_cpu_seconds(), load_cpu = own_cpu_seconds(), begun = seconds_now();
  int is_complete = run();
  double seconds = seconds_now() - begun;
  cpu = server_cpu_seconds() - cpu;
  load_cpu = own_cpu_seconds() - load_cpu;
  drain();
  print_run(seconds, cpu, load_cpu);
  const delivery_counts *d = &deliveries;
  int is_unharmed = !d->duplicates && !d->out_of_order && !d->altered && !unacknowledged;
  return is_complete && is_unharmed ? 0 : EXIT_INCOMPLETE;
}

static void disconnect_clients(void) {
  for (int i = 0; i < connection_count; i++) {
    append_disconnect(&connections[i].out);
    send_outbox(&connections[i], epoll);
    close_connection(&connections[i]);
  }
  free(connections);
}

// Time for the broker to do what it put off. A connection that it closes meanwhile ends the program.
static void settle(void) {
  for (double limit = seconds_now() + SETTLE_SECONDS; seconds_now() < limit;) turn(100);
}

static int run_idle(void) {
  // Whatever a broker does once only, from compiling to growing its tables, is not a cost of a connection.
  if (opt.warm_up) {
    make_connections(opt.warm_up);
    connect_clients(opt.warm_up);
    disconnect_clients();
    settle();
  }
  long rss = rss_kib_of(opt.server_pid);
  double cpu = server_cpu_seconds(), begun = seconds_now();
  make_connections(opt.idle);
  connect_clients(opt.idle);
  double seconds = seconds_now() - begun;
  settle();
  cpu = server_cpu_seconds() - cpu;
  long rss_after = rss_kib_of(opt.server_pid);
  printf("{\"idle\":%d,\"seconds\":%.3f,\"perSecond\":%.0f", opt.idle, seconds, opt.idle / seconds);
  printf(",\"rssKibBefore\":%ld,\"rssKib\":%ld", rss, rss_after);
  printf(",\"kibEach\":%.2f,\"cpuUsPerConnect\":%.1f}\n", (double)(rss_after - rss) / opt.idle, cpu * 1e6 / opt.idle);
  return 0;
}

int main(int count, char **words) {
  read_options(count, words);
  raise_file_limit();
  epoll = epoll_create1(0);
  return opt.idle ? run_idle() : run_messages();
}
