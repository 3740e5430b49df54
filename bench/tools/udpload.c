// udpload: one connected sensor of version 1 that sends datagrams with a changing value at a given rate.
// Its TCP connection answers keep-alives meanwhile. Prints one line of JSON when the last datagram has left, then stays
// connected until its standard input ends, so that the hub can be asked what it has seen.
// build: cc -O2 -o udpload udpload.c ; usage: udpload -h
#define _GNU_SOURCE
#include "plain_device.h"
#include <getopt.h>
#include <poll.h>

static const char *sensor_description =
    "{'1': {'Descrição': 'Retornar medida de temperatura', 'Entrada': '', 'Método HTTP': 'GET',"
    " 'Coleta de dados UDP': True}}";
static device sensor;
static int epoll;

static void usage(void) {
  puts("udpload [options]: a sensor that sends readings by UDP; one line of JSON when the last has left\n"
       "  -H host      IPv4 address of the hub (127.0.0.1)\n"
       "  -t port      its TCP port (5050)\n"
       "  -u port      its UDP port (5060)\n"
       "  -n count     datagrams to send (100000)\n"
       "  -r rate      a second; 0 is as fast as it goes (10000)\n"
       "  -a address   own address, as 127.0.0.9\n"
       "  -o           only datagrams: no connection, for a peer that is a bare UDP socket");
  exit(2);
}

// Goes on with the TCP side for at most `timeout_ms`.
static void serve_connection(int timeout_ms) {
  struct epoll_event event;
  while (epoll_wait(epoll, &event, 1, timeout_ms) > 0) {
    go_on_with_device(&sensor, epoll, event.events);
    timeout_ms = 0;
  }
}

// A UDP socket on the same local address and port as the TCP connection: how a hub tells devices of one address apart.
static int open_datagram_socket(const char *host, int port, int like) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in own, peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  socklen_t length = sizeof own;
  int has_own = like >= 0 && getsockname(like, (struct sockaddr *)&own, &length) == 0;
  if (has_own && bind(fd, (struct sockaddr *)&own, sizeof own))
    fail("UDP port %d is taken: %s", ntohs(own.sin_port), strerror(errno));
  if (inet_pton(AF_INET, host, &peer.sin_addr) != 1) fail("%s is no IPv4 address", host);
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer)) fail("no way to %s: %s", host, strerror(errno));
  return fd;
}

int main(int count, char **words) {
  const char *host = "127.0.0.1", *own = NULL;
  int tcp_port = 5050, udp_port = 5060, only_datagrams = 0;
  long datagrams = 100000, refused = 0;
  double rate = 10000;
  for (int o; (o = getopt(count, words, "H:t:u:n:r:a:oh")) != -1;) switch (o) {
      case 'H': host = optarg; break;
      case 't': tcp_port = atoi(optarg); break;
      case 'u': udp_port = atoi(optarg); break;
      case 'n': datagrams = atol(optarg); break;
      case 'r': rate = atof(optarg); break;
      case 'a': own = optarg; break;
      case 'o': only_datagrams = 1; break;
      default: usage();
    }
  epoll = epoll_create1(0);
  if (!only_datagrams) {
    device_description = sensor_description;
    start_device(&sensor, epoll, host, tcp_port, own ? ntohl(inet_addr(own)) : 0);
    for (double limit = seconds_now() + 10; sensor.state != DEVICE_READY; serve_connection(100))
      if (sensor.state == DEVICE_GONE || seconds_now() > limit)
        fail("the hub at %s:%d did not take the connection", host, tcp_port);
    // The hub must have read the description before datagrams can be this device's: its first keep-alive shows it.
    for (double limit = seconds_now() + 10; !devices_seen.keep_alives && seconds_now() < limit;) serve_connection(100);
  }
  int udp = open_datagram_socket(host, udp_port, only_datagrams ? -1 : sensor.fd);

  double begun = seconds_now();
  long sent = 0;
  while (sent < datagrams) {
    double due = rate > 0 ? (seconds_now() - begun) * rate : (double)sent + 64;
    if ((double)sent >= due) usleep(100);
    for (; (double)sent < due && sent < datagrams; sent++) {
      char text[96];
      int length = sprintf(text, "{'Temperatura': '%ld°C', 'Válido': True}", sent + 1);
      if (send(udp, text, (size_t)length, 0) != length) refused++;
    }
    if (!only_datagrams) serve_connection(0);
  }
  double seconds = seconds_now() - begun;
  printf("{\"id\":");
  print_json_string(sensor.id);
  printf(",\"sent\":%ld,\"refused\":%ld", sent - refused, refused);
  printf(",\"seconds\":%.3f,\"perSecond\":%.0f", seconds, (double)sent / seconds);
  printf(",\"last\":%ld,\"lastText\":\"%ld°C\"", sent, sent);
  printf(",\"connected\":%s}\n", sensor.state == DEVICE_READY ? "true" : "false");
  fflush(stdout);

  struct pollfd input = {.fd = 0, .events = POLLIN};
  char ignored[64];
  while (poll(&input, 1, 20) == 0 || read(0, ignored, sizeof ignored) > 0)
    if (!only_datagrams) serve_connection(20);
  return 0;
}
