/*
 * The peer of the C library for bench/c.ts: a ring of the library's shape in plain C, without the
 * library. bench/c.ts compiles it and reads the figures that it prints.
 *
 *   c-plain read SIZE BUFFERS SECONDS    buffers per second that one process reads and another
 *                                        writes; nanoseconds of processor time of a buffer, of all
 *   c-plain take SIZE BUFFERS SECONDS    buffers per second of processor time that a thread takes,
 *                                        and that it writes, a quarter of the ring at a time
 *
 * It does what a flow does for each buffer and for each quarter of the ring:
 * - Slots of 64 bytes and the payload: sequence word, time, size, flags. The writer clears the
 *   sequence word, copies the payload, reads the clock, stores the words and the count. It claims
 *   up to 64 slots, a 64th of the ring, with one fence.
 * - The reader borrows the payload, checks the sequence word before and after, and has data, size,
 *   flags, sequence, epoch and time of each buffer. It loads the count once for many buffers.
 * - A third process, the relay, grants credit: the reader sends it an acknowledgement of 16 bytes
 *   after each quarter of the ring, and before it waits; the writer sends it the count when the
 *   relay has handled the one before, and after a quarter of the ring. The relay wakes a reader that
 *   waits and a writer that has no credit. All wait on Unix sockets. As in the library, a writer that
 *   is busy sends the count after a quarter of the ring, or every 200 us.
 *
 * It does not: let threads share the writer, signal the last buffers of a writer that pauses, count
 * bytes and buffers for statistics, wait with a time limit, read its own messages while it is busy,
 * attach readers later, recover from a process that died, or check anything that another process
 * wrote. The relay answers in memory. A child process that it starts is killed at the end.
 */
#define _GNU_SOURCE
#include "c-ring.h"
#include <poll.h>
#include <stdbool.h>

#define BATCH 10000
/* Buffers before the measurement: all code is compiled then, as in programs that run for long. */
#define WARM_UP 3000000
#define AWAKE 1u
#define BUSY_SIGNAL_NS 200000

typedef struct ring {
  word published, claimed, granted;
  word heard;        /* the newest count of the writer that the relay has handled */
  word writer_waits; /* the relay sends the writer a message when it has granted credit */
  word epoch;
  int writer[2], reader[2]; /* sockets: the end of the process, the end of the relay */
  uint64_t slots, stride;
  unsigned char *memory;
} ring;

typedef struct writer {
  ring *ring;
  uint64_t next, claimed, signalled, signalled_ns;
} writer;

typedef struct reader {
  ring *ring;
  uint64_t next, published, due;
} reader;

typedef struct buffer {
  const unsigned char *data;
  uint32_t size, flags;
  uint64_t sequence, epoch, timestamp_ns;
} buffer;

static slot *slot_at(ring *own, uint64_t sequence) {
  return (slot *)(void *)(own->memory + sequence % own->slots * own->stride);
}

/* ---- Writer ---- */

static void signal_count(writer *own, uint64_t now_ns) {
  own->signalled = own->next;
  own->signalled_ns = now_ns;
  send_count(own->ring->writer[0], own->next, 0);
}

/* Claims the next slots; waits for credit. */
static void claim(writer *own) {
  ring *to = own->ring;
  uint64_t together = claim_together(to->slots);
  for (;;) {
    store(&to->claimed, own->next + together);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t granted = load(&to->granted);
    own->claimed = granted < own->next + together ? granted : own->next + together;
    if (own->claimed > own->next) return;
    atomic_store_explicit(&to->writer_waits.value, 1, memory_order_seq_cst);
    if (own->signalled != own->next) signal_count(own, own->signalled_ns);
    if (atomic_load_explicit(&to->granted.value, memory_order_seq_cst) <= own->next) receive_count(to->writer[0]);
  }
}

static void write_buffer(writer *own, const unsigned char *content, size_t size) {
  ring *to = own->ring;
  if (own->next >= own->claimed) claim(own);
  slot *at = slot_at(to, own->next);
  atomic_store_explicit(&at->sequence, 0, memory_order_release);
  atomic_thread_fence(memory_order_release);
  memcpy(at->payload, content, size);
  uint64_t now_ns = wall_clock_ns();
  atomic_store_explicit(&at->timestamp_ns, now_ns, memory_order_release);
  atomic_store_explicit(&at->sizes, size, memory_order_release);
  atomic_store_explicit(&at->sequence, own->next + 1, memory_order_release);
  store(&to->published, ++own->next);
  /* The relay stores `heard`, then loads the count. */
  atomic_thread_fence(memory_order_seq_cst);
  uint64_t unsignalled = own->next - own->signalled;
  bool is_handled = load(&to->heard) >= own->signalled;
  bool is_busy = now_ns - own->signalled_ns < BUSY_SIGNAL_NS;
  if ((is_handled && !is_busy) || unsignalled >= to->slots / PARTS_OF_RING) signal_count(own, now_ns);
}

/* ---- Reader ---- */

static void acknowledge(reader *own, uint64_t needed, uint32_t awake) {
  own->due = needed + own->ring->slots / PARTS_OF_RING;
  send_count(own->ring->reader[0], needed, awake);
}

