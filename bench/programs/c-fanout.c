/*
 * The peer of the benchmark `fanout` in C: one process writes buffers into a ring in shared memory,
 * others read them all, none is lost. bench/c-fanout.ts compiles it and reads what it prints.
 *
 *   c-fanout SIZE BUFFERS READERS borrow|copy WARM_UP_SECONDS SECONDS
 *
 * Prints the seconds of the measurement, the processor seconds of all processes in it, and the
 * buffers that each reader got in it. Exits with 1 and prints no figures when a buffer was wrong.
 *
 *       writer ──── slots, published ────► readers (each in a process of its own)
 *          ▲                                  │
 *        credit, wakes                acknowledgements, wakes
 *          └──────────────  relay  ◄──────────┘
 *
 * It does what a flow does:
 * - The slots of a flow: sequence word, time, size, flags, payload. The writer copies a payload into
 *   each slot. It claims up to 64 slots, a 64th of the ring, with one fence; it publishes a quarter
 *   of the ring at once, or less when it has no credit; those buffers have one time.
 * - A reader checks the sequence word before and after. It reads the first word of a borrowed
 *   buffer; with `copy` it copies the whole buffer to its own memory.
 * - A reader acknowledges a quarter of the ring, and before it waits. The writer signals each time
 *   that it publishes. The relay, a process of its own, grants credit up to the slowest reader and
 *   the ring, and wakes readers and writer through Unix sockets.
 *
 * Checks: the first word of a payload is its sequence, the last byte the same in all. Each reader
 * adds up the words of all its buffers, from the copy when it copies. At the end the sum must be
 * that of all sequences, and every byte of the last copy must be right.
 *
 * It does not: let threads share the writer, count bytes for statistics, attach readers later,
 * recover from a process that died, or check anything else that another process wrote.
 */
#define _GNU_SOURCE
#include "c-ring.h"
#include <poll.h>
#include <stdbool.h>

#define READERS_MAX 64
#define AWAKE 1u
#define LAST 1u
/* All bytes of a payload behind its first word. */
#define FILLING 0x5a
/* What the writer writes in their place: a test defines another byte, and every reader must fail. */
#ifndef WRITTEN
#define WRITTEN FILLING
#endif

typedef struct ring {
  word published, claimed, granted;
  word writer_waits; /* the relay sends the writer a message when it has granted credit */
  word stopping;     /* the writer publishes what it has and ends */
  word last;         /* count of all buffers + 1, once the writer has ended */
  word taken[READERS_MAX];
  int writer[2], reader[READERS_MAX][2]; /* sockets: the end of the process, the end of the relay */
  uint64_t slots, stride, quarter;
  size_t size;
  int readers;
  bool copies;
  unsigned char *memory;
} ring;

static slot *slot_at(ring *own, uint64_t index) { return (slot *)(void *)(own->memory + index * own->stride); }

/* ---- Writer ---- */

typedef struct writer {
  ring *ring;
  uint64_t next, claimed, published;
} writer;

static void publish(writer *own, uint32_t detail) {
  if (own->published == own->next && detail != LAST) return;
  own->published = own->next;
  store(&own->ring->published, own->next);
  send_count(own->ring->writer[0], own->next, detail);
}

/* Claims the next slots; publishes and waits when there is no credit. */
static void claim(writer *own) {
  ring *to = own->ring;
  uint64_t wanted = own->next + claim_together(to->slots);
  for (;;) {
    store(&to->claimed, wanted);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t granted = load(&to->granted);
    own->claimed = granted < wanted ? granted : wanted;
    if (own->claimed > own->next) return;
    publish(own, 0);
    atomic_store_explicit(&to->writer_waits.value, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&to->granted.value, memory_order_seq_cst) <= own->next) receive_count(to->writer[0]);
  }
}

