// What came: each message knows its publisher, its number and when it left, so that losing, doubling, changing places
// and waiting are seen. The payload begins with these, in this machine's byte order; both ends are one process.
#ifndef MQTT_DELIVERIES_H
#define MQTT_DELIVERIES_H
#include "measure.h"

typedef struct {
  uint32_t publisher, sequence; // the first of each publisher is 0
  uint64_t sent_us;             // by the clock that never jumps
} message_stamp;

static inline uint64_t microseconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

// Times, counted in steps that grow with them (below 64 µs exact, then within 1.6 %): no memory for each message.
enum { STEP_BITS = 6, STEPS = 1 << STEP_BITS, OCTAVES = 33 - STEP_BITS };

typedef struct {
  long counts[OCTAVES * STEPS], total;
} latency_counts;

static inline void add_latency(latency_counts *l, uint64_t us) {
  if (us > UINT32_MAX) us = UINT32_MAX;
  unsigned octave = us < STEPS ? 0 : (unsigned)(64 - __builtin_clzll(us) - STEP_BITS);
  // The highest bit of a time beyond the first octave is told by the octave: the next six choose the step.
  size_t step = octave ? (size_t)(us >> (octave - 1)) - STEPS : (size_t)us;
  l->counts[octave * STEPS + step]++;
  l->total++;
}

// The time within which this part of all messages came; the lower end of its step.
static inline uint64_t latency_us(const latency_counts *l, double part) {
  long passed = 0, wanted = (long)(part * (double)l->total);
  for (size_t i = 0; i < OCTAVES * STEPS; i++) {
    passed += l->counts[i];
    if (passed <= wanted) continue;
    size_t octave = i / STEPS, step = i % STEPS;
    return octave ? (uint64_t)(step + STEPS) << (octave - 1) : step;
  }
  return 0;
}

typedef struct {
  long received, duplicates, out_of_order, altered;
  latency_counts latencies;
} delivery_counts;

static delivery_counts deliveries;

// What one subscriber has had of one publisher.
typedef struct {
  uint32_t next;    // the number that should come now
  uint8_t *missing; // a bit for each message that a later one overtook; NULL until that happens
} arrivals;

static inline void mark_missing(arrivals *a, uint32_t until, uint32_t message_count) {
  if (!a->missing) a->missing = calloc(message_count / 8 + 1, 1);
  if (!a->missing) fail("out of memory for the list of missing messages");
  for (uint32_t i = a->next; i < until; i++) a->missing[i / 8] |= (uint8_t)(1 << i % 8);
}

static inline void note_sequence(arrivals *a, uint32_t sequence, uint32_t message_count) {
  if (sequence == a->next) {
    a->next++;
  } else if (sequence > a->next) {
    mark_missing(a, sequence, message_count);
    a->next = sequence + 1;
  } else if (a->missing && a->missing[sequence / 8] & 1 << sequence % 8) {
    a->missing[sequence / 8] &= (uint8_t) ~(1 << sequence % 8);
    deliveries.out_of_order++;
  } else {
    deliveries.duplicates++;
  }
}
#endif
