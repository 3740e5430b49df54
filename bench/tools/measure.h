// Time, percentiles and what /proc says of a process. Shared by the load tools.
#ifndef MEASURE_H
#define MEASURE_H
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// Seconds from an arbitrary start that never jump.
static inline double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// Ends the program with a sentence on standard error.
static inline void fail(const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  fprintf(stderr, "load: ");
  vfprintf(stderr, format, rest);
  fputc('\n', stderr);
  va_end(rest);
  exit(3);
}

// Durations in microseconds; bounded, so that a long run cannot eat the memory.
typedef struct {
  uint32_t *us;
  size_t count, room;
} samples;

enum { MAX_SAMPLES = 20000000 };

static inline void add_sample(samples *s, double seconds) {
  if (s->count >= MAX_SAMPLES) return;
  if (s->count == s->room) {
    s->room = s->room ? s->room * 2 : 4096;
    s->us = realloc(s->us, s->room * sizeof *s->us);
    if (!s->us) fail("out of memory for %zu samples", s->room);
  }
  s->us[s->count++] = seconds <= 0 ? 0 : (uint32_t)(seconds * 1e6);
}

static inline int compare_us(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static inline void sort_samples(samples *s) {
  if (s->count) qsort(s->us, s->count, sizeof *s->us, compare_us);
}

// In milliseconds; 0 when there is no sample. `part` 1 is the maximum. The samples must be sorted.
static inline double percentile_ms(const samples *s, double part) {
  if (!s->count) return 0;
  size_t at = (size_t)(part * (double)s->count);
  return s->us[at >= s->count ? s->count - 1 : at] / 1e3;
}

// Seconds of CPU, user and system, that a process has used, to the nanosecond; -1 when it is gone.
static inline double cpu_seconds_of(int pid) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return -1;
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// Resident memory of a process in KiB; -1 when it is gone.
static inline long rss_kib_of(int pid) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  long kib = -1;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
  if (file) fclose(file);
  return kib;
}

// As many open files as the machine lets us have.
static inline void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Prints a text as a JSON string.
static inline void print_json_string(const char *text) {
  putchar('"');
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\') printf("\\%c", *c);
    else if (*c < 32) printf("\\u%04x", *c);
    else putchar(*c);
  }
  putchar('"');
}
#endif