static void run_writer(ring *to) {
  writer own = {.ring = to};
  unsigned char *content = malloc(to->size);
  if (content == NULL) give_up("there is not enough memory");
  memset(content, WRITTEN, to->size);
  uint64_t index = 0, now_ns = wall_clock_ns();
  while (load(&to->stopping) == 0) {
    if (own.next >= own.claimed) claim(&own);
    if (own.published == own.next) now_ns = wall_clock_ns();
    slot *at = slot_at(to, index);
    atomic_store_explicit(&at->sequence, 0, memory_order_release);
    atomic_thread_fence(memory_order_release);
    memcpy(content, &own.next, sizeof own.next);
    memcpy(at->payload, content, to->size);
    atomic_store_explicit(&at->timestamp_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&at->sizes, to->size, memory_order_relaxed);
    atomic_store_explicit(&at->sequence, ++own.next, memory_order_release);
    index = index + 1 == to->slots ? 0 : index + 1;
    if (own.next - own.published >= to->quarter) publish(&own, 0);
  }
  store(&to->last, own.next + 1);
  publish(&own, LAST);
  exit(0);
}

/* ---- Reader ---- */

static void check_copy(const unsigned char *copy, size_t size, uint64_t sequence) {
  uint64_t first;
  memcpy(&first, copy, sizeof first);
  if (first != sequence) give_up("a copy has the wrong sequence");
  for (size_t at = sizeof first; at < size; at++)
    if (copy[at] != FILLING) give_up("a copy has a wrong byte");
}

static void run_reader(ring *from, int number) {
  uint64_t next = 0, published = 0, due = from->quarter, sum = 0, index = 0;
  unsigned char *copy = malloc(from->size);
  if (copy == NULL) give_up("there is not enough memory");
  for (;;) {
    while (next >= published) {
      published = load(&from->published);
      if (next < published) break;
      if (load(&from->last) == next + 1) goto ended;
      due = next + from->quarter;
      send_count(from->reader[number][0], next, 0);
      receive_count(from->reader[number][0]);
    }
    slot *at = slot_at(from, index);
    if (atomic_load_explicit(&at->sequence, memory_order_acquire) != next + 1) give_up("lapped");
    uint64_t sizes = atomic_load_explicit(&at->sizes, memory_order_relaxed), word;
    uint64_t timestamp_ns = atomic_load_explicit(&at->timestamp_ns, memory_order_relaxed);
    const unsigned char *payload = at->payload;
    if (from->copies) {
      memcpy(copy, payload, sizes);
      __asm__ volatile("" : : "r"(copy) : "memory"); /* the compiler must keep the copy */
      payload = copy;
    }
    memcpy(&word, payload, sizeof word);
    if (sizes != from->size || timestamp_ns == 0 || payload[sizes - 1] != FILLING) give_up("a wrong buffer");
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&at->sequence, memory_order_relaxed) != next + 1) give_up("lapped");
    sum += word;
    next++;
    index = index + 1 == from->slots ? 0 : index + 1;
    atomic_store_explicit(&from->taken[number].value, next, memory_order_relaxed);
    if (next >= due) {
      due = next + from->quarter;
      send_count(from->reader[number][0], next, AWAKE);
    }
  }
ended:
  if (sum != (next % 2 == 0 ? next / 2 * (next - 1) : (next - 1) / 2 * next)) give_up("the sum is wrong");
  if (from->copies && next > 0) check_copy(copy, from->size, next - 1);
  exit(0);
}

/* ---- Relay ---- */

