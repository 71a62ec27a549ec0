/*
 * Measures the C library for bench/c.ts, which compiles it with the library: prints one figure.
 *
 *   c-rates write APP FLOW SIZE BUFFERS    writes until its standard input ends; prints 0 when ready
 *   c-rates read APP FLOW SECONDS          buffers per second that a lossless input takes in place
 *   c-rates spectrum APP SECONDS           microseconds to copy 4,096 channels by name
 *   c-rates take APP FLOW SIZE BUFFERS SECONDS
 *                                          buffers per second of processor time that an input takes
 *                                          while it need not wait: the program itself writes them
 *   c-rates plain SIZE BUFFERS SECONDS     as `write` and `read`, for a ring of the same shape without
 *                                          the library: two processes that wake each other by sockets
 *   c-rates plain-take SIZE BUFFERS SECONDS
 *                                          as `take`, for the plain ring
 *
 * Reads the first byte of each buffer. `plain` has a child process, which it kills.
 */
#define _GNU_SOURCE
#include <mirrorflow.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 10000
#define WAIT_MS 10000
#define CHANNELS 4096

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void give_up(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static mf_app *connected(const char *name) {
  mf_app *app;
  if (mf_connect(name, NULL, &app) != MF_OK) give_up(mf_app_error(app));
  return app;
}

static int has_input_ended(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) != 0;
}

static double write_buffers(mf_app *app, const char *flow, size_t size, uint32_t buffers) {
  mf_output_options options = {.buffer_size = (uint32_t)size, .buffers = buffers};
  mf_output *output;
  char *content = calloc(1, size);
  if (mf_open_output(app, flow, &options, &output) != MF_OK) give_up(mf_app_error(app));
  puts("0");
  fflush(stdout);
  while (!has_input_ended())
    for (int at = 0; at < BATCH && mf_write(output, content, size, 100) == MF_OK; at++) continue;
  mf_output_close(output);
  free(content);
  return 0;
}

static double read_buffers(mf_app *app, const char *flow, double seconds) {
  mf_input *input;
  mf_buffer buffer;
  unsigned sum = 0;
  double count = 0, began = 0;
  if (mf_open_input(app, flow, NULL, &input) != MF_OK) give_up(mf_app_error(app));
  do {
    for (int at = 0; at < BATCH; at++) {
      if (mf_take(input, WAIT_MS, &buffer) != MF_OK) give_up(mf_input_error(input));
      sum += *(const unsigned char *)buffer.data;
    }
    /* The first batch is the warm-up. */
    if (began == 0) began = now_s();
    else count += BATCH;
  } while (now_s() - began < seconds);
  double rate = count / (now_s() - began);
  mf_input_close(input);
  return sum == 0 ? rate : 0;
}

static double processor_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double take_buffers(mf_app *app, const char *flow, size_t size, uint32_t buffers, double seconds) {
  mf_output_options options = {.buffer_size = (uint32_t)size, .buffers = buffers};
  mf_output *output;
  mf_input *input;
  mf_buffer buffer;
  unsigned sum = 0;
  char *content = calloc(1, size);
  if (mf_open_output(app, flow, &options, &output) != MF_OK) give_up(mf_app_error(app));
  if (mf_open_input(app, flow, NULL, &input) != MF_OK) give_up(mf_app_error(app));
  double count = 0, used = 0, began = now_s();
  do {
    for (uint32_t at = 0; at < buffers / 4; at++)
      if (mf_write(output, content, size, WAIT_MS) != MF_OK) give_up(mf_output_error(output));
    double before = processor_s();
    for (uint32_t at = 0; at < buffers / 4; at++) {
      if (mf_take(input, WAIT_MS, &buffer) != MF_OK) give_up(mf_input_error(input));
      sum += *(const unsigned char *)buffer.data;
    }
    used += processor_s() - before;
    count += buffers / 4;
  } while (now_s() - began < seconds);
  mf_input_close(input);
  mf_output_close(output);
  free(content);
  return sum == 0 ? count / used : 0;
}

