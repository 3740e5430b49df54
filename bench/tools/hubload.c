// hubload: load for a hub, from one thread: devices of version 1 of the socket protocol, an HTTP client, or both.
// Prints one line of JSON. build: cc -O2 -o hubload hubload.c ; usage: hubload -h
#define _GNU_SOURCE
#include "http_client.h"
#include <getopt.h>
#include <netdb.h>

enum { CONNECTIONS_AT_ONCE = 64, EVENTS = 512 };

typedef struct {
  const char *host, *id_list_path;
  int device_port, device_count, device_addresses, client_count, server_pid;
  double seconds, warm_up_seconds, connect_seconds;
  http_load load;
} options;

static options opt = {.host = "127.0.0.1",
                      .id_list_path = "/devices",
                      .device_port = 5050,
                      .seconds = 5,
                      .warm_up_seconds = 1,
                      .connect_seconds = 60,
                      .load = {.port = 5070, .method = "POST", .path = "/devices/%s/commands/1"}};
static device *devices;
static client *clients;
static int epoll;

static void usage(void) {
  puts("hubload [options]: devices, an HTTP client, or both, for some seconds; then one line of JSON\n"
       "  -H host             IPv4 address of the hub (127.0.0.1)\n"
       "  -d n                devices to connect (0)\n"
       "  -t port             TCP port of the devices (5050)\n"
       "  -a n                spread the devices over n own addresses, from 127.0.0.2 on (0: no address of their own)\n"
       "  -c n                HTTP connections, one request at a time each (0)\n"
       "  -p port             HTTP port (5070)\n"
       "  -m method -u path   the request (POST /devices/%s/commands/1); %s is a device id, %d its index\n"
       "  -b body             JSON body of the request\n"
       "  -k token            Authorization: Bearer token\n"
       "  -x text             what the body of each answer must hold\n"
       "  -i path             where the list of ids is when the devices are not in this process (/devices)\n"
       "  -r n                requests a second in all (0: as fast as the answers come)\n"
       "  -s seconds          how long to measure (5)\n"
       "  -w seconds          how long to run before that (1)\n"
       "  -L seconds          how long connecting may take (60)\n"
       "  -S pid              the hub's process: its CPU and memory are reported too");
  exit(2);
}

static void read_options(int count, char **words) {
  for (int o; (o = getopt(count, words, "H:d:t:a:c:p:m:u:b:k:x:i:r:s:w:L:S:h")) != -1;) switch (o) {
      case 'H': opt.host = optarg; break;
      case 'd': opt.device_count = atoi(optarg); break;
      case 't': opt.device_port = atoi(optarg); break;
      case 'a': opt.device_addresses = atoi(optarg); break;
      case 'c': opt.client_count = atoi(optarg); break;
      case 'p': opt.load.port = atoi(optarg); break;
      case 'm': opt.load.method = optarg; break;
      case 'u': opt.load.path = optarg; break;
      case 'b': opt.load.body = optarg; break;
      case 'k': opt.load.token = optarg; break;
      case 'x': opt.load.expect = optarg; break;
      case 'i': opt.id_list_path = optarg; break;
      case 'r': opt.load.per_second = atof(optarg); break;
      case 's': opt.seconds = atof(optarg); break;
      case 'w': opt.warm_up_seconds = atof(optarg); break;
      case 'L': opt.connect_seconds = atof(optarg); break;
      case 'S': opt.server_pid = atoi(optarg); break;
      default: usage();
    }
  int counts_are_good = opt.device_count >= 0 && opt.client_count >= 0;
  int addresses_are_good = opt.device_addresses >= 0 && opt.device_addresses <= 250;
  if (optind < count || !counts_are_good || !addresses_are_good) usage();
  opt.load.host = opt.host;
}

// How many requests are due by now when they are paced; more than there can be when they are not.
static double requests_due(double begun) {
  return opt.load.per_second > 0 ? (seconds_now() - begun) * opt.load.per_second : 1e18;
}

// Sends the next request on a connection, and opens a new one in its place when it turns out to be closed.
static void send_or_reopen(client *c, double due) {
  send_request(c, &opt.load, opt.client_count, due);
  if (c->fd < 0) start_client(c, epoll, &opt.load, c->target);
}

