// mqttload: load for an MQTT broker, from one thread. Publishers send as fast as a window of messages on their way
// lets them, or at a given rate; subscribers check each delivery. Or many clients connect and stay idle. Prints one
// line of JSON.
// build: cc -O2 -o mqttload mqttload.c ; usage: mqttload -h
#define _GNU_SOURCE
#include "mqtt_publishing.h"

enum { SETTLE_SECONDS = 2, EXIT_INCOMPLETE = 4 };

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
  printf(",\"p999Us\":%lu", latency_us(&d->latencies, 0.999));
  printf(",\"maxUs\":%lu,\"loadCpuPercent\":%.0f", latency_us(&d->latencies, 1 - 1e-12),
         load_cpu_seconds / seconds * 100);
  if (opt.server_pid)
    printf(",\"cpuSeconds\":%.4f,\"cpuUsPerMessage\":%.3f,\"rssKib\":%ld", cpu_seconds,
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
