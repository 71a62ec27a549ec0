/*
 * A network in user space for tests, started by lab.ts: a TUN device in each of several network namespaces, and links
 * between these with a rate, a delay, a loss and cuts. (tc's netem does the same, but many kernels lack its module.)
 * Needs CAP_NET_ADMIN.
 *
 *   switch NAMESPACE...        the n-th (from 0) gets the device tun0 and the address 10.88.0.(n+1); multicast reaches all
 *
 * Reads one command per line from standard input and prints one line of answer for each; ends with standard input.
 *   shape N RATE DELAY LOSS    link of host N, each direction: bits/s (0: unlimited), microseconds, lost packets per million
 *   cut N | mend N             drop packets to and from host N | deliver packets again
 *   bytes N                    "SENT RECEIVED": bytes of IP packets that host N has sent and received
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS_MAX = 16, PACKET_MAX = 65536, QUEUE_MAX = 16384 };
/* Length of the queue of a busy link; further packets are dropped, as by a router. */
static const int64_t BUFFER_US = 200000;

struct host {
  int tun, cut;
  int64_t rate, delay_us, up_free_us, down_free_us;
  uint32_t loss_ppm;
  uint64_t sent, received;
};

struct packet {
  int64_t at_us;
  uint64_t order;
  int to, size;
  unsigned char *data;
};

static struct host hosts[HOSTS_MAX];
static int host_count;
static struct packet queue[QUEUE_MAX]; /* binary heap, earliest delivery first */
static int queued;
static uint64_t next_order;
static uint64_t random_state = 88172645463325252ULL;