// Gives due requests to connections that are free, oldest due first.
static void send_due_requests(double begun, double *sent) {
  for (int i = 0; i < opt.client_count && *sent < requests_due(begun); i++) {
    client *c = &clients[i];
    if (!c->open || c->busy) continue;
    double due = opt.load.per_second > 0 ? begun + *sent / opt.load.per_second : seconds_now();
    send_or_reopen(c, due);
    ++*sent;
  }
}

// Goes on with one HTTP connection after epoll told of it.
static void go_on_with_client(client *c, uint32_t events, int sending) {
  if (c->open) {
    if (read_client(c, &opt.load) && sending && opt.load.per_second <= 0) send_or_reopen(c, seconds_now());
    else if (c->fd < 0) start_client(c, epoll, &opt.load, c->target);
  } else if (events & (EPOLLERR | EPOLLHUP)) {
    fail("nobody listens on %s:%d", opt.load.host, opt.load.port);
  } else {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    c->open = 1;
  }
}

// Waits at most `timeout_ms` for something to happen, and goes on with whatever did.
static void turn(int timeout_ms, int sending) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(epoll, events, EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) {
    if (*(enum watched_kind *)events[i].data.ptr == WATCHED_DEVICE) {
      go_on_with_device(events[i].data.ptr, epoll, events[i].events);
      continue;
    }
    go_on_with_client(events[i].data.ptr, events[i].events, sending);
  }
}

static void connect_devices(void) {
  double limit = seconds_now() + opt.connect_seconds;
  devices = calloc((size_t)opt.device_count + 1, sizeof *devices);
  if (!devices) fail("out of memory for %d devices", opt.device_count);
  for (int i = 0; i < opt.device_count; i++) {
    uint32_t from = opt.device_addresses ? 0x7f000002u + (uint32_t)(i % opt.device_addresses) : 0;
    start_device(&devices[i], epoll, opt.host, opt.device_port, from);
    int is_last = i + 1 == opt.device_count;
    while (i + 1 - devices_seen.ready >= (is_last ? 1 : CONNECTIONS_AT_ONCE)) {
      turn(100, 0);
      long ready = devices_seen.ready;
      if (devices_seen.gone && !ready) fail("no hub takes devices on %s:%d", opt.host, opt.device_port);
      if (devices_seen.gone) fail("the hub closed a device's connection while others were ready: %ld", ready);
      if (seconds_now() > limit) fail("only %ld of %d devices were ready in time", ready, opt.device_count);
    }
  }
}

static void connect_clients(void) {
  double limit = seconds_now() + opt.connect_seconds;
  int open = 0;
  clients = calloc((size_t)opt.client_count + 1, sizeof *clients);
  if (!clients) fail("out of memory for %d connections", opt.client_count);
  for (int i = 0; i < opt.client_count; i++) start_client(&clients[i], epoll, &opt.load, i);
  while (open < opt.client_count) {
    turn(100, 0);
    open = 0;
    for (int i = 0; i < opt.client_count; i++) open += clients[i].open;
    if (seconds_now() > limit) fail("only %d of %d HTTP connections were open in time", open, opt.client_count);
  }
}

// The ids of devices that are elsewhere: every text of the JSON list at `id_list_path`.
static void fetch_ids(void) {
  char service[8], request[512];
  struct addrinfo *found, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  snprintf(service, sizeof service, "%d", opt.load.port);
  if (getaddrinfo(opt.load.host, service, &hints, &found)) fail("%s is no address", opt.load.host);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, found->ai_addr, found->ai_addrlen)) fail("nobody listens on %s:%d", opt.load.host, opt.load.port);
  freeaddrinfo(found);
  const char *format = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n";
  int length = snprintf(request, sizeof request, format, opt.id_list_path, opt.host);
  if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length) fail("could not ask for the ids");
  size_t room = 1 << 22, filled = 0;
  char *text = malloc(room + 1);
  for (ssize_t got; filled < room && (got = recv(fd, text + filled, room - filled, 0)) > 0;) filled += (size_t)got;
  text[filled] = 0;
  close(fd);
  opt.load.ids = calloc(room / 3, sizeof *opt.load.ids);
  char *at = strstr(text, "\r\n\r\n");
  while (at && (at = strchr(at, '"'))) {
    char *end = strchr(at + 1, '"');
    if (!end) break;
    *end = 0;
    opt.load.ids[opt.load.id_count++] = at + 1;
    at = end + 1;
  }
  if (!opt.load.id_count) fail("GET %s names no device", opt.id_list_path);
}

