/*
 * The peer of the benchmark `spectcl` in C: a mirror client as SpecTcl's own. It registers a shared
 * memory, requests updates back to back, reads the header of each reply and then its body straight
 * into that memory. bench/c-mirror.ts compiles it and reads what it prints.
 *
 *   c-mirror PORT CHANNEL_BYTES SECONDS
 *
 * Connects to 127.0.0.1. Prints the seconds of the measurement, the updates in it, the processor
 * seconds of this process in it, and the sum of all 32-bit words of the memory after the last
 * update. The first update, which is FULL, comes before the measurement.
 *
 * Checks: the first reply is FULL and all others are PARTIAL; every body fits its part of the
 * memory, and all partial ones have the same length. Sockets and memory are those of SpecTcl's
 * client: blocking reads until a part is whole, default options of TCP, a segment of System V shared
 * memory, which is removed as soon as it is attached.
 *
 * It does not: look for other mirrors, pause between updates as SpecTcl's client does, keep earlier
 * publications, compare them, or notify a reader.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DISPLAY_HEADER_BYTES 5600000u
#define SHMINFO 1u
#define REQUEST_UPDATE 2u
#define FULL_UPDATE 3u
#define PARTIAL_UPDATE 4u

typedef struct header {
  uint32_t size, type;
} header;

static void give_up(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_all(int to, const void *bytes, size_t count) {
  for (const char *at = bytes; count > 0;) {
    ssize_t sent = send(to, at, count, MSG_NOSIGNAL);
    if (sent <= 0) give_up("the mirror service closed the connection");
    at += sent;
    count -= (size_t)sent;
  }
}

static void read_all(int from, void *bytes, size_t count) {
  for (char *at = bytes; count > 0;) {
    ssize_t got = read(from, at, count);
    if (got <= 0) give_up("the mirror service closed the connection");
    at += got;
    count -= (size_t)got;
  }
}

static int connect_to(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int to = socket(AF_INET, SOCK_STREAM, 0);
  if (to < 0 || connect(to, (struct sockaddr *)&address, sizeof address) != 0) give_up("cannot connect");
  return to;
}

static unsigned char *make_memory(size_t bytes) {
  int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
  if (id < 0) give_up("there is no shared memory of this size");
  void *memory = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  if (memory == (void *)-1) give_up("cannot attach the shared memory");
  return memory;
}

/* Receives one update into the memory; returns the bytes of its body. */
static size_t update(int server, unsigned char *memory, size_t channel_bytes, uint32_t expected) {
  header request = {sizeof request, REQUEST_UPDATE}, reply;
  write_all(server, &request, sizeof request);
  read_all(server, &reply, sizeof reply);
  size_t body = reply.size - sizeof reply, offset = expected == FULL_UPDATE ? 0 : DISPLAY_HEADER_BYTES;
  if (reply.size < sizeof reply || reply.type != expected) give_up("a reply of the wrong type");
  if (body > DISPLAY_HEADER_BYTES - offset + channel_bytes) give_up("a reply that does not fit the memory");
  read_all(server, memory + offset, body);
  return body;
}

int main(int argc, char **argv) {
  if (argc != 4) give_up("usage: see the head of c-mirror.c");
  size_t channel_bytes = (size_t)atol(argv[2]), bytes = DISPLAY_HEADER_BYTES + channel_bytes;
  double seconds = atof(argv[3]);
  unsigned char *memory = make_memory(bytes);
  int server = connect_to(atoi(argv[1]));
  struct {
    header header;
    char key[4];
  } registration = {{sizeof registration, SHMINFO}, {'X', 'A', 'c', '0'}};
  write_all(server, &registration, sizeof registration);
  size_t full = update(server, memory, channel_bytes, FULL_UPDATE), updates = 0;
  double began = seconds_of(CLOCK_MONOTONIC), used = seconds_of(CLOCK_PROCESS_CPUTIME_ID), took;
  do {
    size_t body = update(server, memory, channel_bytes, PARTIAL_UPDATE);
    if (body != full - DISPLAY_HEADER_BYTES) give_up("an update of another length");
    updates++;
    took = seconds_of(CLOCK_MONOTONIC) - began;
  } while (took < seconds);
  used = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - used;
  uint64_t sum = 0;
  for (size_t at = 0; at + 4 <= full; at += 4) {
    uint32_t word;
    memcpy(&word, memory + at, sizeof word);
    sum += word;
  }
  printf("%.9f %zu %.9f %llu\n", took, updates, used, (unsigned long long)sum);
  return 0;
}
