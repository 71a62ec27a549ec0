/*
 * Measures the C library for bench/c.ts, which compiles it with the library: prints its figures.
 *
 *   c-rates write APP FLOW SIZE BUFFERS    writes until its standard input ends; prints 0 when ready
 *   c-rates read APP FLOW SIZE SECONDS PID...
 *                                          buffers per second that a lossless input takes in place;
 *                                          nanoseconds of processor time of a buffer, of this process
 *                                          and the stated ones
 *   c-rates spectrum APP SECONDS           microseconds to copy 4,096 channels by name
 *   c-rates take APP FLOW SIZE BUFFERS SECONDS
 *                                          buffers per second of processor time that a thread takes,
 *                                          and that it writes, a quarter of the ring at a time
 *
 * Looks at the first byte, size, time and flags of each buffer, as c-plain.c does.
 */
#define _GNU_SOURCE
#include <mirrorflow.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 10000
/* Buffers before the measurement: all code is compiled then, as in programs that run for long. */
#define WARM_UP 3000000
#define WAIT_MS 10000
#define CHANNELS 4096

static double clock_s(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double now_s(void) { return clock_s(CLOCK_MONOTONIC); }

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

/* The first byte. Both programs look at the same parts of a buffer. */
static unsigned use_buffer(const mf_buffer *taken, size_t size) {
  return *(const unsigned char *)taken->data + (taken->size != size) + (taken->timestamp_ns == 0) + taken->flags;
}

/* Processor time of this process and of those with the ids. */
static double all_processors_s(char **pids) {
  double sum = clock_s(CLOCK_PROCESS_CPUTIME_ID);
  for (; *pids != NULL; pids++) {
    clockid_t clock;
    if (clock_getcpuclockid(atoi(*pids), &clock) != 0) give_up("a process has ended");
    sum += clock_s(clock);
  }
  return sum;
}

static void read_buffers(mf_app *app, const char *flow, size_t size, double seconds, char **pids) {
  mf_input *input;
  mf_buffer buffer;
  unsigned sum = 0;
  double count = 0, began = 0, used = 0;
  if (mf_open_input(app, flow, NULL, &input) != MF_OK) give_up(mf_app_error(app));
  do {
    for (int at = 0; at < BATCH; at++) {
      if (mf_take(input, WAIT_MS, &buffer) != MF_OK) give_up(mf_input_error(input));
      sum += use_buffer(&buffer, size);
    }
    count += BATCH;
    if (began == 0 && count >= WARM_UP) {
      used = all_processors_s(pids);
      began = now_s();
      count = 0;
    }
  } while (began == 0 || now_s() - began < seconds);
  double rate = count / (now_s() - began);
  used = all_processors_s(pids) - used;
  mf_input_close(input);
  if (sum == 0) printf("%f %f\n", rate, used / count * 1e9);
}

static double processor_s(void) { return clock_s(CLOCK_THREAD_CPUTIME_ID); }

static void take_buffers(mf_app *app, const char *flow, size_t size, uint32_t buffers, double seconds) {
  mf_output_options options = {.buffer_size = (uint32_t)size, .buffers = buffers};
  mf_output *output;
  mf_input *input;
  mf_buffer buffer;
  unsigned sum = 0;
  char *content = calloc(1, size);
  if (mf_open_output(app, flow, &options, &output) != MF_OK) give_up(mf_app_error(app));
  if (mf_open_input(app, flow, NULL, &input) != MF_OK) give_up(mf_app_error(app));
  double count = 0, taking = 0, writing = 0, began = now_s();
  do {
    double first = processor_s();
    for (uint32_t at = 0; at < buffers / 4; at++)
      if (mf_write(output, content, size, WAIT_MS) != MF_OK) give_up(mf_output_error(output));
    double middle = processor_s();
    for (uint32_t at = 0; at < buffers / 4; at++) {
      if (mf_take(input, WAIT_MS, &buffer) != MF_OK) give_up(mf_input_error(input));
      sum += use_buffer(&buffer, size);
    }
    taking += processor_s() - middle;
    writing += middle - first;
    count += buffers / 4;
  } while (now_s() - began < seconds);
  mf_input_close(input);
  mf_output_close(output);
  free(content);
  if (sum == 0) printf("%f %f\n", count / taking, count / writing);
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

int main(int argc, char **argv) {
  double figure = 0;
  if (argc < 4) give_up("usage: see the head of c-rates.c");
  mf_app *app = connected(argv[2]);
  if (argc == 6 && strcmp(argv[1], "write") == 0)
    write_buffers(app, argv[3], (size_t)atol(argv[4]), (uint32_t)atol(argv[5]));
  else if (argc >= 6 && strcmp(argv[1], "read") == 0)
    read_buffers(app, argv[3], (size_t)atol(argv[4]), atof(argv[5]), argv + 6);
  else if (argc == 7 && strcmp(argv[1], "take") == 0)
    take_buffers(app, argv[3], (size_t)atol(argv[4]), (uint32_t)atol(argv[5]), atof(argv[6]));
  else if (argc == 4 && strcmp(argv[1], "spectrum") == 0) figure = read_spectrum(app, atof(argv[3]));
  else give_up("usage: see the head of c-rates.c");
  mf_app_close(app);
  if (figure > 0) printf("%f\n", figure);
  return 0;
}
