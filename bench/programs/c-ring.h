/*
 * What the C programs of the benchmarks share: the slots of a flow in shared memory, the counts that
 * processes exchange through sockets, clocks, and child processes. c-plain.c and c-fanout.c include
 * it. Maps memory, makes sockets, starts processes.
 */
#ifndef C_RING_H
#define C_RING_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARTS_OF_RING 4
#define CLAIM_SLOTS_MAX 64
#define CLAIM_SHARE 64

/* A word on a cache line of its own. */
typedef struct word {
  _Alignas(64) _Atomic uint64_t value;
} word;

typedef struct slot {
  _Atomic uint64_t sequence;
  _Atomic uint64_t timestamp_ns, sizes;
  unsigned char room[40], payload[];
} slot;

typedef struct message {
  uint32_t kind, detail;
  uint64_t value;
} message;

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t wall_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void give_up(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static uint64_t load(word *from) { return atomic_load_explicit(&from->value, memory_order_acquire); }
static void store(word *to, uint64_t value) { atomic_store_explicit(&to->value, value, memory_order_release); }

static void send_count(int to, uint64_t value, uint32_t detail) {
  message sent = {0, detail, value};
  if (send(to, &sent, sizeof sent, MSG_NOSIGNAL) != sizeof sent) give_up("the other side has ended");
}

static message receive_count(int from) {
  message got;
  if (recv(from, &got, sizeof got, MSG_WAITALL) != sizeof got) exit(0);
  return got;
}

static void make_sockets(int pair[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) give_up("cannot make sockets");
}

/* Bytes from one slot to the next. */
static uint64_t stride_of(size_t size) { return (sizeof(slot) + size + 63) / 64 * 64; }

/* Memory, zeroed, that child processes share. */
static void *share_memory(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("there is not enough memory");
  return memory;
}

/* Slots that are claimed with one fence. */
static uint64_t claim_together(uint64_t slots) {
  uint64_t together = slots / CLAIM_SHARE;
  return together > CLAIM_SLOTS_MAX ? CLAIM_SLOTS_MAX : together > 0 ? together : 1;
}

/* 0 in the child, which ends with its parent. */
static pid_t start_child(void) {
  pid_t parent = getpid(), child = fork();
  if (child < 0) give_up("cannot start a process");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) exit(1);
  }
  return child;
}

static double processor_s(pid_t process) {
  clockid_t clock;
  if (clock_getcpuclockid(process, &clock) != 0) give_up("a process has ended");
  return seconds_of(clock);
}

static void stop(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

#endif