static void fail(const char *what) {
  fprintf(stderr, "switch: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int chance(uint32_t ppm) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % 1000000 < ppm;
}

static int before(const struct packet *a, const struct packet *b) {
  return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

static void push(struct packet p) {
  int i = queued++;
  while (i > 0 && before(&p, &queue[(i - 1) / 2])) {
    queue[i] = queue[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  queue[i] = p;
}

static struct packet pop(void) {
  struct packet first = queue[0], last = queue[--queued];
  int i = 0;
  for (;;) {
    int child = 2 * i + 1;
    if (child >= queued) break;
    if (child + 1 < queued && before(&queue[child + 1], &queue[child])) child++;
    if (!before(&queue[child], &last)) break;
    queue[i] = queue[child];
    i = child;
  }
  queue[i] = last;
  return first;
}

/* Time at which a packet of `size` bytes sent at time `at` leaves the link; -1: the link's queue is full. Microseconds. */
static int64_t leave_time(const struct host *h, int64_t *free_us, int64_t at, int size) {
  if (h->rate > 0) {
    int64_t start = *free_us > at ? *free_us : at;
    if (start - at > BUFFER_US) return -1;
    *free_us = start + (int64_t)size * 8 * 1000000 / h->rate;
    at = *free_us;
  }
  return at + h->delay_us;
}

static void send_packet(int from, int to, const unsigned char *data, int size) {
  struct host *source = &hosts[from], *target = &hosts[to];
  if (source->cut || target->cut || chance(source->loss_ppm) || chance(target->loss_ppm)) return;
  int64_t at = leave_time(source, &source->up_free_us, now_us(), size);
  if (at >= 0) at = leave_time(target, &target->down_free_us, at, size);
  if (at < 0 || queued == QUEUE_MAX) return;
  unsigned char *copy = malloc(size);
  if (copy == NULL) return;
  memcpy(copy, data, size);
  push((struct packet){.at_us = at, .order = next_order++, .to = to, .size = size, .data = copy});
}

static void forward(int from, const unsigned char *data, int size) {
  if (size < 20 || data[0] >> 4 != 4) return;
  if (data[16] >> 4 == 14) { /* multicast: to all others */
    hosts[from].sent += size;
    for (int to = 0; to < host_count; to++)
      if (to != from) send_packet(from, to, data, size);
    return;
  }
  int to = data[19] - 1;
  if (data[16] != 10 || data[17] != 88 || data[18] != 0 || to < 0 || to >= host_count || to == from) return;
  hosts[from].sent += size;
  send_packet(from, to, data, size);
}

static void deliver(void) {
  while (queued > 0 && queue[0].at_us <= now_us()) {
    struct packet p = pop();
    struct host *target = &hosts[p.to];
    if (!target->cut && write(target->tun, p.data, p.size) == p.size) target->received += p.size;
    free(p.data);
  }
}

static void run_command(char *line) {
  int n = -1;
  long long rate, delay;
  unsigned loss;
  char verb[16];
  if (sscanf(line, "%15s %d", verb, &n) != 2 || n < 0 || n >= host_count) {
    puts("error");
  } else if (strcmp(verb, "shape") == 0 && sscanf(line, "shape %d %lld %lld %u", &n, &rate, &delay, &loss) == 4) {
    hosts[n].rate = rate;
    hosts[n].delay_us = delay;
    hosts[n].loss_ppm = loss;
    hosts[n].up_free_us = hosts[n].down_free_us = 0;
    puts("ok");
  } else if (strcmp(verb, "cut") == 0 || strcmp(verb, "mend") == 0) {
    hosts[n].cut = verb[0] == 'c';
    puts("ok");
  } else if (strcmp(verb, "bytes") == 0) {
    printf("%llu %llu\n", (unsigned long long)hosts[n].sent, (unsigned long long)hosts[n].received);
  } else {
    puts("error");
  }
  fflush(stdout);
}

static int open_tun(const char *name_space) {
  char path[256];
  snprintf(path, sizeof path, "/var/run/netns/%s", name_space);
  int ns = open(path, O_RDONLY | O_CLOEXEC);
  if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) fail(path);
  close(ns);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun < 0) fail("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strcpy(request.ifr_name, "tun0");
  if (ioctl(tun, TUNSETIFF, &request) < 0) fail("TUNSETIFF");
  return tun;
}

/* Runs all complete lines; returns 0 at the end of standard input. */
static int read_commands(void) {
  static char text[4096];
  static size_t have;
  ssize_t got = read(0, text + have, sizeof text - 1 - have);
  if (got <= 0) return 0;
  have += got;
  text[have] = 0;
  char *line = text, *end;
  while ((end = strchr(line, '\n')) != NULL) {
    *end = 0;
    run_command(line);
    line = end + 1;
  }
  have -= line - text;
  memmove(text, line, have);
  return have < sizeof text - 1;
}

int main(int argc, char **argv) {
  static unsigned char data[PACKET_MAX];
  struct pollfd waits[HOSTS_MAX + 1] = {{.fd = 0, .events = POLLIN}};
  host_count = argc - 1;
  if (host_count < 1 || host_count > HOSTS_MAX) {
    fprintf(stderr, "switch: 1 to %d namespaces\n", HOSTS_MAX);
    return 2;
  }
  for (int i = 0; i < host_count; i++) {
    hosts[i].tun = open_tun(argv[i + 1]);
    waits[i + 1] = (struct pollfd){.fd = hosts[i].tun, .events = POLLIN};
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct timespec wait = {.tv_sec = 3600};
    if (queued > 0) {
      int64_t us = queue[0].at_us - now_us();
      if (us < 0) us = 0;
      wait = (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    }
    if (ppoll(waits, host_count + 1, &wait, NULL) < 0 && errno != EINTR) fail("poll");
    if (waits[0].revents != 0 && !read_commands()) return 0;
    for (int i = 0; i < host_count; i++) {
      int size;
      /* Bounded, so that one sender does not delay the packets of others. */
      for (int many = 0; many < 64 && (size = read(hosts[i].tun, data, sizeof data)) > 0; many++) forward(i, data, size);
      deliver();
    }
  }
}
