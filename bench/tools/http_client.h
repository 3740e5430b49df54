// A closed-loop HTTP/1.1 load client on one epoll: each connection sends a request, waits for its answer, and sends
// the next one.
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H
#include "plain_device.h"

enum { CLIENT_INBOX_BYTES = 65536, REQUEST_BYTES = 4096 };

typedef struct {
  const char *host;
  int port;
  const char *method, *path, *body, *expect; // `%s` in the path is a device id, `%d` its index
  const char *token;                         // NULL: no Authorization header
  const char **ids;
  int id_count;
  double per_second; // 0: as fast as the answers come
} http_load;

typedef struct {
  enum watched_kind kind; // first, as in `device`
  int fd, open, busy, inbox_length, target;
  double started;
  char *inbox;
} client;

typedef struct {
  long answers, wrong_status, wrong_body, broken;
  char example[512]; // the first answer that was not what was asked for
  samples latencies;
} http_counts;

static http_counts answers_seen;

static void start_client(client *c, int epoll, const http_load *load, int first_target) {
  char *inbox = c->inbox ? c->inbox : malloc(CLIENT_INBOX_BYTES);
  *c = (client){.kind = WATCHED_CLIENT, .inbox = inbox, .target = first_target};
  c->fd = start_connection(epoll, load->host, load->port, 0, c);
}

// Writes the request into `text`: the path with its `%s` or `%d` filled in.
static int write_request(char *text, const http_load *load, int target) {
  char path[1024];
  size_t length = 0;
  int index = load->id_count ? target % load->id_count : target;
  for (const char *c = load->path; *c && length < sizeof path - DEVICE_ID_BYTES; c++) {
    if (c[0] == '%' && c[1] == 's' && load->id_count) length += (size_t)sprintf(path + length, "%s", load->ids[index]);
    else if (c[0] == '%' && c[1] == 'd') length += (size_t)sprintf(path + length, "%d", index);
    else {
      path[length++] = *c;
      continue;
    }
    c++;
  }
  path[length] = 0;
  const char *body = load->body ? load->body : "", *token = load->token ? load->token : "";
  const char *body_type = load->body ? "Content-Type: application/json\r\n" : "";
  const char *bearer = load->token ? "Authorization: Bearer " : "", *bearer_end = load->token ? "\r\n" : "";
  int written = snprintf(text, REQUEST_BYTES,
                         "%s %s HTTP/1.1\r\n"
                         "Host: %s:%d\r\n"
                         "%s%s%s"
                         "%sContent-Length: %zu\r\n\r\n%s",
                         load->method, path, load->host, load->port, bearer, token, bearer_end, body_type, strlen(body),
                         body);
  if (written >= REQUEST_BYTES) fail("the request is longer than %d bytes", REQUEST_BYTES);
  return written;
}

static void lose_client(client *c) {
  answers_seen.broken++;
  c->open = c->busy = 0;
  close(c->fd);
  c->fd = -1;
}

// Sends the next request. `due` is when it should have left; it counts from then.
static void send_request(client *c, const http_load *load, int stride, double due) {
  char text[REQUEST_BYTES];
  int length = write_request(text, load, c->target);
  c->target += stride;
  c->busy = 1;
  c->inbox_length = 0;
  c->started = due;
  if (send(c->fd, text, (size_t)length, MSG_NOSIGNAL) != length) lose_client(c);
}

// The body's length, from the header; -1 when it is not told that way.
static long content_length(const char *head, const char *end) {
  for (const char *line = head; line && line < end; line = memchr(line, '\n', (size_t)(end - line))) {
    if (*line == '\n') line++;
    if (!strncasecmp(line, "content-length:", 15)) return atol(line + 15);
  }
  return -1;
}

static void note_wrong_answer(const char *text) {
  if (!answers_seen.example[0]) snprintf(answers_seen.example, sizeof answers_seen.example, "%s", text);
}

static void take_answer(client *c, const http_load *load, const char *body) {
  c->busy = 0;
  answers_seen.answers++;
  add_sample(&answers_seen.latencies, seconds_now() - c->started);
  if (strncmp(c->inbox, "HTTP/1.1 200", 12)) {
    answers_seen.wrong_status++;
    note_wrong_answer(c->inbox);
  } else if (load->expect && !strstr(body, load->expect)) {
    answers_seen.wrong_body++;
    note_wrong_answer(body);
  }
}

// Reads; true when an answer became whole.
static int read_client(client *c, const http_load *load) {
  ssize_t length = recv(c->fd, c->inbox + c->inbox_length, (size_t)(CLIENT_INBOX_BYTES - 1 - c->inbox_length), 0);
  if (length < 0 && errno == EAGAIN) return 0;
  if (length <= 0) {
    lose_client(c);
    return 0;
  }
  c->inbox_length += (int)length;
  c->inbox[c->inbox_length] = 0;
  char *end = strstr(c->inbox, "\r\n\r\n");
  if (!end) return 0;
  long body_length = content_length(c->inbox, end);
  if (body_length < 0) fail("an answer without Content-Length cannot be measured:\n%s", c->inbox);
  if (end + 4 - c->inbox + body_length >= CLIENT_INBOX_BYTES)
    fail("an answer of %ld bytes is too long for this tool", body_length);
  if (c->inbox + c->inbox_length < end + 4 + body_length) return 0;
  take_answer(c, load, end + 4);
  return 1;
}
#endif