static double read_spectrum(mf_app *app, double seconds) {
  static mf_spectrum spectrum;
  static uint32_t counts[CHANNELS];
  mf_mirror *mirror;
  const mf_spectra *spectra;
  uint32_t position = 0;
  char name[MF_TEXT_BYTES];
  if (mf_open_mirror(app, NULL, &mirror) != MF_OK) give_up(mf_app_error(app));
  if (mf_spectra_of(mirror, WAIT_MS, &spectra) != MF_OK) give_up(mf_mirror_error(mirror));
  while (mf_each(spectra, &position, &spectrum) && (size_t)spectrum.x.bins * spectrum.y.bins < CHANNELS) continue;
  strcpy(name, spectrum.name);
  double count = 0, began = now_s();
  do {
    for (int at = 0; at < 1000; at++) {
      if (mf_spectra_of(mirror, WAIT_MS, &spectra) != MF_OK) give_up(mf_mirror_error(mirror));
      if (mf_find(spectra, name, &spectrum) != MF_OK) give_up("the spectrum is gone");
      if (mf_counts(&spectrum, 0, counts, CHANNELS) != CHANNELS) give_up("the spectrum is small");
    }
    count += 1000;
  } while (now_s() - began < seconds);
  double microseconds = (now_s() - began) / count * 1e6;
  mf_mirror_close(mirror);
  return microseconds;
}

/* A word on a cache line of its own. */
typedef struct word {
  _Alignas(64) _Atomic uint64_t value;
} word;

typedef struct ring {
  word published, needed;
  word reader_waits, writer_waits; /* 1: the other side sends a byte when it has done something */
  int wake_reader[2], wake_writer[2];
  uint64_t slots, stride;
  unsigned char *memory;
} ring;

typedef struct slot {
  _Atomic uint64_t sequence;
  uint64_t timestamp_ns, sizes;
  unsigned char room[40], payload[];
} slot;

static slot *slot_at(ring *own, uint64_t sequence) {
  return (slot *)(void *)(own->memory + sequence % own->slots * own->stride);
}

/* Waits for a byte unless `count` has exceeded `below`: the other side sees the flag, or we it. */
static void await_word(word *waits, const word *count, uint64_t below, int from) {
  char byte;
  atomic_store_explicit(&waits->value, 1, memory_order_seq_cst);
  if (atomic_load_explicit(&count->value, memory_order_seq_cst) > below) return;
  if (recv(from, &byte, 1, 0) != 1) give_up("the other side has ended");
}

static void wake(word *waits, int to) {
  atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&waits->value, memory_order_relaxed) == 0) return;
  if (atomic_exchange_explicit(&waits->value, 0, memory_order_seq_cst) != 0 && send(to, "", 1, MSG_NOSIGNAL) != 1)
    give_up("the other side has ended");
}

/* Writes to the plain ring as a provider does, with the time from the clock. */
static void write_plain(ring *own, uint64_t next, const unsigned char *content, size_t size) {
  struct timespec now;
  while (next - atomic_load_explicit(&own->needed.value, memory_order_acquire) >= own->slots)
    await_word(&own->writer_waits, &own->needed, next - own->slots, own->wake_writer[1]);
  slot *to = slot_at(own, next);
  atomic_store_explicit(&to->sequence, 0, memory_order_release);
  atomic_thread_fence(memory_order_release);
  memcpy(to->payload, content, size);
  clock_gettime(CLOCK_REALTIME, &now);
  to->timestamp_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  to->sizes = size;
  atomic_store_explicit(&to->sequence, next + 1, memory_order_release);
  atomic_store_explicit(&own->published.value, next + 1, memory_order_release);
  wake(&own->reader_waits, own->wake_reader[0]);
}

static void acknowledge_plain(ring *own, uint64_t needed) {
  atomic_store_explicit(&own->needed.value, needed, memory_order_release);
  wake(&own->writer_waits, own->wake_writer[0]);
}