static void choose_ids(void) {
  if (!strstr(opt.load.path, "%s") || !opt.client_count) {
    opt.load.id_count = opt.device_count;
    return;
  }
  if (!opt.device_count) {
    fetch_ids();
    return;
  }
  opt.load.ids = calloc((size_t)opt.device_count, sizeof *opt.load.ids);
  for (int i = 0; i < opt.device_count; i++) opt.load.ids[i] = devices[i].id;
  opt.load.id_count = opt.device_count;
}

static void run_for(double seconds) {
  double begun = seconds_now(), sent = 0;
  for (double left; (left = begun + seconds - seconds_now()) > 0;) {
    send_due_requests(begun, &sent);
    // Paced requests need the clock often; otherwise whatever comes wakes us.
    turn(opt.load.per_second > 0 ? 1 : left > 0.1 ? 100 : (int)(left * 1000) + 1, 1);
  }
}

static void forget_warm_up(void) {
  free(answers_seen.latencies.us);
  answers_seen = (http_counts){0};
  free(devices_seen.keep_alive_gaps.us);
  devices_seen.keep_alive_gaps = (samples){0};
  devices_seen.commands = devices_seen.keep_alives = 0;
}

static void print_report(double seconds, double cpu_seconds, long rss_before) {
  http_counts *a = &answers_seen;
  device_counts *d = &devices_seen;
  sort_samples(&a->latencies);
  sort_samples(&d->keep_alive_gaps);
  printf("{\"seconds\":%.3f", seconds);
  if (opt.client_count) {
    printf(",\"answers\":%ld,\"perSecond\":%.1f", a->answers, (double)a->answers / seconds);
    printf(",\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f", percentile_ms(&a->latencies, 0.5),
           percentile_ms(&a->latencies, 0.99), percentile_ms(&a->latencies, 1));
    printf(",\"wrongStatus\":%ld,\"wrongBody\":%ld,\"broken\":%ld", a->wrong_status, a->wrong_body, a->broken);
    printf(",\"example\":");
    print_json_string(a->example);
  }
  if (opt.device_count) {
    printf(",\"devices\":%d,\"kept\":%ld,\"lost\":%ld", opt.device_count, d->ready, d->gone);
    printf(",\"commands\":%ld,\"keepAlives\":%ld", d->commands, d->keep_alives);
    printf(",\"gapP50Ms\":%.1f,\"gapP99Ms\":%.1f,\"gapMaxMs\":%.1f", percentile_ms(&d->keep_alive_gaps, 0.5),
           percentile_ms(&d->keep_alive_gaps, 0.99), percentile_ms(&d->keep_alive_gaps, 1));
    printf(",\"glued\":%ld,\"unread\":%ld", d->glued, d->unread);
  }
  if (opt.server_pid) {
    printf(",\"cpuPercent\":%.1f,\"cpuSeconds\":%.2f", cpu_seconds / seconds * 100, cpu_seconds);
    printf(",\"rssKib\":%ld,\"rssKibBefore\":%ld", rss_kib_of(opt.server_pid), rss_before);
  }
  puts("}");
}

int main(int count, char **words) {
  read_options(count, words);
  raise_file_limit();
  epoll = epoll_create1(0);
  long rss_before = opt.server_pid ? rss_kib_of(opt.server_pid) : 0;
  connect_devices();
  choose_ids();
  connect_clients();
  run_for(opt.warm_up_seconds);
  forget_warm_up();
  double cpu_before = opt.server_pid ? cpu_seconds_of(opt.server_pid) : 0, begun = seconds_now();
  run_for(opt.seconds);
  double seconds = seconds_now() - begun, cpu = opt.server_pid ? cpu_seconds_of(opt.server_pid) - cpu_before : 0;
  print_report(seconds, cpu, rss_before);
  return 0;
}