static void take_buffer(reader *own, buffer *taken) {
  ring *from = own->ring;
  while (own->next >= own->published) {
    own->published = load(&from->published);
    if (own->next < own->published) break;
    acknowledge(own, own->next, 0);
    receive_count(from->reader[0]);
  }
  uint64_t sequence = own->next;
  slot *at = slot_at(from, sequence);
  if (atomic_load_explicit(&at->sequence, memory_order_acquire) != sequence + 1) give_up("lapped");
  uint64_t sizes = atomic_load_explicit(&at->sizes, memory_order_acquire), epoch = load(&from->epoch);
  uint64_t timestamp_ns = atomic_load_explicit(&at->timestamp_ns, memory_order_acquire);
  if (atomic_load_explicit(&at->sequence, memory_order_acquire) != sequence + 1) give_up("lapped");
  *taken = (buffer){at->payload, (uint32_t)sizes, (uint32_t)(sizes >> 32), sequence, epoch, timestamp_ns};
  own->next = sequence + 1;
  if (sequence >= own->due) acknowledge(own, sequence, AWAKE);
}

/* The first byte. Both programs look at the same parts of a buffer. */
static unsigned use_buffer(const buffer *taken, size_t size) {
  return taken->data[0] + (taken->size != size) + (taken->timestamp_ns == 0) + taken->flags;
}

/* ---- Relay ---- */

/* Grants credit and wakes the two others, until a socket closes. */
static void run_relay(ring *own) {
  uint64_t acknowledged = 0, reported = 0;
  int reader_waits = 0;
  for (;;) {
    struct pollfd sockets[2] = {{own->writer[1], POLLIN, 0}, {own->reader[1], POLLIN, 0}};
    if (poll(sockets, 2, -1) < 0) exit(1);
    if (sockets[0].revents != 0) {
      reported = receive_count(own->writer[1]).value;
      atomic_store_explicit(&own->heard.value, reported, memory_order_seq_cst);
    }
    if (sockets[1].revents != 0) {
      message got = receive_count(own->reader[1]);
      acknowledged = got.value;
      reader_waits = got.detail != AWAKE;
    }
    uint64_t published = atomic_load_explicit(&own->published.value, memory_order_seq_cst);
    if (reader_waits && published > acknowledged) {
      reader_waits = 0;
      send_count(own->reader[1], published, 0);
    }
    atomic_store_explicit(&own->granted.value, acknowledged + own->slots, memory_order_seq_cst);
    if (acknowledged + own->slots > published && atomic_exchange(&own->writer_waits.value, 0) != 0)
      send_count(own->writer[1], acknowledged + own->slots, 0);
  }
}

/* ---- Measurements ---- */

static ring *make_ring(size_t size, uint64_t slots) {
  uint64_t stride = stride_of(size);
  ring *own = share_memory(4096 + slots * stride);
  make_sockets(own->writer);
  make_sockets(own->reader);
  own->slots = slots;
  own->stride = stride;
  own->memory = (unsigned char *)own + 4096;
  store(&own->granted, slots);
  return own;
}

/* Processor time of this process and two others. */
static double all_processors_s(pid_t one, pid_t two) {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID) + processor_s(one) + processor_s(two);
}

static void measure_read(ring *own, const unsigned char *content, size_t size, double seconds, pid_t relay) {
  unsigned sum = 0;
  double count = 0, began = 0, used = 0;
  reader in = {.ring = own, .due = own->slots / PARTS_OF_RING};
  buffer taken;
  pid_t child = start_child();
  if (child == 0)
    for (writer out = {.ring = own};;) write_buffer(&out, content, size);
  do {
    for (int at = 0; at < BATCH; at++) {
      take_buffer(&in, &taken);
      sum += use_buffer(&taken, size);
    }
    count += BATCH;
    if (began == 0 && count >= WARM_UP) {
      used = all_processors_s(child, relay);
      began = seconds_of(CLOCK_MONOTONIC);
      count = 0;
    }
  } while (began == 0 || seconds_of(CLOCK_MONOTONIC) - began < seconds);
  double rate = count / (seconds_of(CLOCK_MONOTONIC) - began);
  used = all_processors_s(child, relay) - used;
  stop(child);
  if (sum == 0) printf("%f %f\n", rate, used / count * 1e9);
}

static void measure_take(ring *own, const unsigned char *content, size_t size, double seconds) {
  unsigned sum = 0;
  uint64_t part = own->slots / PARTS_OF_RING;
  double count = 0, taking = 0, writing = 0, began = seconds_of(CLOCK_MONOTONIC);
  writer out = {.ring = own};
  reader in = {.ring = own, .due = part};
  buffer taken;
  do {
    double first = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t at = 0; at < part; at++) write_buffer(&out, content, size);
    double middle = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t at = 0; at < part; at++) {
      take_buffer(&in, &taken);
      sum += use_buffer(&taken, size);
    }
    taking += seconds_of(CLOCK_THREAD_CPUTIME_ID) - middle;
    writing += middle - first;
    count += (double)part;
  } while (seconds_of(CLOCK_MONOTONIC) - began < seconds);
  if (sum == 0) printf("%f %f\n", count / taking, count / writing);
}

int main(int argc, char **argv) {
  if (argc != 5) give_up("usage: see the head of c-plain.c");
  size_t size = (size_t)atol(argv[2]);
  ring *own = make_ring(size, (uint64_t)atol(argv[3]));
  unsigned char *content = calloc(1, size);
  pid_t relay = start_child();
  if (relay == 0) run_relay(own);
  if (strcmp(argv[1], "read") == 0) measure_read(own, content, size, atof(argv[4]), relay);
  else measure_take(own, content, size, atof(argv[4]));
  stop(relay);
  free(content);
  return 0;
}
