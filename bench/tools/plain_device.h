// Devices of version 1 of the socket protocol on one epoll: they introduce themselves, answer keep-alives, and answer
// commands at once.
#ifndef PLAIN_DEVICE_H
#define PLAIN_DEVICE_H
#include "measure.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum watched_kind { WATCHED_DEVICE = 1, WATCHED_CLIENT = 2 };
enum device_state { DEVICE_CONNECTING, DEVICE_WAITS_FOR_ID, DEVICE_READY, DEVICE_GONE };
enum { DEVICE_INBOX_BYTES = 1024, DEVICE_ID_BYTES = 80 };

typedef struct {
  enum watched_kind kind; // first, so that an epoll event tells what it is about
  enum device_state state;
  int fd;
  int inbox_length;
  double last_keep_alive; // 0 before the first
  char id[DEVICE_ID_BYTES];
  char inbox[DEVICE_INBOX_BYTES];
} device;

// What happened to all devices together.
typedef struct {
  long ready, gone, commands, keep_alives, glued, unread;
  samples keep_alive_gaps;
} device_counts;

static device_counts devices_seen;
static const char *device_description =
    "{'1': {'Descrição': 'Ligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False}}";

// A non-blocking TCP connection under way, watched by `epoll`. `from` may be 0: any address of this machine.
static int start_connection(int epoll, const char *host, int port, uint32_t from, void *watched) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  if (fd < 0) fail("no socket: %s (raise the limit of open files: ulimit -n)", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (from) {
    // Lets the kernel choose the port when it knows the other end: more connections fit.
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    if (bind(fd, (struct sockaddr *)&own, sizeof own)) fail("cannot bind an own address: %s", strerror(errno));
  }
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &peer.sin_addr) != 1) fail("%s is no IPv4 address", host);
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer) && errno != EINPROGRESS)
    fail("cannot connect to %s:%d: %s", host, port, strerror(errno));
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = watched};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll: %s", strerror(errno));
  return fd;
}

static void start_device(device *d, int epoll, const char *host, int port, uint32_t from) {
  memset(d, 0, sizeof *d);
  d->kind = WATCHED_DEVICE;
  d->fd = start_connection(epoll, host, port, from, d);
}

static void lose_device(device *d) {
  if (d->state == DEVICE_READY) devices_seen.ready--;
  d->state = DEVICE_GONE;
  devices_seen.gone++;
  close(d->fd);
}

// These messages are far smaller than a socket's buffer: one that does not fit at once means a broken connection.
static void device_says(device *d, const char *text) {
  ssize_t length = (ssize_t)strlen(text);
  if (send(d->fd, text, (size_t)length, MSG_NOSIGNAL) != length) lose_device(d);
}

// The length of the first whole dictionary in `text`, 0 while it is not whole.
static int dictionary_length(const char *text, int length) {
  int depth = 0;
  char quote = 0;
  for (int i = 0; i < length; i++) {
    char c = text[i];
    if (quote) {
      if (c == '\\') i++;
      else if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') quote = c;
    else if (c == '{') depth++;
    else if (c == '}' && --depth == 0) return i + 1;
  }
  return 0;
}

// The number after `Comando`, or -1.
static int command_number(const char *text, int length) {
  const char *at = memmem(text, (size_t)length, "Comando", 7), *end = text + length;
  for (at = at ? at + 7 : end; at < end; at++)
    if (*at >= '0' && *at <= '9') return atoi(at);
  return -1;
}

static void answer_request(device *d, int number) {
  if (number == 0) {
    double now = seconds_now();
    if (d->last_keep_alive > 0) add_sample(&devices_seen.keep_alive_gaps, now - d->last_keep_alive);
    d->last_keep_alive = now;
    devices_seen.keep_alives++;
    device_says(d, "Recebido");
  } else if (number > 0) {
    devices_seen.commands++;
    device_says(d, "{'Resposta': 'ok'}");
  } else devices_seen.unread++;
}

static void read_requests(device *d) {
  int whole, answered = 0;
  while (d->state == DEVICE_READY && (whole = dictionary_length(d->inbox, d->inbox_length)) > 0) {
    // A second request before the first was answered is what this protocol cannot carry.
    if (answered++) devices_seen.glued++;
    int number = command_number(d->inbox, whole);
    memmove(d->inbox, d->inbox + whole, (size_t)(d->inbox_length - whole));
    d->inbox_length -= whole;
    answer_request(d, number);
  }
}

static void read_device(device *d) {
  ssize_t length = recv(d->fd, d->inbox + d->inbox_length, (size_t)(DEVICE_INBOX_BYTES - 1 - d->inbox_length), 0);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) {
    lose_device(d);
    return;
  }
  d->inbox_length += (int)length;
  d->inbox[d->inbox_length] = 0;
  if (d->state == DEVICE_WAITS_FOR_ID) {
    if (length >= DEVICE_ID_BYTES) fail("the hub gave an id of %zd bytes: %.60s", length, d->inbox);
    memcpy(d->id, d->inbox, (size_t)length + 1);
    d->inbox_length = 0;
    d->state = DEVICE_READY;
    devices_seen.ready++;
    device_says(d, device_description);
  } else read_requests(d);
}

// Goes on with one device after epoll told of it.
static void go_on_with_device(device *d, int epoll, uint32_t events) {
  if (d->state == DEVICE_GONE) return;
  if (d->state == DEVICE_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = d};
    epoll_ctl(epoll, EPOLL_CTL_MOD, d->fd, &event);
    d->state = DEVICE_WAITS_FOR_ID;
    device_says(d, "Conexão");
  } else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) read_device(d);
}
#endif