/* Reads from the plain ring as a lossless consumer does. Returns the first byte. */
static unsigned take_plain(ring *own, uint64_t next, uint64_t *published, uint64_t *due, size_t size) {
  while (next >= *published) {
    *published = atomic_load_explicit(&own->published.value, memory_order_acquire);
    if (next < *published) break;
    acknowledge_plain(own, next);
    await_word(&own->reader_waits, &own->published, next, own->wake_reader[1]);
  }
  slot *from = slot_at(own, next);
  if (atomic_load_explicit(&from->sequence, memory_order_acquire) != next + 1) give_up("lapped");
  unsigned first = from->payload[0] + (from->sizes != size);
  if (atomic_load_explicit(&from->sequence, memory_order_acquire) != next + 1) give_up("lapped");
  if (next < *due) return first;
  acknowledge_plain(own, next);
  *due = next + own->slots / 4;
  return first;
}

static ring *plain_ring(size_t size, uint64_t slots) {
  uint64_t stride = (64 + size + 63) / 64 * 64;
  size_t bytes = 4096 + slots * stride;
  ring *own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (own == MAP_FAILED) give_up("there is not enough memory");
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, own->wake_reader) != 0) give_up("no sockets");
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, own->wake_writer) != 0) give_up("no sockets");
  own->slots = slots;
  own->stride = stride;
  own->memory = (unsigned char *)own + 4096;
  return own;
}

static double read_plain(size_t size, uint64_t slots, double seconds) {
  ring *own = plain_ring(size, slots);
  unsigned char *content = calloc(1, size);
  unsigned sum = 0;
  double count = 0, began = 0;
  uint64_t next = 0, published = 0, due = slots / 4;
  pid_t child = fork();
  if (child == 0)
    for (uint64_t at = 0;; at++) write_plain(own, at, content, size);
  do {
    for (int at = 0; at < BATCH; at++) sum += take_plain(own, next++, &published, &due, size);
    if (began == 0) began = now_s();
    else count += BATCH;
  } while (now_s() - began < seconds);
  double rate = count / (now_s() - began);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  free(content);
  return sum == 0 ? rate : 0;
}

static double take_all_plain(size_t size, uint64_t slots, double seconds) {
  ring *own = plain_ring(size, slots);
  unsigned char *content = calloc(1, size);
  unsigned sum = 0;
  double count = 0, used = 0, began = now_s();
  uint64_t next = 0, published = 0, due = slots / 4;
  do {
    for (uint64_t at = 0; at < slots / 4; at++) write_plain(own, next + at, content, size);
    double before = processor_s();
    for (uint64_t at = 0; at < slots / 4; at++) sum += take_plain(own, next++, &published, &due, size);
    used += processor_s() - before;
    count += (double)(slots / 4);
  } while (now_s() - began < seconds);
  free(content);
  return sum == 0 ? count / used : 0;
}

int main(int argc, char **argv) {
  double figure = 0;
  if (argc == 5 && strcmp(argv[1], "plain") == 0) {
    figure = read_plain((size_t)atol(argv[2]), (uint64_t)atol(argv[3]), atof(argv[4]));
  } else if (argc == 5 && strcmp(argv[1], "plain-take") == 0) {
    figure = take_all_plain((size_t)atol(argv[2]), (uint64_t)atol(argv[3]), atof(argv[4]));
  } else if (argc > 2) {
    mf_app *app = connected(argv[2]);
    if (argc == 6 && strcmp(argv[1], "write") == 0)
      write_buffers(app, argv[3], (size_t)atol(argv[4]), (uint32_t)atol(argv[5]));
    else if (argc == 5 && strcmp(argv[1], "read") == 0) figure = read_buffers(app, argv[3], atof(argv[4]));
    else if (argc == 7 && strcmp(argv[1], "take") == 0)
      figure = take_buffers(app, argv[3], (size_t)atol(argv[4]), (uint32_t)atol(argv[5]), atof(argv[6]));
    else if (argc == 4 && strcmp(argv[1], "spectrum") == 0) figure = read_spectrum(app, atof(argv[3]));
    else give_up("usage: see the head of c-rates.c");
    mf_app_close(app);
  } else
    give_up("usage: see the head of c-rates.c");
  if (figure > 0) printf("%f\n", figure);
  return 0;
}