/* Grants credit and wakes the others until it is killed. */
static void run_relay(ring *own) {
  uint64_t acknowledged[READERS_MAX] = {0};
  bool waits[READERS_MAX] = {false}, ended = false;
  struct pollfd sockets[READERS_MAX + 1] = {{own->writer[1], POLLIN, 0}};
  for (int at = 0; at < own->readers; at++) sockets[at + 1] = (struct pollfd){own->reader[at][1], POLLIN, 0};
  for (;;) {
    if (poll(sockets, (nfds_t)own->readers + 1, -1) < 0) exit(1);
    if (sockets[0].revents != 0) ended |= receive_count(own->writer[1]).detail == LAST;
    for (int at = 0; at < own->readers; at++) {
      if (sockets[at + 1].revents == 0) continue;
      message got = receive_count(own->reader[at][1]);
      acknowledged[at] = got.value;
      waits[at] = got.detail != AWAKE;
    }
    uint64_t published = atomic_load_explicit(&own->published.value, memory_order_seq_cst);
    uint64_t slowest = UINT64_MAX;
    for (int at = 0; at < own->readers; at++) {
      if (acknowledged[at] < slowest) slowest = acknowledged[at];
      if (!waits[at] || (published <= acknowledged[at] && !ended)) continue;
      waits[at] = false;
      send_count(own->reader[at][1], published, 0);
    }
    atomic_store_explicit(&own->granted.value, slowest + own->slots, memory_order_seq_cst);
    if (slowest + own->slots > published && atomic_exchange(&own->writer_waits.value, 0) != 0)
      send_count(own->writer[1], slowest + own->slots, 0);
  }
}

/* ---- Measurement ---- */

static ring *make_ring(size_t size, uint64_t slots, int readers, bool copies) {
  size_t head = (sizeof(ring) + 4095) / 4096 * 4096;
  uint64_t stride = stride_of(size), quarter = slots / PARTS_OF_RING;
  ring *own = share_memory(head + slots * stride);
  make_sockets(own->writer);
  for (int at = 0; at < readers; at++) make_sockets(own->reader[at]);
  own->slots = slots;
  own->stride = stride;
  own->quarter = quarter > 0 ? quarter : 1;
  own->size = size;
  own->readers = readers;
  own->copies = copies;
  own->memory = (unsigned char *)own + head;
  store(&own->granted, slots);
  return own;
}

static void sleep_s(double seconds) {
  struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

static double all_processors_s(const pid_t *children, int count) {
  double sum = 0;
  for (int at = 0; at < count; at++) sum += processor_s(children[at]);
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 7) give_up("usage: see the head of c-fanout.c");
  long size = atol(argv[1]), slots = atol(argv[2]), readers = atol(argv[3]);
  if (size < 9 || slots < 1 || readers < 1 || readers > READERS_MAX) give_up("a number is out of range");
  ring *own = make_ring((size_t)size, (uint64_t)slots, (int)readers, strcmp(argv[4], "copy") == 0);
  pid_t children[READERS_MAX + 2]; /* the readers, the writer, the relay */
  uint64_t before[READERS_MAX], after[READERS_MAX];
  int count = own->readers + 2;
  if ((children[count - 1] = start_child()) == 0) run_relay(own);
  for (int at = 0; at < own->readers; at++)
    if ((children[at] = start_child()) == 0) run_reader(own, at);
  if ((children[count - 2] = start_child()) == 0) run_writer(own);
  sleep_s(atof(argv[5]));
  double used = all_processors_s(children, count), began = seconds_of(CLOCK_MONOTONIC);
  for (int at = 0; at < own->readers; at++) before[at] = load(&own->taken[at]);
  sleep_s(atof(argv[6]));
  for (int at = 0; at < own->readers; at++) after[at] = load(&own->taken[at]);
  double took = seconds_of(CLOCK_MONOTONIC) - began;
  used = all_processors_s(children, count) - used;
  store(&own->stopping, 1);
  bool right = true;
  for (int at = 0; at < count - 1; at++) {
    int status = 0;
    /* The others may wait for the one that failed. */
    if (!right) stop(children[at]);
    else if (waitpid(children[at], &status, 0) < 0 || status != 0) right = false;
  }
  stop(children[count - 1]);
  if (!right) give_up("a process failed");
  printf("%.9f %.9f", took, used);
  for (int at = 0; at < own->readers; at++) printf(" %llu", (unsigned long long)(after[at] - before[at]));
  printf("\n");
  return 0;
}
