// What mqttload can be asked for.
#ifndef MQTT_OPTIONS_H
#define MQTT_OPTIONS_H
#include "mqtt_deliveries.h"
#include "mqtt_packets.h"
#include <getopt.h>

enum { MAX_PAYLOAD_BYTES = 131072 };

typedef struct {
  const char *host, *topic, *filter, *user, *password, *web_socket_path;
  int port, publishers, subscribers, qos, subscribed_qos, payload_bytes, version, fan_out, addresses, server_pid;
  int idle, warm_up, is_echo, keeps_sessions;
  long messages, window;
  double limit_seconds, connects_per_second, messages_per_second;
} options;

static options opt = {.host = "127.0.0.1",
                      .topic = "load/%d",
                      .filter = "load/#",
                      .port = 1883,
                      .publishers = 1,
                      .subscribers = 1,
                      .subscribed_qos = -1,
                      .payload_bytes = 64,
                      .version = 4,
                      .addresses = -1,
                      .warm_up = 1000,
                      .messages = 100000,
                      .window = 100,
                      .limit_seconds = 60};

static void usage(void) {
  puts("mqttload [options]: publish and receive through an MQTT broker; then one line of JSON\n"
       "  -H host -P port     IPv4 address and port of the broker (127.0.0.1, 1883)\n"
       "  -p n -s n           publishers and subscribers (1, 1)\n"
       "  -q qos -Q qos       of publishing (0), and of subscribing (the same)\n"
       "  -z bytes            payload (64); 16 at least, for what is needed to check it\n"
       "  -n count            messages to publish in all (100000)\n"
       "  -w count            window: messages in all that are published and not yet delivered (100);\n"
       "                      at QoS 1 and 2 also those that are not yet acknowledged, shared by the publishers\n"
       "  -R n                open loop: publish n messages a second in all, however slowly they come back (no window);\n"
       "                      latency is counted from the time at which each should have left\n"
       "  -e                  each client publishes to its own subscription, as libmosquitto does it by default: Nagle on,\n"
       "                      a system call for each packet, 20 in flight (QoS 1 and 2)\n"
       "  -c                  subscribers have sessions that outlive their connections, the same ones in each run\n"
       "  -k path             over WebSocket, a frame for each packet\n"
       "  -v 4|5              MQTT 3.1.1 or 5 (4)\n"
       "  -t topic -f filter  of publishing and of subscribing (load/%d, load/#); %d is the index of the client\n"
       "  -F n                deliveries of each message (as many as subscribers)\n"
       "  -u user -x password\n"
       "  -S pid              the broker's process: its CPU and memory are reported too\n"
       "  -L seconds          the most that a run may take (60); one that stands still ends earlier\n"
       "  -i n                instead: connect n clients and leave them idle; what each costs the broker\n"
       "  -W n                clients that connect and leave again before those (1000)\n"
       "  -r n                connect n clients a second (0: as fast as the broker answers)\n"
       "  -a n                spread clients over n own addresses, from 127.0.0.2 on (idle ones: 4; else none)\n"
       "Exit code 4: not everything came, or not unharmed; the line of JSON says what.");
  exit(2);
}

static void check_options(void) {
  if (opt.subscribed_qos < 0) opt.subscribed_qos = opt.qos;
  if (opt.is_echo) {
    opt.subscribers = opt.publishers;
    opt.filter = opt.topic;
    opt.fan_out = 1;
    opt.window = opt.messages;
  }
  if (!opt.fan_out) opt.fan_out = opt.subscribers;
  if (opt.addresses < 0) opt.addresses = opt.idle && !strncmp(opt.host, "127.", 4) ? 4 : 0;
  int is_good = (opt.version == 4 || opt.version == MQTT_5) && opt.qos >= 0 && opt.qos <= 2 &&
                opt.subscribed_qos <= 2 && opt.addresses <= 250;
  is_good = is_good && opt.publishers > 0 && opt.subscribers > 0 && opt.messages > 0 && opt.window > 0;
  is_good = is_good && opt.messages / opt.publishers < UINT32_MAX && opt.fan_out > 0;
  is_good = is_good && opt.payload_bytes >= (int)sizeof(message_stamp) && opt.payload_bytes <= MAX_PAYLOAD_BYTES;
  is_good = is_good && opt.messages_per_second >= 0 && !(opt.is_echo && opt.messages_per_second);
  is_good = is_good && opt.idle >= 0 && opt.warm_up >= 0 && opt.limit_seconds > 0;
  if (!is_good) usage();
  if (opt.idle && !opt.server_pid) fail("idle clients need -S: what they cost is seen in the broker's process");
}

static void read_options(int count, char **words) {
  for (int o; (o = getopt(count, words, "H:P:p:s:q:Q:z:n:w:v:t:f:F:u:x:S:L:i:W:r:a:R:eck:h")) != -1;) switch (o) {
      case 'H': opt.host = optarg; break;
      case 'P': opt.port = atoi(optarg); break;
      case 'p': opt.publishers = atoi(optarg); break;
      case 's': opt.subscribers = atoi(optarg); break;
      case 'q': opt.qos = atoi(optarg); break;
      case 'Q': opt.subscribed_qos = atoi(optarg); break;
      case 'z': opt.payload_bytes = atoi(optarg); break;
      case 'n': opt.messages = atol(optarg); break;
      case 'w': opt.window = atol(optarg); break;
      case 'v': opt.version = atoi(optarg); break;
      case 't': opt.topic = optarg; break;
      case 'f': opt.filter = optarg; break;
      case 'F': opt.fan_out = atoi(optarg); break;
      case 'u': opt.user = optarg; break;
      case 'x': opt.password = optarg; break;
      case 'S': opt.server_pid = atoi(optarg); break;
      case 'L': opt.limit_seconds = atof(optarg); break;
      case 'i': opt.idle = atoi(optarg); break;
      case 'W': opt.warm_up = atoi(optarg); break;
      case 'r': opt.connects_per_second = atof(optarg); break;
      case 'R': opt.messages_per_second = atof(optarg); break;
      case 'e': opt.is_echo = 1; break;
      case 'c': opt.keeps_sessions = 1; break;
      case 'k': opt.web_socket_path = optarg; break;
      case 'a': opt.addresses = atoi(optarg); break;
      default: usage();
    }
  if (optind < count) usage();
  check_options();
}

// Copies `pattern` with its first `%d` filled in.
static void fill_in_index(char *text, const char *pattern, int index) {
  const char *mark = strstr(pattern, "%d");
  int length = mark ? snprintf(text, MAX_TEXT_BYTES, "%.*s%d%s", (int)(mark - pattern), pattern, index, mark + 2)
                    : snprintf(text, MAX_TEXT_BYTES, "%s", pattern);
  if (length >= MAX_TEXT_BYTES) fail("more than %d bytes: %s", MAX_TEXT_BYTES, pattern);
}
#endif
