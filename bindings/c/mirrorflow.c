/*
 * mirrorflow for C: the only source file of the library; mirrorflow.h is its interface. Programs
 * compile or link it. It connects to the Unix sockets of the app server and of duplicators, maps
 * flow files, and starts a thread for each client and each output. In this order: errors, names and
 * paths, values, XML-RPC, sessions, clients, openings, flow files, signal links, inputs, outputs,
 * spectra, mirrors. The formats are those of docs/attach.md, flow-file.md and signal-link.md.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "mirrorflow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "flow files are little-endian; this library runs on little-endian machines only"
#endif
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words of a flow file need lock-free atomics of 64 bits");
_Static_assert(sizeof(_Atomic uint64_t) == 8, "words of a flow file are 8 bytes");

/* ---- Errors ---------------------------------------------------------------------------------- */

#define ERROR_TEXT_BYTES 512

typedef struct failure {
  mf_status status;
  bool has_path; /* a file or flow was missing that a restarting server makes again */
  bool reopen;   /* only opening the flow again helps */
  char text[ERROR_TEXT_BYTES];
} failure;

static const struct {
  mf_status status;
  const char *name;
} STATUS_NAMES[] = {
    {MF_OK, "OK"},
    {MF_PARSE_ERROR, "PARSE_ERROR"},
    {MF_METHOD_NOT_FOUND, "METHOD_NOT_FOUND"},
    {MF_INVALID_PARAMETERS, "INVALID_PARAMETERS"},
    {MF_APPLICATION_ERROR, "APPLICATION_ERROR"},
    {MF_TRANSPORT_ERROR, "TRANSPORT_ERROR"},
    {MF_BAD_NAME, "BAD_NAME"},
    {MF_BAD_ADDRESS, "BAD_ADDRESS"},
    {MF_BAD_OPTION, "BAD_OPTION"},
    {MF_BAD_CONFIGURATION, "BAD_CONFIGURATION"},
    {MF_UNKNOWN_APPLICATION, "UNKNOWN_APPLICATION"},
    {MF_APPLICATION_EXISTS, "APPLICATION_EXISTS"},
    {MF_APPLICATION_UNREACHABLE, "APPLICATION_UNREACHABLE"},
    {MF_UNKNOWN_FLOW, "UNKNOWN_FLOW"},
    {MF_FLOW_BUSY, "FLOW_BUSY"},
    {MF_WRONG_FLOW_TYPE, "WRONG_FLOW_TYPE"},
    {MF_UNKNOWN_SESSION, "UNKNOWN_SESSION"},
    {MF_REFUSED, "REFUSED"},
    {MF_UNKNOWN_SPECTRUM, "UNKNOWN_SPECTRUM"},
    {MF_NOT_A_MIRROR, "NOT_A_MIRROR"},
    {MF_UNKNOWN_CLIENT, "UNKNOWN_CLIENT"},
    {MF_UNKNOWN_PROGRAM, "UNKNOWN_PROGRAM"},
    {MF_UNKNOWN_HOST, "UNKNOWN_HOST"},
    {MF_ALREADY_RUNNING, "ALREADY_RUNNING"},
    {MF_NOT_RUNNING, "NOT_RUNNING"},
    {MF_START_FAILED, "START_FAILED"},
    {MF_CHILD_DIED, "CHILD_DIED"},
    {MF_STOPPED, "STOPPED"},
    {MF_TIMED_OUT, "TIMED_OUT"},
    {MF_CLOSED, "CLOSED"},
    {MF_SOURCE_UNREACHABLE, "SOURCE_UNREACHABLE"},
    {MF_SOURCE_PROTOCOL, "SOURCE_PROTOCOL"},
    {MF_SOURCE_REFUSED, "SOURCE_REFUSED"},
    {MF_TOO_LARGE, "TOO_LARGE"},
    {MF_NO_SPACE, "NO_SPACE"},
    {MF_LIMIT_REACHED, "LIMIT_REACHED"},
    {MF_FILE_CORRUPT, "FILE_CORRUPT"},
    {MF_FILE_OWNED, "FILE_OWNED"},
    {MF_VERSION_MISMATCH, "VERSION_MISMATCH"},
    {MF_NOT_PERMITTED, "NOT_PERMITTED"},
    {MF_ADDRESS_IN_USE, "ADDRESS_IN_USE"},
    {MF_BAD_MESSAGE, "BAD_MESSAGE"},
    {MF_SYSTEM_ERROR, "SYSTEM_ERROR"},
};

static const char *known_status_name(long number) {
  for (size_t at = 0; at < sizeof STATUS_NAMES / sizeof *STATUS_NAMES; at++)
    if ((long)STATUS_NAMES[at].status == number) return STATUS_NAMES[at].name;
  return NULL;
}

const char *mf_status_name(mf_status status) {
  const char *name = known_status_name((long)status);
  return name != NULL ? name : "APPLICATION_ERROR";
}

/* Drops an incomplete UTF-8 sequence at the end of a text that was cut. */
static void trim_cut_text(char *text) {
  size_t size = strlen(text), begin = size;
  while (begin > 0 && size - begin < 4 && ((unsigned char)text[begin - 1] & 0xC0) == 0x80) begin--;
  if (begin == 0) return;
  unsigned char lead = (unsigned char)text[begin - 1];
  size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (size - begin + 1 < needed) text[begin - 1] = 0;
}

__attribute__((format(printf, 3, 4))) static mf_status fail(failure *why, mf_status status,
                                                            const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  why->status = status;
  why->has_path = why->reopen = false;
  vsnprintf(why->text, sizeof why->text, format, arguments);
  va_end(arguments);
  trim_cut_text(why->text);
  return status;
}

static mf_status fail_memory(failure *why) {
  return fail(why, MF_SYSTEM_ERROR, "there is not enough memory");
}

static mf_status fail_path(failure *why, mf_status status, const char *path, const char *what) {
  fail(why, status, "%s %s", path, what);
  why->has_path = true;
  return status;
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* The locale of documents and errors, whatever that of the program is. */
static locale_t plain_locale(void) {
  pthread_once(&c_locale_once, make_c_locale);
  return c_locale;
}

static const char *system_text(int number) { return strerror_l(number, plain_locale()); }

/* A copy for the calling thread of a text that other threads may replace. */
static const char *shown_text(pthread_mutex_t *lock, const failure *why) {
  static _Thread_local char shown[ERROR_TEXT_BYTES];
  pthread_mutex_lock(lock);
  memcpy(shown, why->text, sizeof shown);
  pthread_mutex_unlock(lock);
  return shown;
}

/* ---- Time ------------------------------------------------------------------------------------ */

#define NO_DEADLINE INT64_MAX

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t wall_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Lets the processor rest for a moment in a loop that waits for another one. */
static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t deadline_after(int timeout_ms) {
  return timeout_ms < 0 ? NO_DEADLINE : now_ms() + timeout_ms;
}

/* Milliseconds for poll: -1 for no deadline. */
static int time_left(int64_t deadline) {
  if (deadline == NO_DEADLINE) return -1;
  int64_t left = deadline - now_ms();
  return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Waits for a change; the lock is held. False when the deadline has passed. */
static bool wait_changed(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t deadline) {
  if (deadline == NO_DEADLINE) {
    pthread_cond_wait(changed, lock);
    return true;
  }
  struct timespec until = {(time_t)(deadline / 1000), (long)(deadline % 1000) * 1000000};
  return pthread_cond_timedwait(changed, lock, &until) != ETIMEDOUT;
}

static bool make_lock(pthread_mutex_t *lock, pthread_cond_t *changed) {
  pthread_condattr_t attributes;
  if (pthread_mutex_init(lock, NULL) != 0) return false;
  if (pthread_condattr_init(&attributes) != 0) return false;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  bool made = pthread_cond_init(changed, &attributes) == 0;
  pthread_condattr_destroy(&attributes);
  return made;
}

/* ---- Lock of an output ----------------------------------------------------------------------- */

/*
 * A lock for work of some 50 ns: one atomic exchange where no other thread wants it. Unlocking is a
 * plain store and a load of the waiting threads, without a fence between: a thread that waits has
 * the kernel run one in all threads (membarrier), between its own store and load.
 */
typedef struct quick_lock {
  _Atomic uint32_t held, waiting;
  _Atomic uint32_t changes; /* counts broadcasts */
  uint32_t sleepers;        /* threads that wait for a change; under the lock */
} quick_lock;

#define LOCK_ATTEMPTS 100

static pthread_once_t membarrier_once = PTHREAD_ONCE_INIT;
/* False: a kernel or a sandbox has no membarrier, so that every unlocking has its fence. */
static bool has_membarrier;

static void register_membarrier(void) {
  has_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static void make_quick_lock(void) { pthread_once(&membarrier_once, register_membarrier); }

static void futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *most) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, most, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static bool try_lock(quick_lock *lock) {
  return atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) == 0;
}

__attribute__((noinline)) static void wait_locked(quick_lock *lock) {
  for (int attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
    relax();
    if (atomic_load_explicit(&lock->held, memory_order_relaxed) == 0 && try_lock(lock)) return;
  }
  atomic_fetch_add(&lock->waiting, 1);
  if (has_membarrier) syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  while (!try_lock(lock)) futex_wait(&lock->held, 1, NULL);
  atomic_fetch_sub(&lock->waiting, 1);
}

static inline void lock_quickly(quick_lock *lock) {
  if (!try_lock(lock)) wait_locked(lock);
}

static inline void unlock_quickly(quick_lock *lock) {
  atomic_store_explicit(&lock->held, 0, memory_order_release);
  if (has_membarrier) atomic_signal_fence(memory_order_seq_cst);
  else atomic_thread_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&lock->waiting, memory_order_relaxed) != 0) futex_wake(&lock->held, 1);
}

/* Waits for a change, at most for a time; the lock is held, and given up meanwhile. */
static void sleep_until_change(quick_lock *lock, const struct timespec *most) {
  uint32_t seen = atomic_load_explicit(&lock->changes, memory_order_relaxed);
  lock->sleepers++;
  unlock_quickly(lock);
  futex_wait(&lock->changes, seen, most);
  lock_quickly(lock);
  lock->sleepers--;
}

/* Waits for a change; the lock is held. False when the deadline has passed. */
static bool await_change(quick_lock *lock, int64_t deadline) {
  int left = time_left(deadline);
  struct timespec most = {left / 1000, (long)(left % 1000) * 1000000};
  if (left == 0) return false;
  sleep_until_change(lock, left < 0 ? NULL : &most);
  return true;
}

/* Something that threads wait for has changed; the lock is held. */
static void note_change(quick_lock *lock) {
  if (lock->sleepers == 0) return;
  atomic_fetch_add_explicit(&lock->changes, 1, memory_order_relaxed);
  futex_wake(&lock->changes, INT_MAX);
}

/* ---- Names and paths ------------------------------------------------------------------------- */

#define NAME_CHARACTERS 64
#define SOCKET_PATH_BYTES 107
#define PATH_BYTES 4096

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_name(const char *name, bool begins_with_letter) {
  if (name == NULL || !(is_letter(name[0]) || (!begins_with_letter && is_digit(name[0])))) return false;
  size_t size = 0;
  for (; name[size] != 0; size++) {
    char c = name[size];
    bool fits = is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
    if (!fits || size >= NAME_CHARACTERS) return false;
  }
  return true;
}

static mf_status check_name(const char *kind, const char *name, failure *why) {
  if (is_name(name, false)) return MF_OK;
  return fail(why, MF_BAD_NAME,
              "'%.80s' is no name of %s: 1 to 64 letters, digits, '.', '_' or '-', beginning with a "
              "letter or digit",
              name == NULL ? "" : name, kind);
}

static uint32_t rotated(uint32_t word, int by) { return word >> by | word << (32 - by); }

/* SHA-256 of at most 55 bytes, or fewer than 120: names have at most 64. */
static void sha256(const uint8_t *bytes, size_t size, uint8_t digest[32]) {
  static const uint32_t K[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t padded[128] = {0};
  size_t total = size < 56 ? 64 : 128;
  memcpy(padded, bytes, size);
  padded[size] = 0x80;
  padded[total - 2] = (uint8_t)(size * 8 >> 8);
  padded[total - 1] = (uint8_t)(size * 8);
  for (size_t block = 0; block < total; block += 64) {
    uint32_t w[64], a[8];
    for (int i = 0; i < 16; i++) {
      const uint8_t *at = padded + block + 4 * i;
      w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int i = 16; i < 64; i++) {
      uint32_t s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
      uint32_t s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(a, h, sizeof a);
    for (int i = 0; i < 64; i++) {
      uint32_t s1 = rotated(a[4], 6) ^ rotated(a[4], 11) ^ rotated(a[4], 25);
      uint32_t t1 = a[7] + s1 + ((a[4] & a[5]) ^ (~a[4] & a[6])) + K[i] + w[i];
      uint32_t s0 = rotated(a[0], 2) ^ rotated(a[0], 13) ^ rotated(a[0], 22);
      uint32_t t2 = s0 + ((a[0] & a[1]) ^ (a[0] & a[2]) ^ (a[1] & a[2]));
      memmove(a + 1, a, 7 * sizeof *a);
      a[4] += t1;
      a[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += a[i];
  }
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* Path of an application's socket; a name that is too long is replaced by its hash. */
static void app_socket_path(const char *directory, const char *app, const char *right,
                            char path[PATH_BYTES]) {
  int size = snprintf(path, PATH_BYTES, "%s/apps/%s.%s.sock", directory, app, right);
  if (size <= SOCKET_PATH_BYTES) return;
  uint8_t digest[32];
  char hash[17];
  sha256((const uint8_t *)app, strlen(app), digest);
  for (int i = 0; i < 8; i++) snprintf(hash + 2 * i, 3, "%02x", digest[i]);
  snprintf(path, PATH_BYTES, "%s/apps/%s.%s.sock", directory, hash, right);
}

/* Whether servers in this directory are trusted: in /tmp any user can create one of this name. */
static bool is_usable_directory(const char *directory) {
  struct stat info;
  if (lstat(directory, &info) != 0 || !S_ISDIR(info.st_mode)) return false;
  return strncmp(directory, "/tmp/", 5) != 0 || info.st_uid == 0 || info.st_uid == geteuid();
}

/* ---- Values ---------------------------------------------------------------------------------- */

#define EXACT_INTEGER_MAX (INT64_C(1) << 53)
#define DEPTH_LEVELS 32

struct mf_value {
  mf_kind kind;
  int64_t integer;
  double number;
  char *text; /* of texts, bytes and times; a zero byte follows */
  size_t size;
  size_t count, room;
  mf_value **items;
  char **names; /* of structs */
};

static mf_value *make_value(mf_kind kind) {
  mf_value *value = calloc(1, sizeof *value);
  if (value != NULL) value->kind = kind;
  return value;
}

mf_value *mf_boolean(int is_true) {
  mf_value *value = make_value(MF_BOOLEAN);
  if (value != NULL) value->integer = is_true != 0;
  return value;
}

mf_value *mf_integer(int64_t integer) {
  mf_value *value = make_value(MF_INTEGER);
  if (value != NULL) value->integer = integer;
  return value;
}

mf_value *mf_double(double number) {
  mf_value *value = make_value(MF_DOUBLE);
  if (value != NULL) value->number = number;
  return value;
}

static mf_value *make_bytes(mf_kind kind, const void *bytes, size_t size) {
  mf_value *value = make_value(kind);
  if (value == NULL || size == SIZE_MAX || (value->text = malloc(size + 1)) == NULL) {
    free(value);
    return NULL;
  }
  if (size > 0) memcpy(value->text, bytes, size);
  value->text[size] = 0;
  value->size = size;
  return value;
}

mf_value *mf_text(const char *text) { return make_bytes(MF_TEXT, text == NULL ? "" : text, text == NULL ? 0 : strlen(text)); }
mf_value *mf_bytes(const void *bytes, size_t size) { return make_bytes(MF_BYTES, bytes, size); }
mf_value *mf_array(void) { return make_value(MF_ARRAY); }
mf_value *mf_struct(void) { return make_value(MF_STRUCT); }

void mf_value_free(mf_value *value) {
  if (value == NULL) return;
  for (size_t at = 0; at < value->count; at++) {
    mf_value_free(value->items[at]);
    if (value->names != NULL) free(value->names[at]);
  }
  free(value->items);
  free(value->names);
  free(value->text);
  free(value);
}

/* Adds an item, with a name in a struct. Takes ownership of both, also when it fails. */
static mf_status add_item(mf_value *list, char *name, mf_value *item) {
  bool fits = item != NULL && (list->kind == MF_ARRAY || name != NULL);
  if (fits && list->count == list->room) {
    size_t room = list->room == 0 ? 4 : list->room * 2;
    mf_value **items = realloc(list->items, room * sizeof *items);
    if (items != NULL) list->items = items;
    char **names = list->kind == MF_STRUCT ? realloc(list->names, room * sizeof *names) : NULL;
    if (names != NULL) list->names = names;
    fits = items != NULL && (names != NULL || list->kind == MF_ARRAY);
    if (fits) list->room = room;
  }
  if (!fits) {
    mf_value_free(item);
    free(name);
    return MF_SYSTEM_ERROR;
  }
  if (list->kind == MF_STRUCT) list->names[list->count] = name;
  list->items[list->count++] = item;
  return MF_OK;
}

mf_status mf_append(mf_value *array, mf_value *item) {
  if (array != NULL && array->kind == MF_ARRAY) return add_item(array, NULL, item);
  mf_value_free(item);
  return array == NULL ? MF_SYSTEM_ERROR : MF_BAD_OPTION;
}

mf_status mf_set(mf_value *record, const char *name, mf_value *item) {
  if (record == NULL || record->kind != MF_STRUCT || name == NULL) {
    mf_value_free(item);
    return record == NULL ? MF_SYSTEM_ERROR : MF_BAD_OPTION;
  }
  for (size_t at = 0; at < record->count && item != NULL; at++) {
    if (strcmp(record->names[at], name) != 0) continue;
    mf_value_free(record->items[at]);
    record->items[at] = item;
    return MF_OK;
  }
  return add_item(record, strdup(name), item);
}

mf_kind mf_kind_of(const mf_value *value) { return value == NULL ? MF_NOTHING : value->kind; }

int mf_boolean_of(const mf_value *value, int otherwise) {
  return value != NULL && value->kind == MF_BOOLEAN ? (int)value->integer : otherwise;
}

int64_t mf_integer_of(const mf_value *value, int64_t otherwise) {
  if (value == NULL) return otherwise;
  if (value->kind == MF_INTEGER) return value->integer;
  bool is_whole = value->kind == MF_DOUBLE && fabs(value->number) <= (double)EXACT_INTEGER_MAX &&
                  value->number == (double)(int64_t)value->number;
  return is_whole ? (int64_t)value->number : otherwise;
}

double mf_double_of(const mf_value *value, double otherwise) {
  if (value == NULL) return otherwise;
  if (value->kind == MF_DOUBLE) return value->number;
  return value->kind == MF_INTEGER ? (double)value->integer : otherwise;
}

const char *mf_text_of(const mf_value *value, const char *otherwise) {
  return value != NULL && (value->kind == MF_TEXT || value->kind == MF_TIME) ? value->text : otherwise;
}

const void *mf_bytes_of(const mf_value *value, size_t *size) {
  bool has_bytes = value != NULL && value->text != NULL;
  if (size != NULL) *size = has_bytes ? value->size : 0;
  return has_bytes ? value->text : NULL;
}

size_t mf_count(const mf_value *value) { return value == NULL ? 0 : value->count; }

const mf_value *mf_item(const mf_value *value, size_t index) {
  return value != NULL && index < value->count ? value->items[index] : NULL;
}

const char *mf_name(const mf_value *record, size_t index) {
  return record != NULL && record->names != NULL && index < record->count ? record->names[index] : NULL;
}

const mf_value *mf_get(const mf_value *record, const char *name) {
  if (record == NULL || record->kind != MF_STRUCT || name == NULL) return NULL;
  for (size_t at = 0; at < record->count; at++)
    if (strcmp(record->names[at], name) == 0) return record->items[at];
  return NULL;
}

/* ---- XML-RPC documents ----------------------------------------------------------------------- */

#define DOCUMENT_BYTES (4u * 1024 * 1024)

/* A document that is written. After `out_of_memory` nothing more is added. */
typedef struct document {
  char *bytes;
  size_t size, room;
  bool out_of_memory;
} document;

static void put(document *out, const void *bytes, size_t size) {
  if (out->out_of_memory) return;
  if (size > out->room - out->size) {
    size_t room = out->room == 0 ? 1024 : out->room * 2;
    while (room - out->size < size) room *= 2;
    char *grown = realloc(out->bytes, room);
    if (grown == NULL) {
      out->out_of_memory = true;
      return;
    }
    out->bytes = grown;
    out->room = room;
  }
  memcpy(out->bytes + out->size, bytes, size);
  out->size += size;
}

static void put_text(document *out, const char *text) { put(out, text, strlen(text)); }

/* Length of the UTF-8 character at `at`, and its code; 0 for none that is valid. */
static size_t utf8_character(const uint8_t *at, size_t left, uint32_t *code) {
  uint8_t lead = at[0];
  size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead > 0xF4 || (lead >= 0x80 && lead < 0xC2) || size > left) return 0;
  uint32_t value = size == 1 ? lead : lead & (0xFFu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xC0) != 0x80) return 0;
    value = value << 6 | (at[i] & 0x3F);
  }
  static const uint32_t SMALLEST[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < SMALLEST[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
  *code = value;
  return size;
}

static bool is_xml_character(uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code != 0xFFFE && code != 0xFFFF && !(code >= 0xD800 && code <= 0xDFFF) && code <= 0x10FFFF;
}

static mf_status put_escaped(document *out, const char *text, size_t size, failure *why) {
  for (size_t at = 0; at < size;) {
    uint32_t code = 0;
    size_t length = utf8_character((const uint8_t *)text + at, size - at, &code);
    if (length == 0)
      return fail(why, MF_INVALID_PARAMETERS, "byte %zu of a text is not UTF-8; send it as bytes", at);
    if (!is_xml_character(code))
      return fail(why, MF_INVALID_PARAMETERS,
                  "XML forbids the character U+%04X at byte %zu of a text; send it as bytes",
                  (unsigned)code, at);
    switch (text[at]) {
      case '&': put_text(out, "&amp;"); break;
      case '<': put_text(out, "&lt;"); break;
      case '>': put_text(out, "&gt;"); break;
      case '\r': put_text(out, "&#xD;"); break; /* a parser turns others into line feeds */
      default: put(out, text + at, length);
    }
    at += length;
  }
  return MF_OK;
}

static void put_base64(document *out, const uint8_t *bytes, size_t size) {
  static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t at = 0; at < size; at += 3) {
    size_t left = size - at;
    uint32_t group = (uint32_t)bytes[at] << 16 | (left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0) |
                     (left > 2 ? bytes[at + 2] : 0);
    char text[4] = {DIGITS[group >> 18], DIGITS[group >> 12 & 63],
                    left > 1 ? DIGITS[group >> 6 & 63] : '=', left > 2 ? DIGITS[group & 63] : '='};
    put(out, text, 4);
  }
}

static mf_status put_integer(document *out, int64_t integer, failure *why) {
  char text[64];
  if (integer > EXACT_INTEGER_MAX || integer < -EXACT_INTEGER_MAX)
    return fail(why, MF_INVALID_PARAMETERS, "%lld cannot be sent: integers are exact to 2^53 only",
                (long long)integer);
  const char *element = integer >= INT32_MIN && integer <= INT32_MAX ? "int" : "double";
  snprintf(text, sizeof text, "<%s>%lld</%s>", element, (long long)integer, element);
  put_text(out, text);
  return MF_OK;
}

static mf_status put_double(document *out, double number, failure *why) {
  char text[64];
  if (!isfinite(number))
    return fail(why, MF_INVALID_PARAMETERS, "a number that is not finite cannot be sent");
  /* Numbers have a point in XML-RPC. */
  locale_t before = uselocale(plain_locale());
  snprintf(text, sizeof text, "<double>%.17g</double>", number);
  uselocale(before);
  put_text(out, text);
  return MF_OK;
}

static mf_status put_value(document *out, const mf_value *value, int depth, failure *why);

static mf_status put_items(document *out, const mf_value *value, int depth, failure *why) {
  if (depth >= DEPTH_LEVELS)
    return fail(why, MF_INVALID_PARAMETERS, "values nest deeper than %d arrays and structs", DEPTH_LEVELS);
  bool is_struct = value->kind == MF_STRUCT;
  put_text(out, is_struct ? "<struct>" : "<array><data>");
  for (size_t at = 0; at < value->count; at++) {
    if (is_struct) {
      put_text(out, "<member><name>");
      mf_status named = put_escaped(out, value->names[at], strlen(value->names[at]), why);
      if (named != MF_OK) return named;
      put_text(out, "</name>");
    }
    mf_status status = put_value(out, value->items[at], depth + 1, why);
    if (status != MF_OK) return status;
    if (is_struct) put_text(out, "</member>");
  }
  put_text(out, is_struct ? "</struct>" : "</data></array>");
  return MF_OK;
}

static mf_status put_value(document *out, const mf_value *value, int depth, failure *why) {
  mf_status status = MF_OK;
  put_text(out, "<value>");
  switch (value->kind) {
    case MF_NOTHING: break;
    case MF_BOOLEAN: put_text(out, value->integer ? "<boolean>1</boolean>" : "<boolean>0</boolean>"); break;
    case MF_INTEGER: status = put_integer(out, value->integer, why); break;
    case MF_DOUBLE: status = put_double(out, value->number, why); break;
    case MF_TEXT:
      put_text(out, "<string>");
      status = put_escaped(out, value->text, value->size, why);
      put_text(out, "</string>");
      break;
    case MF_BYTES:
      put_text(out, "<base64>");
      put_base64(out, (const uint8_t *)value->text, value->size);
      put_text(out, "</base64>");
      break;
    case MF_TIME:
      put_text(out, "<dateTime.iso8601>");
      status = put_escaped(out, value->text, value->size, why);
      put_text(out, "</dateTime.iso8601>");
      break;
    case MF_ARRAY:
    case MF_STRUCT: status = put_items(out, value, depth, why); break;
  }
  put_text(out, "</value>");
  return status;
}

static mf_status check_document(document *out, mf_status status, failure *why) {
  if (status == MF_OK && out->out_of_memory) status = fail_memory(why);
  if (status == MF_OK && out->size > DOCUMENT_BYTES)
    status = fail(why, MF_TOO_LARGE, "a call of %zu bytes is too large: at most %u are sent", out->size,
                  DOCUMENT_BYTES);
  if (status != MF_OK) free(out->bytes);
  return status;
}

/* Writes a call. `out->bytes` is the caller's to free, on success. */
static mf_status write_call(document *out, const char *method, const mf_value *parameters, failure *why) {
  *out = (document){0};
  put_text(out, "<?xml version=\"1.0\"?><methodCall><methodName>");
  mf_status status = put_escaped(out, method, strlen(method), why);
  put_text(out, "</methodName><params>");
  for (size_t at = 0; status == MF_OK && at < mf_count(parameters); at++) {
    put_text(out, "<param>");
    status = put_value(out, mf_item(parameters, at), 0, why);
    put_text(out, "</param>");
  }
  put_text(out, "</params></methodCall>");
  return check_document(out, status, why);
}

static mf_status write_result(document *out, const mf_value *result, failure *why) {
  *out = (document){0};
  put_text(out, "<?xml version=\"1.0\"?><methodResponse><params><param>");
  mf_status status = put_value(out, result, 0, why);
  put_text(out, "</param></params></methodResponse>");
  return check_document(out, status, why);
}

static mf_status write_fault(document *out, const failure *fault, failure *why) {
  *out = (document){0};
  put_text(out, "<?xml version=\"1.0\"?><methodResponse><fault><value><struct><member><name>faultCode</name><value>");
  mf_status status = put_integer(out, fault->status, why);
  put_text(out, "</value></member><member><name>faultString</name><value><string>");
  if (status == MF_OK) status = put_escaped(out, fault->text, strlen(fault->text), why);
  put_text(out, "</string></value></member></struct></value></fault></methodResponse>");
  return check_document(out, status, why);
}

/* A document that is read: at most DOCUMENT_BYTES, so everything in it is bounded. */
typedef struct reader {
  const char *at, *end;
  failure *why;
} reader;

typedef enum tag_kind { TAG_NONE, TAG_OPEN, TAG_EMPTY, TAG_CLOSE } tag_kind;

typedef struct tag {
  tag_kind kind;
  char name[24];
} tag;

static bool starts_with(const reader *in, const char *text) {
  size_t size = strlen(text);
  return (size_t)(in->end - in->at) >= size && memcmp(in->at, text, size) == 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static mf_status parse_error(reader *in, const char *what) {
  return fail(in->why, MF_PARSE_ERROR, "not an XML-RPC document: %s", what);
}

/* Moves behind `close`, from behind `open`. */
static bool skip_past(reader *in, const char *open, const char *close) {
  const char *found = memmem(in->at + strlen(open), (size_t)(in->end - in->at) - strlen(open), close, strlen(close));
  if (found == NULL) return false;
  in->at = found + strlen(close);
  return true;
}

static mf_status skip_between(reader *in) {
  for (;;) {
    while (in->at < in->end && is_space(*in->at)) in->at++;
    bool is_comment = starts_with(in, "<!--");
    if (!is_comment && !starts_with(in, "<?")) return MF_OK;
    if (!(is_comment ? skip_past(in, "<!--", "-->") : skip_past(in, "<?", "?>")))
      return parse_error(in, "a comment or declaration does not end");
  }
}

/* The next tag, behind space and comments. No element of XML-RPC has attributes. */
static mf_status read_tag(reader *in, tag *found) {
  mf_status status = skip_between(in);
  if (status != MF_OK) return status;
  if (in->at >= in->end || *in->at != '<') return parse_error(in, "an element is missing");
  in->at++;
  found->kind = TAG_OPEN;
  if (in->at < in->end && *in->at == '/') {
    found->kind = TAG_CLOSE;
    in->at++;
  }
  size_t size = 0;
  while (in->at < in->end && (is_letter(*in->at) || is_digit(*in->at) || *in->at == '.')) {
    if (size == sizeof found->name - 1) return parse_error(in, "the name of an element is too long");
    found->name[size++] = *in->at++;
  }
  found->name[size] = 0;
  while (in->at < in->end && is_space(*in->at)) in->at++;
  if (found->kind == TAG_OPEN && in->at < in->end && *in->at == '/') {
    found->kind = TAG_EMPTY;
    in->at++;
  }
  if (size == 0 || in->at >= in->end || *in->at != '>') return parse_error(in, "an element does not end");
  in->at++;
  return MF_OK;
}

static mf_status expect_tag(reader *in, tag_kind kind, const char *name) {
  tag found;
  mf_status status = read_tag(in, &found);
  if (status != MF_OK) return status;
  if (found.kind == kind && strcmp(found.name, name) == 0) return MF_OK;
  return fail(in->why, MF_PARSE_ERROR, "not an XML-RPC document: <%s> stands where %s<%s> must be",
              found.name, kind == TAG_CLOSE ? "the end of " : "", name);
}

static size_t put_utf8(char *out, uint32_t code) {
  if (code < 0x80) return out[0] = (char)code, 1;
  size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = size - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
  out[0] = (char)((0xF00u >> size & 0xFF) | code);
  return size;
}

/* Decodes the entity at `&`. Returns the bytes written, 0 for an entity that XML does not have. */
static size_t read_entity(reader *in, char *out) {
  static const struct {
    const char *text;
    char character;
  } NAMED[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (size_t i = 0; i < sizeof NAMED / sizeof *NAMED; i++) {
    if (!starts_with(in, NAMED[i].text)) continue;
    in->at += strlen(NAMED[i].text);
    out[0] = NAMED[i].character;
    return 1;
  }
  bool is_hex = starts_with(in, "&#x");
  if (!is_hex && !starts_with(in, "&#")) return 0;
  uint32_t code = 0;
  const char *digits = in->at + (is_hex ? 3 : 2), *at = digits;
  for (; at < in->end && *at != ';' && at - digits < 8; at++) {
    char c = *at;
    uint32_t digit = is_digit(c) ? (uint32_t)(c - '0') : is_letter(c) ? (uint32_t)((c | 32) - 'a' + 10) : 99;
    if (digit >= (is_hex ? 16u : 10u)) return 0;
    code = code * (is_hex ? 16 : 10) + digit;
  }
  if (at == digits || at >= in->end || *at != ';' || code == 0 || !is_xml_character(code)) return 0;
  in->at = at + 1;
  return put_utf8(out, code);
}

/* End of the character data at `at`: the next tag. */
static const char *end_of_text(const reader *in) {
  reader scan = *in;
  for (;;) {
    const char *open = memchr(scan.at, '<', (size_t)(scan.end - scan.at));
    if (open == NULL) return scan.end;
    scan.at = open;
    if (starts_with(&scan, "<![CDATA[")) {
      if (!skip_past(&scan, "<![CDATA[", "]]>")) return scan.end;
    } else if (starts_with(&scan, "<!--")) {
      if (!skip_past(&scan, "<!--", "-->")) return scan.end;
    } else
      return open;
  }
}

/* Character data up to the next tag, decoded: never longer than it was. `*text` is to be freed. */
static mf_status read_text(reader *in, char **text, size_t *size) {
  const char *end = end_of_text(in);
  char *out = malloc((size_t)(end - in->at) + 1);
  if (out == NULL) return fail_memory(in->why);
  size_t length = 0;
  mf_status status = MF_OK;
  while (status == MF_OK && in->at < end) {
    if (starts_with(in, "<!--")) {
      skip_past(in, "<!--", "-->");
    } else if (starts_with(in, "<![CDATA[")) {
      const char *begin = in->at + strlen("<![CDATA[");
      skip_past(in, "<![CDATA[", "]]>");
      size_t part = (size_t)(in->at - begin) - strlen("]]>");
      memcpy(out + length, begin, part);
      length += part;
    } else if (*in->at == '&') {
      size_t part = read_entity(in, out + length);
      if (part == 0) status = parse_error(in, "an entity is unknown or no character");
      length += part;
    } else if (*in->at == '\r') {
      out[length++] = '\n';
      in->at += in->at + 1 < end && in->at[1] == '\n' ? 2 : 1;
    } else
      out[length++] = *in->at++;
  }
  for (size_t at = 0; status == MF_OK && at < length;) {
    uint32_t code;
    size_t part = utf8_character((const uint8_t *)out + at, length - at, &code);
    if (part == 0 || !is_xml_character(code)) status = parse_error(in, "a text is not UTF-8");
    at += part;
  }
  out[length] = 0;
  *text = out;
  *size = length;
  if (status != MF_OK) free(out);
  return status;
}

static char *trimmed(char *text) {
  while (is_space(*text)) text++;
  size_t size = strlen(text);
  while (size > 0 && is_space(text[size - 1])) text[--size] = 0;
  return text;
}

/* Decodes base64 in place. Returns false for other characters than those and space. */
static bool decode_base64(char *text, size_t *size) {
  size_t length = 0, digits = 0, padding = 0;
  uint32_t group = 0;
  for (const char *at = text; *at != 0; at++) {
    char c = *at;
    if (is_space(c)) continue;
    uint32_t digit = c >= 'A' && c <= 'Z'   ? (uint32_t)(c - 'A')
                     : c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a' + 26)
                     : is_digit(c)          ? (uint32_t)(c - '0' + 52)
                     : c == '+'             ? 62
                     : c == '/'             ? 63
                     : c == '='             ? 0
                                            : 64;
    if (digit == 64 || (padding > 0 && c != '=')) return false;
    padding += c == '=';
    group = group << 6 | digit;
    if (++digits % 4 != 0) continue;
    if (padding > 2) return false;
    text[length++] = (char)(group >> 16);
    if (padding < 2) text[length++] = (char)(group >> 8);
    if (padding < 1) text[length++] = (char)group;
    group = 0;
  }
  text[length] = 0;
  *size = length;
  return digits % 4 == 0;
}

static mf_status read_number(reader *in, char *text, bool is_integer, mf_value **value) {
  char *end = NULL;
  text = trimmed(text);
  errno = 0;
  if (is_integer) {
    long long integer = strtoll(text, &end, 10);
    bool fits = errno == 0 && integer <= EXACT_INTEGER_MAX && integer >= -EXACT_INTEGER_MAX;
    if (*text == 0 || *end != 0 || !fits) return parse_error(in, "an integer is none, or beyond 2^53");
    *value = mf_integer(integer);
  } else {
    double number = strtod_l(text, &end, plain_locale());
    if (*text == 0 || *end != 0 || !isfinite(number)) return parse_error(in, "a double is no finite number");
    *value = mf_double(number);
  }
  return *value == NULL ? fail_memory(in->why) : MF_OK;
}

/* A value of a type without items, from its text, which is freed. */
static mf_status read_scalar(reader *in, const char *type, char *text, size_t size, mf_value **value) {
  mf_status status = MF_OK;
  mf_kind kind = MF_TEXT;
  if (strcmp(type, "int") == 0 || strcmp(type, "i4") == 0 || strcmp(type, "i8") == 0) {
    status = read_number(in, text, true, value);
  } else if (strcmp(type, "double") == 0) {
    status = read_number(in, text, false, value);
  } else if (strcmp(type, "boolean") == 0) {
    const char *digit = trimmed(text);
    if ((digit[0] != '0' && digit[0] != '1') || digit[1] != 0) status = parse_error(in, "a boolean is not 0 or 1");
    else if ((*value = mf_boolean(digit[0] == '1')) == NULL) status = fail_memory(in->why);
  } else {
    if (strcmp(type, "base64") == 0) {
      kind = MF_BYTES;
      if (!decode_base64(text, &size)) status = parse_error(in, "a base64 value has other characters");
    } else if (strcmp(type, "dateTime.iso8601") == 0) {
      kind = MF_TIME;
    } else if (strcmp(type, "string") != 0) {
      status = parse_error(in, "a value has an unknown type");
    }
    if (status == MF_OK && (*value = make_bytes(kind, text, size)) == NULL) status = fail_memory(in->why);
  }
  free(text);
  return status;
}

static mf_status read_value(reader *in, int depth, mf_value **value);

static mf_status read_array(reader *in, int depth, mf_value *array) {
  tag found;
  mf_status status = read_tag(in, &found);
  if (status != MF_OK) return status;
  if (strcmp(found.name, "data") != 0 || found.kind == TAG_CLOSE) return parse_error(in, "an array has no data");
  while (found.kind != TAG_EMPTY) {
    const char *before = in->at;
    if ((status = read_tag(in, &found)) != MF_OK) return status;
    if (found.kind == TAG_CLOSE && strcmp(found.name, "data") == 0) break;
    found.kind = TAG_OPEN;
    in->at = before;
    mf_value *item = NULL;
    if ((status = read_value(in, depth, &item)) != MF_OK) return status;
    if (add_item(array, NULL, item) != MF_OK) return fail_memory(in->why);
  }
  return expect_tag(in, TAG_CLOSE, "array");
}

static mf_status read_struct(reader *in, int depth, mf_value *record) {
  for (;;) {
    tag found;
    mf_status status = read_tag(in, &found);
    if (status != MF_OK) return status;
    if (found.kind == TAG_CLOSE && strcmp(found.name, "struct") == 0) return MF_OK;
    if (found.kind != TAG_OPEN || strcmp(found.name, "member") != 0) return parse_error(in, "a struct has no member");
    if ((status = expect_tag(in, TAG_OPEN, "name")) != MF_OK) return status;
    char *name = NULL;
    size_t size = 0;
    if ((status = read_text(in, &name, &size)) != MF_OK) return status;
    mf_value *item = NULL;
    status = expect_tag(in, TAG_CLOSE, "name");
    if (status == MF_OK) status = read_value(in, depth, &item);
    if (status != MF_OK) {
      free(name);
      return status;
    }
    if (add_item(record, name, item) != MF_OK) return fail_memory(in->why);
    if ((status = expect_tag(in, TAG_CLOSE, "member")) != MF_OK) return status;
  }
}

/* What stands in an element <value>, up to its end. */
static mf_status read_content(reader *in, int depth, mf_value **value) {
  char *text = NULL;
  size_t size = 0;
  mf_status status = read_text(in, &text, &size);
  if (status != MF_OK) return status;
  if (starts_with(in, "</")) {
    *value = make_bytes(MF_TEXT, text, size);
    free(text);
    return *value == NULL ? fail_memory(in->why) : MF_OK;
  }
  bool is_blank = *trimmed(text) == 0;
  free(text);
  if (!is_blank) return parse_error(in, "a text stands before an element");
  tag found;
  if ((status = read_tag(in, &found)) != MF_OK) return status;
  bool is_array = strcmp(found.name, "array") == 0, is_struct = strcmp(found.name, "struct") == 0;
  if (is_array || is_struct) {
    if (depth >= DEPTH_LEVELS) return parse_error(in, "values nest too deeply");
    if ((*value = is_array ? mf_array() : mf_struct()) == NULL) return fail_memory(in->why);
    if (found.kind == TAG_EMPTY) return MF_OK;
    return is_array ? read_array(in, depth + 1, *value) : read_struct(in, depth + 1, *value);
  }
  if (found.kind == TAG_EMPTY) {
    text = strdup("");
    return text == NULL ? fail_memory(in->why) : read_scalar(in, found.name, text, 0, value);
  }
  if ((status = read_text(in, &text, &size)) != MF_OK) return status;
  if ((status = expect_tag(in, TAG_CLOSE, found.name)) != MF_OK) {
    free(text);
    return status;
  }
  return read_scalar(in, found.name, text, size, value);
}

/* The next element <value>. On success `*value` is the caller's, else nothing is left. */
static mf_status read_value(reader *in, int depth, mf_value **value) {
  tag found;
  *value = NULL;
  mf_status status = read_tag(in, &found);
  if (status != MF_OK) return status;
  if (strcmp(found.name, "value") != 0 || found.kind == TAG_CLOSE) return parse_error(in, "a value is missing");
  if (found.kind == TAG_EMPTY) {
    *value = mf_text("");
    return *value == NULL ? fail_memory(in->why) : MF_OK;
  }
  status = read_content(in, depth, value);
  if (status == MF_OK) status = expect_tag(in, TAG_CLOSE, "value");
  if (status != MF_OK) {
    mf_value_free(*value);
    *value = NULL;
  }
  return status;
}

/* Reads <params> after its opening tag into an array. */
static mf_status read_params(reader *in, mf_value *parameters) {
  for (;;) {
    tag found;
    mf_status status = read_tag(in, &found);
    if (status != MF_OK) return status;
    if (found.kind == TAG_CLOSE && strcmp(found.name, "params") == 0) return MF_OK;
    if (found.kind != TAG_OPEN || strcmp(found.name, "param") != 0) return parse_error(in, "a parameter is missing");
    mf_value *value = NULL;
    if ((status = read_value(in, 0, &value)) != MF_OK) return status;
    if (add_item(parameters, NULL, value) != MF_OK) return fail_memory(in->why);
    if ((status = expect_tag(in, TAG_CLOSE, "param")) != MF_OK) return status;
  }
}

/* The error of a fault, with those of its facts that matter here. */
static mf_status read_fault(reader *in) {
  mf_value *fault = NULL;
  mf_status status = read_value(in, 0, &fault);
  if (status != MF_OK) return status;
  const mf_value *code = mf_get(fault, "faultCode"), *facts = mf_get(fault, "facts");
  int64_t number = mf_integer_of(code, 0);
  const char *text = mf_text_of(mf_get(fault, "faultString"), "");
  bool is_known = number != 0 && number >= INT32_MIN && number <= INT32_MAX && known_status_name((long)number) != NULL;
  if (code == NULL) {
    status = parse_error(in, "a fault has no code");
  } else if (is_known) {
    status = fail(in->why, (mf_status)number, "%s", text);
  } else {
    status = fail(in->why, MF_APPLICATION_ERROR, "%s (fault %lld)", text, (long long)number);
  }
  in->why->has_path = mf_get(facts, "path") != NULL;
  in->why->reopen = mf_boolean_of(mf_get(facts, "reopen"), 0) != 0;
  mf_value_free(fault);
  return status;
}

/* The result of a response, which is the caller's; or the error of its fault. */
static mf_status read_response(const char *bytes, size_t size, mf_value **result, failure *why) {
  reader in = {bytes, bytes + size, why};
  tag found;
  *result = NULL;
  mf_status status = expect_tag(&in, TAG_OPEN, "methodResponse");
  if (status == MF_OK) status = read_tag(&in, &found);
  if (status != MF_OK) return status;
  if (found.kind == TAG_OPEN && strcmp(found.name, "fault") == 0) return read_fault(&in);
  if (found.kind != TAG_OPEN || strcmp(found.name, "params") != 0) return parse_error(&in, "a response has no result");
  mf_value *values = mf_array();
  if (values == NULL) return fail_memory(why);
  status = read_params(&in, values);
  if (status == MF_OK && values->count != 1)
    status = fail(why, MF_BAD_MESSAGE, "a response has %zu values", values->count);
  if (status == MF_OK) {
    *result = values->items[0];
    values->count = 0;
  }
  mf_value_free(values);
  return status;
}

/* Method and parameters of a call; both are the caller's on success. */
static mf_status read_call(const char *bytes, size_t size, char **method, mf_value **parameters, failure *why) {
  reader in = {bytes, bytes + size, why};
  size_t length;
  tag found;
  *method = NULL;
  *parameters = NULL;
  mf_status status = expect_tag(&in, TAG_OPEN, "methodCall");
  if (status == MF_OK) status = expect_tag(&in, TAG_OPEN, "methodName");
  if (status == MF_OK) status = read_text(&in, method, &length);
  if (status != MF_OK) return status;
  status = expect_tag(&in, TAG_CLOSE, "methodName");
  if (status == MF_OK) status = read_tag(&in, &found);
  if (status == MF_OK && (*parameters = mf_array()) == NULL) status = fail_memory(why);
  if (status == MF_OK && found.kind == TAG_OPEN && strcmp(found.name, "params") == 0)
    status = read_params(&in, *parameters);
  if (status == MF_OK) return MF_OK;
  free(*method);
  mf_value_free(*parameters);
  return status;
}

/* ---- Sockets and session frames -------------------------------------------------------------- */

#define CONNECT_TIMEOUT_S 1
#define SEND_TIMEOUT_S 10
#define FRAME_CALL 1u
#define FRAME_RESPONSE 2u

static void set_send_timeout(int fd, int seconds) {
  struct timeval limit = {seconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* A connected, blocking stream socket, closed in programs that are started. */
static mf_status connect_socket(const char *path, int *connected, failure *why) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t size = strlen(path);
  if (size > SOCKET_PATH_BYTES)
    return fail(why, MF_BAD_ADDRESS, "%.200s is too long for a socket: at most %d bytes", path, SOCKET_PATH_BYTES);
  memcpy(address.sun_path, path, size);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(why, MF_SYSTEM_ERROR, "no socket can be made: %s", system_text(errno));
  set_send_timeout(fd, CONNECT_TIMEOUT_S);
  int result;
  do result = connect(fd, (const struct sockaddr *)&address, sizeof address);
  while (result != 0 && errno == EINTR);
  if (result == 0) {
    *connected = fd;
    return MF_OK;
  }
  int number = errno;
  close(fd);
  if (number == ENOENT || number == ECONNREFUSED || number == ENOTDIR)
    return fail_path(why, MF_NOT_RUNNING, path, "has no listener");
  if (number == EACCES || number == EPERM)
    return fail(why, MF_NOT_PERMITTED, "this user may not connect to %s", path);
  return fail(why, MF_SYSTEM_ERROR, "%s cannot be connected to: %s", path, system_text(number));
}

static bool send_all(int fd, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size > 0) {
    ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int fd, void *bytes, size_t size, int64_t deadline) {
  char *at = bytes;
  while (size > 0) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int ready = deadline == NO_DEADLINE ? 1 : poll(&waiting, 1, time_left(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    ssize_t got = recv(fd, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= (size_t)got;
  }
  return true;
}

typedef struct frame {
  uint32_t size, kind, id;
  char *bytes;
} frame;

/* The next frame; `bytes` is the caller's on success. False at the end, at a bad frame, too late. */
static bool receive_frame(int fd, frame *found, int64_t deadline) {
  uint32_t head[3];
  if (!receive_all(fd, head, sizeof head, deadline)) return false;
  bool fits = head[0] > 0 && head[0] <= DOCUMENT_BYTES && (head[1] == FRAME_CALL || head[1] == FRAME_RESPONSE);
  if (!fits || (found->bytes = malloc(head[0])) == NULL) return false;
  found->size = head[0];
  found->kind = head[1];
  found->id = head[2];
  if (receive_all(fd, found->bytes, head[0], deadline)) return true;
  free(found->bytes);
  return false;
}

/* ---- Client ---------------------------------------------------------------------------------- */

#define CALL_TIMEOUT_MS 10000
#define OPEN_TIMEOUT_MS 16000
#define START_TIMEOUT_MS 12000
#define CLOSE_TIMEOUT_MS 1000
#define BACKOFF_FIRST_MS 20
#define BACKOFF_LAST_MS 500
#define PROTOCOL_VERSION 2
#define PLACES_MAX 3
#define MESSAGE_TYPES_MAX 64
#define MESSAGES_MAX 1024

/* A call that waits for its response; on the stack of its thread, in the list of the client. */
typedef struct waiting_call {
  struct waiting_call *next;
  uint32_t id;
  char *bytes; /* of the response */
  size_t size;
  bool ended; /* the session */
} waiting_call;

typedef struct kept_message {
  struct kept_message *next;
  char type[NAME_CHARACTERS + 1];
  mf_value *attributes;
} kept_message;

/* A flow that is open at the app server. Part of an input, output or mirror. */
typedef struct opening {
  struct opening *next;
  mf_app *app;
  char flow[NAME_CHARACTERS + 1];
  bool is_input;
  mf_value *request; /* of flow.open, without handle and link */
  int64_t handle;    /* 0 while it is not open; under the lock of the client, as all below */
  int64_t link;      /* the number of the last HELLO */
  uint64_t number;   /* of this opening among all of the client */
  uint64_t session;  /* in which it is known */
  bool detached, closed;
  int pause_ms, refusals; /* of a reattachment that is not complete */
  _Atomic uint64_t buffers, bytes, lost;
  _Atomic bool lossy;
} opening;

struct mf_app {
  pthread_mutex_t lock;    /* all members below, except where they say */
  pthread_cond_t changed;  /* connected, closing, calls, messages, openings */
  pthread_mutex_t sending; /* frames are sent one at a time; taken before `lock` */
  char application[NAME_CHARACTERS + 1], client[NAME_CHARACTERS + 1]; /* constant, as the next four */
  const char *right;
  char *places[PLACES_MAX];
  size_t place_count;
  bool may_start;
  int fd; /* of the session, or of one that begins; -1 */
  bool connected, closing, has_thread;
  char token[65];
  uint64_t session; /* counts sessions */
  uint32_t last_id;
  waiting_call *calls;
  opening *openings;
  uint64_t last_opening;
  char types[MESSAGE_TYPES_MAX][NAME_CHARACTERS + 1];
  size_t type_count, message_count;
  kept_message *first_message, *last_message;
  failure last;
  pthread_t thread;
};

static const char *const RIGHTS[] = {"control", "provide", "read"};

/* Keeps a failure as the newest of the client. */
static mf_status app_failed(mf_app *app, const failure *why) {
  pthread_mutex_lock(&app->lock);
  app->last = *why;
  pthread_mutex_unlock(&app->lock);
  return why->status;
}

static bool send_frame(mf_app *app, int fd, uint32_t kind, uint32_t id, const document *out) {
  uint32_t head[3] = {(uint32_t)out->size, kind, id};
  pthread_mutex_lock(&app->sending);
  bool sent = send_all(fd, head, sizeof head) && send_all(fd, out->bytes, out->size);
  pthread_mutex_unlock(&app->sending);
  return sent;
}

/* Queues a message for mf_receive. Takes the attributes out of the delivery. */
static mf_status queue_message(mf_app *app, mf_value *delivery, failure *why) {
  mf_value *content = (mf_value *)mf_get(delivery, "message");
  const char *type = mf_text_of(mf_get(content, "type"), NULL);
  mf_value *attributes = (mf_value *)mf_get(content, "attributes");
  if (!is_name(type, true) || mf_kind_of(attributes) != MF_STRUCT)
    return fail(why, MF_INVALID_PARAMETERS, "a message has no valid type or attributes");
  mf_status status = MF_OK;
  pthread_mutex_lock(&app->lock);
  for (size_t at = 0; at < app->type_count; at++) {
    if (strcmp(app->types[at], type) != 0) continue;
    kept_message *queued = app->message_count < MESSAGES_MAX ? calloc(1, sizeof *queued) : NULL;
    if (queued == NULL) {
      status = fail(why, MF_LIMIT_REACHED, "%zu messages wait in this client", app->message_count);
      break;
    }
    strcpy(queued->type, type);
    for (size_t i = 0; i < content->count; i++) {
      if (content->items[i] != attributes) continue;
      content->items[i] = NULL;
      queued->attributes = attributes;
    }
    if (app->last_message != NULL) app->last_message->next = queued;
    else app->first_message = queued;
    app->last_message = queued;
    app->message_count++;
    pthread_cond_broadcast(&app->changed);
    break;
  }
  pthread_mutex_unlock(&app->lock);
  return status;
}

/* The counts of all flows, for client.report. NULL when memory has run out. */
static mf_value *report_counts(mf_app *app) {
  mf_value *report = mf_struct(), *flows = mf_array();
  bool whole = report != NULL && flows != NULL;
  pthread_mutex_lock(&app->lock);
  for (opening *each = app->openings; whole && each != NULL; each = each->next) {
    if (each->handle == 0) continue;
    mf_value *flow = mf_struct();
    whole = mf_set(flow, "handle", mf_integer(each->handle)) == MF_OK &&
            mf_set(flow, "flow", mf_text(each->flow)) == MF_OK &&
            mf_set(flow, "direction", mf_text(each->is_input ? "input" : "output")) == MF_OK &&
            mf_set(flow, "buffers", mf_integer((int64_t)atomic_load(&each->buffers))) == MF_OK &&
            mf_set(flow, "bytes", mf_integer((int64_t)atomic_load(&each->bytes))) == MF_OK &&
            mf_set(flow, "lost", mf_integer((int64_t)atomic_load(&each->lost))) == MF_OK;
    if (whole && each->is_input)
      whole = mf_set(flow, "delivery", mf_text(atomic_load(&each->lossy) ? "lossy" : "lossless")) == MF_OK;
    if (whole) whole = mf_append(flows, flow) == MF_OK;
    else mf_value_free(flow);
  }
  pthread_mutex_unlock(&app->lock);
  if (whole && mf_set(report, "flows", flows) == MF_OK) return report;
  if (!whole) mf_value_free(flows);
  mf_value_free(report);
  return NULL;
}

/* Answers a call of the app server. */
static bool answer_call(mf_app *app, int fd, const frame *call) {
  failure fault = {0}, why = {0};
  char *method = NULL;
  mf_value *parameters = NULL, *result = NULL;
  document out = {0};
  if (read_call(call->bytes, call->size, &method, &parameters, &fault) == MF_OK) {
    if (strcmp(method, "client.deliver") == 0) {
      mf_value *delivery = (mf_value *)mf_item(parameters, 0);
      bool is_message = strcmp(mf_text_of(mf_get(delivery, "kind"), ""), "message") == 0;
      if (!is_message || queue_message(app, delivery, &fault) == MF_OK) result = mf_boolean(1);
    } else if (strcmp(method, "client.report") == 0) {
      if ((result = report_counts(app)) == NULL) fail_memory(&fault);
    } else {
      fail(&fault, MF_METHOD_NOT_FOUND, "this client has no method %.100s", method);
    }
    free(method);
    mf_value_free(parameters);
  }
  mf_status written = result != NULL ? write_result(&out, result, &why) : write_fault(&out, &fault, &why);
  mf_value_free(result);
  bool sent = written == MF_OK && send_frame(app, fd, FRAME_RESPONSE, call->id, &out);
  if (written == MF_OK) free(out.bytes);
  return sent;
}

/* A call on a session that no other thread uses yet. `*result` is the caller's. */
static mf_status exchange(mf_app *app, int fd, const char *method, const mf_value *parameters, int timeout_ms,
                          mf_value **result, failure *why) {
  document out;
  int64_t deadline = deadline_after(timeout_ms);
  mf_status status = write_call(&out, method, parameters, why);
  if (status != MF_OK) return status;
  uint32_t id = ++app->last_id;
  bool open = send_frame(app, fd, FRAME_CALL, id, &out);
  free(out.bytes);
  while (open) {
    frame found;
    if (!(open = receive_frame(fd, &found, deadline))) break;
    bool is_answer = found.kind == FRAME_RESPONSE && found.id == id;
    if (is_answer) status = read_response(found.bytes, found.size, result, why);
    else if (found.kind == FRAME_CALL) open = answer_call(app, fd, &found);
    free(found.bytes);
    if (is_answer) return status;
  }
  if (time_left(deadline) == 0)
    return fail(why, MF_TIMED_OUT, "%s was not answered in %d ms", method, timeout_ms);
  return fail(why, MF_CLOSED, "%s: the connection has ended", method);
}

/* Sets the socket that mf_app_close ends; closes it and fails when the client is closing. */
static mf_status use_socket(mf_app *app, int fd, failure *why) {
  pthread_mutex_lock(&app->lock);
  bool closing = app->closing;
  if (!closing) app->fd = fd;
  pthread_mutex_unlock(&app->lock);
  if (!closing) return MF_OK;
  close(fd);
  return fail(why, MF_CLOSED, "the client was closed");
}

/* Closes the socket when no thread sends on it. */
static void drop_socket(mf_app *app) {
  pthread_mutex_lock(&app->sending);
  pthread_mutex_lock(&app->lock);
  if (app->fd >= 0) close(app->fd);
  app->fd = -1;
  pthread_mutex_unlock(&app->lock);
  pthread_mutex_unlock(&app->sending);
}

/* Connects to the socket of the greatest right of this user, where a server runs. */
static mf_status connect_first(mf_app *app, bool to_host, bool *with_control, failure *why) {
  failure refused = {0};
  char path[PATH_BYTES];
  for (size_t place = 0; place < app->place_count; place++) {
    for (size_t at = 0; at < 3; at++) {
      if (to_host ? at == 1 : app->right != NULL && strcmp(app->right, RIGHTS[at]) != 0) continue;
      if (to_host) snprintf(path, sizeof path, "%s/host.%s.sock", app->places[place], RIGHTS[at]);
      else app_socket_path(app->places[place], app->application, RIGHTS[at], path);
      int fd = -1;
      mf_status status = connect_socket(path, &fd, why);
      if (status == MF_OK) {
        set_send_timeout(fd, SEND_TIMEOUT_S);
        if (with_control != NULL) *with_control = at == 0;
        return use_socket(app, fd, why);
      }
      /* A server that starts has not all its sockets yet: a smaller right would be too small. */
      if (status == MF_NOT_RUNNING) break;
      if (status != MF_NOT_PERMITTED) return status;
      refused = *why;
    }
  }
  if (refused.status != MF_OK) {
    *why = refused;
    return why->status;
  }
  char places[300] = "none that exists";
  for (size_t place = 0, at = 0; place < app->place_count && at < sizeof places; place++)
    at += (size_t)snprintf(places + at, sizeof places - at, "%s%s", place == 0 ? "" : ", ", app->places[place]);
  return fail(why, MF_NOT_RUNNING, "the application %s does not run (searched %s): `mirrorflow run %s` starts it",
              app->application, places, app->application);
}

/* Has the host server start the application. */
static mf_status start_application(mf_app *app, failure *why) {
  bool with_control = false;
  failure no_host = *why;
  if (connect_first(app, true, &with_control, &no_host) != MF_OK) return why->status;
  mf_value *list = NULL, *answer = NULL, *parameters = mf_array();
  mf_status status = exchange(app, app->fd, "host.applications", NULL, CALL_TIMEOUT_MS, &list, why);
  bool is_known = false;
  for (size_t at = 0; at < mf_count(list) && !is_known; at++)
    is_known = strcmp(mf_text_of(mf_get(mf_item(list, at), "name"), ""), app->application) == 0;
  if (status == MF_OK && !is_known)
    status = fail(why, MF_UNKNOWN_APPLICATION, "this host has no application %s; it has %zu others", app->application,
                  mf_count(list));
  mf_value *name = mf_text(app->application);
  if (with_control) {
    mf_value *request = mf_struct();
    mf_set(request, "name", name);
    name = request;
  }
  if (mf_append(parameters, name) != MF_OK && status == MF_OK) status = fail_memory(why);
  if (status == MF_OK)
    status = exchange(app, app->fd, with_control ? "host.run" : "host.open", parameters, START_TIMEOUT_MS, &answer, why);
  if (status == MF_OK && with_control && mf_get(answer, "socket") == NULL)
    status = fail(why, MF_APPLICATION_UNREACHABLE, "the app server of %s reported no socket path", app->application);
  mf_value_free(list);
  mf_value_free(answer);
  mf_value_free(parameters);
  drop_socket(app);
  return status;
}

static mf_status present(mf_app *app, char token[65], failure *why) {
  char program[64];
  snprintf(program, sizeof program, "%.63s", program_invocation_short_name);
  for (char *at = program; *at != 0; at++)
    if (*at < ' ' || *at > '~') *at = '?';
  mf_value *parameters = mf_array(), *client = mf_struct(), *answer = NULL;
  bool made = mf_set(client, "name", mf_text(app->client)) == MF_OK &&
              mf_set(client, "program", mf_text(program)) == MF_OK &&
              mf_set(client, "pid", mf_integer(getpid())) == MF_OK &&
              mf_set(client, "version", mf_integer(PROTOCOL_VERSION)) == MF_OK;
  made = mf_append(parameters, client) == MF_OK && made;
  mf_status status = made ? exchange(app, app->fd, "client.present", parameters, CALL_TIMEOUT_MS, &answer, why)
                          : fail_memory(why);
  const char *found = mf_text_of(mf_get(answer, "session"), NULL);
  if (status == MF_OK && (found == NULL || strlen(found) > 64))
    status = fail(why, MF_BAD_MESSAGE, "client.present returned no session token of at most 64 characters");
  if (status == MF_OK) strcpy(token, found);
  mf_value_free(parameters);
  mf_value_free(answer);
  return status;
}

/* [token, request with the member `extra`] of flow.open. NULL when memory has run out. */
static mf_value *open_parameters(const char *token, const opening *flow, const char *extra, int64_t number) {
  mf_value *parameters = mf_array(), *request = mf_struct();
  bool made = request != NULL;
  for (size_t at = 0; made && at < flow->request->count; at++) {
    const mf_value *item = flow->request->items[at];
    mf_value *copy = item->kind == MF_TEXT ? mf_text(item->text) : mf_integer(item->integer);
    made = mf_set(request, flow->request->names[at], copy) == MF_OK;
  }
  if (made && number != 0) made = mf_set(request, extra, mf_integer(number)) == MF_OK;
  made = mf_append(parameters, mf_text(token)) == MF_OK && made;
  made = mf_append(parameters, request) == MF_OK && made;
  if (made) return parameters;
  mf_value_free(parameters);
  return NULL;
}

static mf_value *close_parameters(const char *token, int64_t handle) {
  mf_value *parameters = mf_array();
  mf_append(parameters, mf_text(token));
  if (mf_append(parameters, mf_integer(handle)) == MF_OK && mf_count(parameters) == 2) return parameters;
  mf_value_free(parameters);
  return NULL;
}

/* Another app server runs: it gets the flows, whose data move on over their old links. */
static mf_status reopen_flows(mf_app *app, const char *token, uint64_t session, failure *why) {
  for (;;) {
    pthread_mutex_lock(&app->lock);
    opening *flow = app->openings;
    while (flow != NULL && (flow->session == session || flow->detached)) flow = flow->next;
    mf_value *parameters = flow == NULL ? NULL : open_parameters(token, flow, "link", flow->link);
    uint64_t number = flow == NULL ? 0 : flow->number;
    if (flow != NULL) flow->session = session;
    pthread_mutex_unlock(&app->lock);
    if (flow == NULL) return MF_OK;
    if (parameters == NULL) return fail_memory(why);
    mf_value *answer = NULL;
    mf_status status = exchange(app, app->fd, "flow.open", parameters, OPEN_TIMEOUT_MS, &answer, why);
    mf_value_free(parameters);
    int64_t handle = mf_integer_of(mf_get(answer, "handle"), 0);
    mf_value_free(answer);
    if (status == MF_CLOSED || status == MF_TIMED_OUT) return status;
    if (status != MF_OK || handle <= 0) handle = 0;
    pthread_mutex_lock(&app->lock);
    for (flow = app->openings; flow != NULL && flow->number != number; flow = flow->next) continue;
    if (flow != NULL) flow->handle = handle;
    pthread_mutex_unlock(&app->lock);
    if (flow != NULL || handle == 0) continue;
    /* The flow was closed meanwhile. */
    if ((parameters = close_parameters(token, handle)) == NULL) return fail_memory(why);
    answer = NULL;
    status = exchange(app, app->fd, "flow.close", parameters, CALL_TIMEOUT_MS, &answer, why);
    mf_value_free(parameters);
    mf_value_free(answer);
    if (status == MF_CLOSED || status == MF_TIMED_OUT) return status;
  }
}

/* Begins a session. On failure no socket is left. */
static mf_status begin_session(mf_app *app, failure *why) {
  char token[65];
  uint64_t session = app->session + 1;
  mf_status status = connect_first(app, false, NULL, why);
  if (status == MF_NOT_RUNNING && app->may_start) {
    status = start_application(app, why);
    if (status == MF_OK) status = connect_first(app, false, NULL, why);
  }
  if (status == MF_OK) status = present(app, token, why);
  while (status == MF_OK) {
    if ((status = reopen_flows(app, token, session, why)) != MF_OK) break;
    pthread_mutex_lock(&app->lock);
    opening *flow = app->openings;
    while (flow != NULL && (flow->session == session || flow->detached)) flow = flow->next;
    if (flow == NULL) {
      strcpy(app->token, token);
      app->session = session;
      app->connected = true;
      pthread_cond_broadcast(&app->changed);
    }
    pthread_mutex_unlock(&app->lock);
    /* Else a flow was attached meanwhile, through the session before. */
    if (flow == NULL) return MF_OK;
  }
  drop_socket(app);
  return status;
}

/* The session has ended: calls that wait fail. */
static void end_session(mf_app *app) {
  pthread_mutex_lock(&app->lock);
  app->connected = false;
  for (waiting_call *call = app->calls; call != NULL; call = call->next) call->ended = true;
  pthread_cond_broadcast(&app->changed);
  pthread_mutex_unlock(&app->lock);
  drop_socket(app);
}

static void serve_session(mf_app *app) {
  frame found;
  bool open = true;
  while (open && receive_frame(app->fd, &found, NO_DEADLINE)) {
    if (found.kind == FRAME_CALL) {
      open = answer_call(app, app->fd, &found);
      free(found.bytes);
      continue;
    }
    pthread_mutex_lock(&app->lock);
    waiting_call *call = app->calls;
    while (call != NULL && (call->id != found.id || call->bytes != NULL)) call = call->next;
    if (call != NULL) {
      call->bytes = found.bytes;
      call->size = found.size;
      pthread_cond_broadcast(&app->changed);
    } else
      free(found.bytes);
    pthread_mutex_unlock(&app->lock);
  }
}

/* The thread of a client: reads the session, and begins another one when it has ended. */
static void *run_client(void *context) {
  mf_app *app = context;
  failure why;
  int pause = BACKOFF_FIRST_MS;
  for (;;) {
    pthread_mutex_lock(&app->lock);
    bool closing = app->closing, connected = app->connected;
    pthread_mutex_unlock(&app->lock);
    if (closing) break;
    if (connected) {
      serve_session(app);
      end_session(app);
      pause = BACKOFF_FIRST_MS;
    } else if (begin_session(app, &why) != MF_OK) {
      int64_t until = deadline_after(pause);
      pthread_mutex_lock(&app->lock);
      while (!app->closing && wait_changed(&app->changed, &app->lock, until)) continue;
      pthread_mutex_unlock(&app->lock);
      pause = pause * 2 < BACKOFF_LAST_MS ? pause * 2 : BACKOFF_LAST_MS;
    }
  }
  end_session(app);
  return NULL;
}

static mf_status find_places(mf_app *app, const char *directory, failure *why) {
  char named[PATH_BYTES];
  const char *candidates[PLACES_MAX] = {NULL};
  char user[64], login[PATH_BYTES];
  size_t count = 0;
  const char *configured = directory != NULL ? directory : getenv("MIRRORFLOW_DIR");
  if (configured != NULL && configured[0] != 0) {
    if (configured[0] != '/' || strlen(configured) >= PATH_BYTES - 128)
      return fail(why, MF_BAD_OPTION, "the runtime directory is '%.200s'; it must be an absolute path", configured);
    snprintf(named, sizeof named, "%s", configured);
    for (size_t end = strlen(named); end > 1 && named[end - 1] == '/';) named[--end] = 0;
    candidates[count++] = named;
  } else {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime != NULL && runtime[0] == '/' && strlen(runtime) < PATH_BYTES - 128) {
      snprintf(login, sizeof login, "%s/mirrorflow", runtime);
      candidates[count++] = login;
    }
    snprintf(user, sizeof user, "/tmp/mirrorflow-%u", (unsigned)geteuid());
    candidates[count++] = user;
    candidates[count++] = "/run/mirrorflow";
  }
  for (size_t at = 0; at < count; at++) {
    if (!is_usable_directory(candidates[at])) continue;
    char *place = strdup(candidates[at]);
    if (place == NULL) return fail_memory(why);
    app->places[app->place_count++] = place;
  }
  return MF_OK;
}

static void name_client(mf_app *app, const char *name) {
  snprintf(app->client, sizeof app->client, "%.64s", name != NULL ? name : program_invocation_short_name);
  if (name != NULL) return;
  for (char *at = app->client; *at != 0; at++)
    if (!is_letter(*at) && !is_digit(*at) && *at != '.' && *at != '_') *at = '-';
  if (!is_name(app->client, false)) strcpy(app->client, "c-program");
}

static mf_status begin_client(mf_app *app, const char *application, const mf_connect_options *options, failure *why) {
  mf_status status = check_name("an application", application, why);
  if (status == MF_OK && options->name != NULL) status = check_name("a client", options->name, why);
  if (status != MF_OK) return status;
  strcpy(app->application, application);
  name_client(app, options->name);
  app->may_start = !options->no_start;
  if (options->right != NULL) {
    for (size_t at = 0; at < 3; at++)
      if (strcmp(options->right, RIGHTS[at]) == 0) app->right = RIGHTS[at];
    if (app->right == NULL)
      return fail(why, MF_BAD_OPTION, "right is '%.40s'; it must be control, provide or read", options->right);
  }
  if ((status = find_places(app, options->directory, why)) != MF_OK) return status;
  if ((status = begin_session(app, why)) != MF_OK) return status;
  app->has_thread = pthread_create(&app->thread, NULL, run_client, app) == 0;
  return app->has_thread ? MF_OK : fail(why, MF_SYSTEM_ERROR, "no thread can be started");
}

mf_status mf_connect(const char *application, const mf_connect_options *options, mf_app **app) {
  static const mf_connect_options DEFAULTS = {0};
  failure why = {0};
  *app = calloc(1, sizeof **app);
  if (*app == NULL) return MF_SYSTEM_ERROR;
  (*app)->fd = -1;
  if (pthread_mutex_init(&(*app)->sending, NULL) != 0 || !make_lock(&(*app)->lock, &(*app)->changed)) {
    free(*app);
    *app = NULL;
    return MF_SYSTEM_ERROR;
  }
  mf_status status = begin_client(*app, application, options == NULL ? &DEFAULTS : options, &why);
  return status == MF_OK ? MF_OK : app_failed(*app, &why);
}

void mf_app_close(mf_app *app) {
  if (app == NULL) return;
  pthread_mutex_lock(&app->lock);
  app->closing = true;
  if (app->fd >= 0) shutdown(app->fd, SHUT_RDWR);
  pthread_cond_broadcast(&app->changed);
  pthread_mutex_unlock(&app->lock);
  if (app->has_thread) pthread_join(app->thread, NULL);
  else drop_socket(app);
  while (app->first_message != NULL) {
    kept_message *first = app->first_message;
    app->first_message = first->next;
    mf_value_free(first->attributes);
    free(first);
  }
  for (size_t at = 0; at < app->place_count; at++) free(app->places[at]);
  pthread_mutex_destroy(&app->lock);
  pthread_mutex_destroy(&app->sending);
  pthread_cond_destroy(&app->changed);
  free(app);
}

const char *mf_app_error(mf_app *app) {
  return app == NULL ? "there is not enough memory" : shown_text(&app->lock, &app->last);
}

int mf_app_connected(mf_app *app) {
  pthread_mutex_lock(&app->lock);
  int connected = app->connected;
  pthread_mutex_unlock(&app->lock);
  return connected;
}

/* Waits for a session; the lock is held. */
static mf_status await_session(mf_app *app, const char *what, int64_t deadline, const bool *aborted, failure *why) {
  while (!app->connected) {
    if (app->closing || (aborted != NULL && *aborted)) return fail(why, MF_CLOSED, "%s: it was closed", what);
    if (!wait_changed(&app->changed, &app->lock, deadline))
      return fail(why, MF_TIMED_OUT, "%s: the app server of %s is not connected", what, app->application);
  }
  return MF_OK;
}

/* A call by any thread. `aborted` (may be NULL) ends it, under the lock of the client. */
static mf_status call(mf_app *app, const char *method, const mf_value *parameters, int64_t deadline,
                      const bool *aborted, mf_value **result, failure *why) {
  document out;
  waiting_call own = {0};
  *result = NULL;
  mf_status status = write_call(&out, method, parameters, why);
  if (status != MF_OK) return status;
  pthread_mutex_lock(&app->lock);
  status = await_session(app, method, deadline, aborted, why);
  if (status == MF_OK) {
    own.id = ++app->last_id;
    own.next = app->calls;
    app->calls = &own;
  }
  pthread_mutex_unlock(&app->lock);
  if (status == MF_OK) {
    uint32_t head[3] = {(uint32_t)out.size, FRAME_CALL, own.id};
    pthread_mutex_lock(&app->sending);
    pthread_mutex_lock(&app->lock);
    int fd = own.ended ? -1 : app->fd;
    pthread_mutex_unlock(&app->lock);
    bool sent = fd >= 0 && send_all(fd, head, sizeof head) && send_all(fd, out.bytes, out.size);
    if (!sent && fd >= 0) shutdown(fd, SHUT_RDWR);
    pthread_mutex_unlock(&app->sending);
    pthread_mutex_lock(&app->lock);
    bool in_time = true;
    while (own.bytes == NULL && !own.ended && sent && in_time && !(aborted != NULL && *aborted) && !app->closing)
      in_time = wait_changed(&app->changed, &app->lock, deadline);
    waiting_call **at = &app->calls;
    while (*at != &own) at = &(*at)->next;
    *at = own.next;
    pthread_mutex_unlock(&app->lock);
    if (own.bytes != NULL) status = read_response(own.bytes, own.size, result, why);
    else if (!in_time) status = fail(why, MF_TIMED_OUT, "%s was not answered in time", method);
    else status = fail(why, MF_CLOSED, "%s: the connection to the app server has ended", method);
    free(own.bytes);
  }
  free(out.bytes);
  return status;
}

mf_status mf_call(mf_app *app, const char *method, const mf_value *parameters, int timeout_ms, mf_value **result) {
  failure why = {0};
  mf_value *found = NULL;
  mf_status status = method == NULL || (parameters != NULL && parameters->kind != MF_ARRAY)
                         ? fail(&why, MF_BAD_OPTION, "a call needs a method, and an array of parameters or none")
                         : call(app, method, parameters, deadline_after(timeout_ms), NULL, &found, &why);
  if (result != NULL) *result = found;
  else mf_value_free(found);
  return status == MF_OK ? MF_OK : app_failed(app, &why);
}

mf_status mf_session(mf_app *app, int timeout_ms, char token[65]) {
  failure why = {0};
  int64_t deadline = deadline_after(timeout_ms);
  pthread_mutex_lock(&app->lock);
  mf_status status = await_session(app, "session", deadline, NULL, &why);
  if (status == MF_OK) strcpy(token, app->token);
  pthread_mutex_unlock(&app->lock);
  return status == MF_OK ? MF_OK : app_failed(app, &why);
}

mf_status mf_flows(mf_app *app, mf_value **flows) { return mf_call(app, "flow.list", NULL, CALL_TIMEOUT_MS, flows); }

mf_status mf_clients(mf_app *app, mf_value **clients) {
  return mf_call(app, "client.list", NULL, CALL_TIMEOUT_MS, clients);
}

/* A copy of a value; NULL when memory has run out. */
static mf_value *copy_value(const mf_value *value) {
  mf_value *copy = value->text != NULL ? make_bytes(value->kind, value->text, value->size) : make_value(value->kind);
  if (copy == NULL) return NULL;
  copy->integer = value->integer;
  copy->number = value->number;
  for (size_t at = 0; at < value->count; at++) {
    char *name = value->names == NULL ? NULL : strdup(value->names[at]);
    if (add_item(copy, name, copy_value(value->items[at])) == MF_OK) continue;
    mf_value_free(copy);
    return NULL;
  }
  return copy;
}

mf_status mf_send(mf_app *app, const char *client, const char *provider, const char *type,
                  const mf_value *attributes, size_t *received) {
  failure why = {0};
  char token[65];
  if (received != NULL) *received = 0;
  if (!is_name(type, true) || attributes == NULL || attributes->kind != MF_STRUCT ||
      (client != NULL && provider != NULL)) {
    fail(&why, MF_BAD_OPTION,
         "a message has a type of 1 to 64 letters, digits, '.', '_' or '-' that begins with a letter, a struct of "
         "attributes, and either a client or a provider or none");
    return app_failed(app, &why);
  }
  mf_status status = mf_session(app, CALL_TIMEOUT_MS, token);
  if (status != MF_OK) return status;
  mf_value *parameters = mf_array(), *to = mf_struct(), *content = mf_struct(), *answer = NULL;
  bool made = client != NULL     ? mf_set(to, "client", mf_text(client)) == MF_OK
              : provider != NULL ? mf_set(to, "provider", mf_text(provider)) == MF_OK
                                 : mf_set(to, "application", mf_boolean(1)) == MF_OK;
  made = mf_set(content, "type", mf_text(type)) == MF_OK && made;
  made = mf_set(content, "attributes", copy_value(attributes)) == MF_OK && made;
  made = mf_append(parameters, mf_text(token)) == MF_OK && made;
  made = mf_append(parameters, to) == MF_OK && made;
  made = mf_append(parameters, content) == MF_OK && made;
  status = made ? mf_call(app, "client.send", parameters, CALL_TIMEOUT_MS, &answer) : MF_SYSTEM_ERROR;
  if (!made) {
    fail_memory(&why);
    app_failed(app, &why);
  }
  if (received != NULL) *received = mf_count(mf_get(answer, "received"));
  mf_value_free(answer);
  mf_value_free(parameters);
  return status;
}

mf_status mf_subscribe(mf_app *app, const char *type) {
  failure why = {0};
  mf_status status = MF_OK;
  if (!is_name(type, true)) {
    fail(&why, MF_BAD_OPTION, "'%.80s' is no message type: 1 to 64 letters, digits, '.', '_' or '-'", type == NULL ? "" : type);
    return app_failed(app, &why);
  }
  pthread_mutex_lock(&app->lock);
  size_t at = 0;
  while (at < app->type_count && strcmp(app->types[at], type) != 0) at++;
  if (at == MESSAGE_TYPES_MAX)
    status = fail(&why, MF_LIMIT_REACHED, "%d types of messages are kept already", MESSAGE_TYPES_MAX);
  else if (at == app->type_count)
    strcpy(app->types[app->type_count++], type);
  pthread_mutex_unlock(&app->lock);
  return status == MF_OK ? MF_OK : app_failed(app, &why);
}

/* Takes the first message of a type out of the queue; the lock is held. */
static kept_message *take_message(mf_app *app, const char *type) {
  kept_message *before = NULL;
  for (kept_message *each = app->first_message; each != NULL; before = each, each = each->next) {
    if (strcmp(each->type, type) != 0) continue;
    if (before == NULL) app->first_message = each->next;
    else before->next = each->next;
    if (app->last_message == each) app->last_message = before;
    app->message_count--;
    return each;
  }
  return NULL;
}

mf_status mf_receive(mf_app *app, const char *type, int timeout_ms, mf_value **attributes) {
  failure why = {0};
  int64_t deadline = deadline_after(timeout_ms);
  *attributes = NULL;
  mf_status status = mf_subscribe(app, type);
  if (status != MF_OK) return status;
  kept_message *found = NULL;
  pthread_mutex_lock(&app->lock);
  bool in_time = true;
  while ((found = take_message(app, type)) == NULL && !app->closing && in_time)
    in_time = wait_changed(&app->changed, &app->lock, deadline);
  pthread_mutex_unlock(&app->lock);
  if (found != NULL) {
    *attributes = found->attributes;
    free(found);
    return MF_OK;
  }
  if (in_time) fail(&why, MF_CLOSED, "the client was closed");
  else fail(&why, MF_TIMED_OUT, "no message %s has arrived in %d ms", type, timeout_ms);
  return app_failed(app, &why);
}

/* ---- Openings: flows that are open at the app server ----------------------------------------- */

#define RESTART_MS 10000
/* Attempts, about half a minute, that may fail because the flow has changed; then it has ended. */
#define REFUSALS_MAX 60
#define HANDLE_MAX INT32_MAX

/* What flow.open returns. */
typedef struct opened {
  int64_t handle;
  char file[PATH_BYTES], link[PATH_BYTES], image[PATH_BYTES];
} opened;

typedef mf_status (*attach_function)(void *flow, const opened *found, failure *why);

static mf_status begin_opening(opening *flow, mf_app *app, const char *name, bool is_input, failure *why) {
  mf_status status = check_name("a flow", name, why);
  if (status != MF_OK) return status;
  flow->app = app;
  strcpy(flow->flow, name);
  flow->is_input = is_input;
  flow->detached = true;
  flow->pause_ms = BACKOFF_FIRST_MS;
  flow->request = mf_struct();
  bool made = mf_set(flow->request, "flow", mf_text(name)) == MF_OK &&
              mf_set(flow->request, "direction", mf_text(is_input ? "input" : "output")) == MF_OK;
  if (!made) return fail_memory(why);
  pthread_mutex_lock(&app->lock);
  flow->number = ++app->last_opening;
  flow->next = app->openings;
  app->openings = flow;
  pthread_mutex_unlock(&app->lock);
  return MF_OK;
}

/* Ends attempts to attach, and the calls that they wait for. */
static void stop_opening(opening *flow) {
  pthread_mutex_lock(&flow->app->lock);
  flow->closed = true;
  pthread_cond_broadcast(&flow->app->changed);
  pthread_mutex_unlock(&flow->app->lock);
}

/* Closes the flow at the app server; without a session that has done it. */
static void end_opening(opening *flow) {
  mf_app *app = flow->app;
  if (app == NULL) return;
  char token[65] = "";
  pthread_mutex_lock(&app->lock);
  flow->closed = true;
  opening **at = &app->openings;
  while (*at != NULL && *at != flow) at = &(*at)->next;
  if (*at == flow) *at = flow->next;
  int64_t handle = app->connected && flow->session == app->session ? flow->handle : 0;
  strcpy(token, app->token);
  pthread_mutex_unlock(&app->lock);
  mf_value *parameters = handle > 0 ? close_parameters(token, handle) : NULL;
  if (parameters != NULL) {
    failure ignored;
    mf_value *answer = NULL;
    call(app, "flow.close", parameters, deadline_after(CLOSE_TIMEOUT_MS), NULL, &answer, &ignored);
    mf_value_free(answer);
    mf_value_free(parameters);
  }
  mf_value_free(flow->request);
  flow->request = NULL;
}

static bool copy_path(const mf_value *answer, const char *member, char path[PATH_BYTES]) {
  const char *text = mf_text_of(mf_get(answer, member), NULL);
  if (text == NULL || text[0] != '/' || strlen(text) >= PATH_BYTES) return false;
  strcpy(path, text);
  return true;
}

static mf_status open_flow(opening *flow, opened *found, failure *why) {
  mf_app *app = flow->app;
  int64_t deadline = deadline_after(OPEN_TIMEOUT_MS);
  pthread_mutex_lock(&app->lock);
  mf_status status = await_session(app, "flow.open", deadline, &flow->closed, why);
  uint64_t session = app->session;
  bool is_known = flow->session == session && flow->handle != 0;
  mf_value *parameters = open_parameters(app->token, flow, "handle", is_known ? flow->handle : 0);
  pthread_mutex_unlock(&app->lock);
  if (status == MF_OK && parameters == NULL) status = fail_memory(why);
  mf_value *answer = NULL;
  if (status == MF_OK) status = call(app, "flow.open", parameters, deadline, &flow->closed, &answer, why);
  mf_value_free(parameters);
  if (status != MF_OK) return status;
  found->handle = mf_integer_of(mf_get(answer, "handle"), 0);
  bool fits = found->handle > 0 && found->handle <= HANDLE_MAX && copy_path(answer, "file", found->file) &&
              copy_path(answer, "link", found->link);
  if (!copy_path(answer, "image", found->image)) found->image[0] = 0;
  mf_value_free(answer);
  if (!fits) return fail(why, MF_BAD_MESSAGE, "flow.open returned no valid handle and paths");
  pthread_mutex_lock(&app->lock);
  flow->handle = flow->link = found->handle;
  flow->session = session;
  pthread_mutex_unlock(&app->lock);
  return MF_OK;
}

/* The session in which a flow was opened may have ended before it was attached. */
static void make_known(opening *flow) {
  mf_app *app = flow->app;
  failure ignored;
  pthread_mutex_lock(&app->lock);
  flow->detached = false;
  uint64_t session = app->session;
  bool is_missing = app->connected && flow->session != session;
  mf_value *parameters = is_missing ? open_parameters(app->token, flow, "link", flow->link) : NULL;
  pthread_mutex_unlock(&app->lock);
  if (parameters == NULL) return;
  mf_value *answer = NULL;
  mf_status status = call(app, "flow.open", parameters, deadline_after(OPEN_TIMEOUT_MS), &flow->closed, &answer, &ignored);
  mf_value_free(parameters);
  pthread_mutex_lock(&app->lock);
  if (status == MF_OK && app->session == session) {
    flow->handle = mf_integer_of(mf_get(answer, "handle"), 0);
    flow->session = session;
  }
  pthread_mutex_unlock(&app->lock);
  mf_value_free(answer);
}

static bool is_restart(const failure *why) {
  switch (why->status) {
    case MF_UNKNOWN_FLOW:
    case MF_NOT_A_MIRROR: return why->has_path;
    case MF_CLOSED:
    case MF_TRANSPORT_ERROR:
    case MF_UNKNOWN_SESSION:
    case MF_STOPPED:
    case MF_NOT_RUNNING:
    case MF_FILE_CORRUPT: return true;
    default: return false;
  }
}

static bool is_refusal(mf_status status) {
  return status == MF_UNKNOWN_FLOW || status == MF_WRONG_FLOW_TYPE || status == MF_NOT_A_MIRROR ||
         status == MF_TOO_LARGE || status == MF_REFUSED || status == MF_FLOW_BUSY;
}

/* Waits between attempts. CLOSED when the flow or the client is closing, TIMED_OUT too late. */
static mf_status pause_opening(opening *flow, int pause_ms, int64_t deadline, failure *why) {
  mf_app *app = flow->app;
  int64_t until = deadline_after(pause_ms);
  pthread_mutex_lock(&app->lock);
  while (!flow->closed && !app->closing && wait_changed(&app->changed, &app->lock, until < deadline ? until : deadline))
    continue;
  bool closed = flow->closed || app->closing;
  pthread_mutex_unlock(&app->lock);
  if (closed) return fail(why, MF_CLOSED, "the flow %s was closed", flow->flow);
  if (time_left(deadline) == 0 && now_ms() < until)
    return fail(why, MF_TIMED_OUT, "the flow %s is not attached again yet", flow->flow);
  return MF_OK;
}

/*
 * Opens the flow until it is attached. The first time for as long as a server needs to restart;
 * a flow that was attached (`recovers`) until `deadline`, and again with the next call.
 */
static mf_status attach_flow(opening *flow, void *self, attach_function attach, bool recovers, int64_t deadline,
                             failure *why) {
  int64_t restarted = deadline_after(RESTART_MS);
  opened *found = malloc(sizeof *found);
  if (found == NULL) return fail_memory(why);
  mf_status status;
  for (;;) {
    status = open_flow(flow, found, why);
    if (status == MF_OK) status = attach(self, found, why);
    if (status == MF_OK) {
      make_known(flow);
      flow->pause_ms = BACKOFF_FIRST_MS;
      flow->refusals = 0;
      break;
    }
    if (recovers) {
      flow->refusals += is_refusal(status);
      if (flow->refusals > REFUSALS_MAX || why->reopen) break;
    } else if (!is_restart(why) || time_left(restarted) == 0)
      break;
    failure pausing;
    mf_status paused = pause_opening(flow, flow->pause_ms, deadline, &pausing);
    flow->pause_ms = flow->pause_ms * 2 < BACKOFF_LAST_MS ? flow->pause_ms * 2 : BACKOFF_LAST_MS;
    if (paused != MF_OK) {
      *why = pausing;
      status = paused;
      break;
    }
  }
  free(found);
  return status;
}

/* One thread at a time counts; the thread of the client reads the counts. */
static inline void count_buffer(opening *flow, uint32_t size) {
  uint64_t buffers = atomic_load_explicit(&flow->buffers, memory_order_relaxed);
  uint64_t bytes = atomic_load_explicit(&flow->bytes, memory_order_relaxed);
  atomic_store_explicit(&flow->buffers, buffers + 1, memory_order_relaxed);
  atomic_store_explicit(&flow->bytes, bytes + size, memory_order_relaxed);
}

static void detach_flow(opening *flow) {
  pthread_mutex_lock(&flow->app->lock);
  flow->detached = true;
  pthread_mutex_unlock(&flow->app->lock);
}

/* ---- Flow files ------------------------------------------------------------------------------ */

#define FLOW_VERSION 2
#define HEADER_BYTES 8192u
#define SLOT_HEADER_BYTES 64u
#define SLOT_COUNT_MAX 1048576u
#define IDENTITY_AT 1024
#define IDENTITY_END 4096
/* Positions of header words. */
#define EPOCH_AT 64
#define PUBLISHED_AT 128
#define CLAIMED_AT 136
#define SOURCE_STATE_AT 208
#define GRANTED_AT 224
#define HEARD_AT 248
#define PUBLISHED_BYTES_AT (256 + 8 * 1)
#define CONSUMERS_AT (256 + 8 * 12)
/* Positions of slot words. */
#define TIMESTAMP_AT 8
#define SIZE_AT 16

typedef struct mapping {
  uint8_t *base;
  size_t size;
} mapping;

typedef struct flow_file {
  mapping map;
  uint32_t slot_count, stride, capacity;
  uint32_t owner_pid;
  uint64_t owner_start;
  ino_t inode;
} flow_file;

/* One aligned load or store each: the halves of a word never come apart. */
static uint64_t load(const uint8_t *at) {
  return atomic_load_explicit((const _Atomic uint64_t *)(const void *)at, memory_order_acquire);
}

static void store(uint8_t *at, uint64_t value) {
  atomic_store_explicit((_Atomic uint64_t *)(void *)at, value, memory_order_release);
}

static uint32_t word32(const uint8_t *at) {
  return atomic_load_explicit((const _Atomic uint32_t *)(const void *)at, memory_order_acquire);
}

static void unmap(mapping *map) {
  if (map->base != NULL) munmap(map->base, map->size);
  map->base = NULL;
  map->size = 0;
}

/* Maps a file, or its first `most` bytes; `*whole` is the size of the file. */
static mf_status map_file(const char *path, bool for_writing, size_t most, mapping *map, uint64_t *whole, failure *why) {
  int fd = open(path, (for_writing ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (fd < 0) {
    int number = errno;
    if (number == ENOENT) return fail_path(why, MF_UNKNOWN_FLOW, path, "does not exist");
    if (number == EACCES || number == EPERM) return fail(why, MF_NOT_PERMITTED, "this user may not open %s", path);
    return fail(why, MF_SYSTEM_ERROR, "%s cannot be opened: %s", path, system_text(number));
  }
  struct stat info;
  mf_status status = MF_OK;
  if (fstat(fd, &info) != 0) {
    status = fail(why, MF_SYSTEM_ERROR, "%s cannot be examined: %s", path, system_text(errno));
  } else if (info.st_size <= 0 || !S_ISREG(info.st_mode)) {
    status = fail(why, MF_FILE_CORRUPT, "%s is empty, or no file", path);
  } else {
    *whole = (uint64_t)info.st_size;
    map->size = most > 0 && (uint64_t)most < *whole ? most : (size_t)*whole;
    void *base = mmap(NULL, map->size, PROT_READ | (for_writing ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    map->base = base == MAP_FAILED ? NULL : base;
    if (map->base == NULL)
      status = fail(why, MF_SYSTEM_ERROR, "%s cannot be mapped: %s", path, system_text(errno));
  }
  close(fd);
  return status;
}

static mf_status check_header(flow_file *file, const char *path, uint64_t whole, failure *why) {
  const uint8_t *header = file->map.base;
  if (file->map.size < HEADER_BYTES)
    return fail(why, MF_FILE_CORRUPT, "%s has %llu bytes; a flow file has %u at least", path,
                (unsigned long long)whole, HEADER_BYTES);
  uint32_t version = word32(header + 8);
  if (memcmp(header, "MIRRFLOW", 8) != 0 || version == 0)
    return fail(why, MF_FILE_CORRUPT, "%s is no complete flow file", path);
  if (version != FLOW_VERSION)
    return fail(why, MF_VERSION_MISMATCH, "%s has layout version %u; this library reads version %d", path, version,
                FLOW_VERSION);
  file->slot_count = word32(header + 16);
  file->stride = word32(header + 20);
  file->capacity = word32(header + 24);
  uint64_t needed = ((uint64_t)SLOT_HEADER_BYTES + file->capacity + 63) / 64 * 64;
  bool fits = word32(header + 12) == HEADER_BYTES && file->slot_count >= 2 && file->slot_count <= SLOT_COUNT_MAX &&
              file->stride == needed && HEADER_BYTES + (uint64_t)file->slot_count * file->stride <= whole;
  if (!fits)
    return fail(why, MF_FILE_CORRUPT, "%s has %llu bytes, and its header states %u slots of %u bytes", path,
                (unsigned long long)whole, file->slot_count, file->stride);
  if (word32(header + IDENTITY_AT) > IDENTITY_END - IDENTITY_AT - 4)
    return fail(why, MF_FILE_CORRUPT, "%s has no valid identity", path);
  file->owner_pid = word32(header + 40);
  file->owner_start = load(header + 48);
  return MF_OK;
}

/* Maps and checks a flow file. On failure nothing stays mapped. */
static mf_status open_file(flow_file *file, const char *path, bool for_writing, bool header_only, failure *why) {
  uint64_t whole = 0;
  struct stat info;
  *file = (flow_file){0};
  if (stat(path, &info) == 0) file->inode = info.st_ino;
  mf_status status = map_file(path, for_writing, header_only ? HEADER_BYTES : 0, &file->map, &whole, why);
  if (status == MF_OK) status = check_header(file, path, whole, why);
  if (status != MF_OK) unmap(&file->map);
  return status;
}

static uint8_t *slot_of(const flow_file *file, uint64_t sequence) {
  return file->map.base + HEADER_BYTES + (size_t)(sequence % file->slot_count) * file->stride;
}

/* The slot behind this one in the ring. */
static uint8_t *slot_after(const flow_file *file, const uint8_t *slot) {
  const uint8_t *first = file->map.base + HEADER_BYTES;
  size_t at = (size_t)(slot - first) + file->stride;
  return file->map.base + HEADER_BYTES + (at == (size_t)file->slot_count * file->stride ? 0 : at);
}

static const char *source_state(const flow_file *file) {
  static const char *const STATES[] = {"starting", "live", "stale", "ended"};
  uint32_t code = word32(file->map.base + SOURCE_STATE_AT);
  return code < 4 ? STATES[code] : "stale";
}

/* Whether the owner's process id means the same process here: not across containers. */
static bool shares_process_ids(const flow_file *file) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%u/stat", file->owner_pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || file->owner_start == 0) {
    if (fd >= 0) close(fd);
    return false;
  }
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return false;
  text[size] = 0;
  /* Field 22, counted from behind the name in brackets, which is field 2. */
  char *at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  return at != NULL && strtoull(at + 1, NULL, 10) == file->owner_start;
}

/* ---- Signal links ---------------------------------------------------------------------------- */

#define LINK_VERSION 2u
#define ADMISSION_TIMEOUT_MS 1000
#define ACK_AWAKE 1u
#define PUBLISHED_LAST 1u
#define PUBLISHED_UNANSWERED 2u

enum link_kind {
  LINK_HELLO = 1,
  LINK_START = 2,
  LINK_WELCOME = 3,
  LINK_BEGIN = 4,
  LINK_REFUSED = 5,
  LINK_PUBLISHED = 6,
  LINK_ACK = 7,
  LINK_CREDIT = 8,
  LINK_DELIVERY = 12,
  LINK_STALL = 13
};
enum link_role { ROLE_CONSUMER = 0, ROLE_PROVIDER = 1, ROLE_OBSERVER = 2 };
enum link_start { START_OLDEST = 0, START_NEXT = 1, START_AT = 2 };

typedef struct link_message {
  uint32_t kind, detail;
  uint64_t value;
} link_message;

_Static_assert(sizeof(link_message) == 16, "messages of the signal link are 16 bytes");

typedef struct signal_link {
  int fd;
  bool ended;
  size_t held, taken; /* bytes received, and those of them that were used */
  uint8_t bytes[64 * sizeof(link_message)];
} signal_link;

static mf_status open_link(signal_link *link, const char *path, failure *why) {
  link->held = link->taken = 0;
  link->ended = false;
  link->fd = -1;
  mf_status status = connect_socket(path, &link->fd, why);
  if (status == MF_OK) set_send_timeout(link->fd, 0);
  else link->ended = true;
  return status;
}

static void close_link(signal_link *link) {
  if (link->fd >= 0) close(link->fd);
  link->fd = -1;
  link->ended = true;
}

/* An end is noticed by the next receive. */
static void send_message(signal_link *link, uint32_t kind, uint64_t value, uint32_t detail) {
  link_message message = {kind, detail, value};
  if (link->fd >= 0) send_all(link->fd, &message, sizeof message);
}

static bool next_message(signal_link *link, link_message *message) {
  if (link->held - link->taken < sizeof *message) return false;
  memcpy(message, link->bytes + link->taken, sizeof *message);
  link->taken += sizeof *message;
  return true;
}

/* Receives what has arrived; waits for something until the deadline when there is nothing. */
static void receive_messages(signal_link *link, int64_t deadline) {
  if (link->held - link->taken >= sizeof(link_message) || link->ended) return;
  memmove(link->bytes, link->bytes + link->taken, link->held - link->taken);
  link->held -= link->taken;
  link->taken = 0;
  for (;;) {
    ssize_t got = recv(link->fd, link->bytes + link->held, sizeof link->bytes - link->held, MSG_DONTWAIT);
    if (got > 0) {
      link->held += (size_t)got;
      if (link->held >= sizeof(link_message)) return;
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
      link->ended = true;
      return;
    } else if (errno != EINTR) {
      int left = time_left(deadline);
      struct pollfd waiting = {.fd = link->fd, .events = POLLIN};
      if (left == 0 || poll(&waiting, 1, left) == 0) return;
    }
  }
}

typedef struct admission {
  uint64_t epoch, first;
  uint32_t generation;
} admission;

static mf_status refused(uint32_t detail, const char *path, failure *why) {
  int32_t number = (int32_t)detail;
  const char *name = number == 0 ? NULL : known_status_name(number);
  if (name == NULL)
    return fail(why, MF_APPLICATION_ERROR, "the duplicator at %s refused this client: error %d", path, (int)number);
  return fail(why, (mf_status)number, "the duplicator at %s refused this client: %s", path, name);
}

/* Waits for WELCOME and BEGIN, or REFUSED. */
static mf_status await_admission(signal_link *link, const char *path, admission *found, failure *why) {
  int64_t deadline = deadline_after(ADMISSION_TIMEOUT_MS);
  bool welcome = false;
  link_message message;
  for (;;) {
    receive_messages(link, deadline);
    if (!next_message(link, &message)) {
      if (link->ended)
        return fail(why, MF_NOT_RUNNING, "the duplicator at %s closed the link before it admitted this client", path);
      if (time_left(deadline) == 0)
        return fail(why, MF_TIMED_OUT, "the duplicator at %s did not answer in %d ms", path, ADMISSION_TIMEOUT_MS);
      continue;
    }
    if (message.kind == LINK_REFUSED) return refused(message.detail, path, why);
    if (message.kind == LINK_WELCOME) {
      welcome = true;
      found->epoch = message.value;
    } else if (message.kind == LINK_BEGIN && welcome) {
      found->first = message.value;
      found->generation = message.detail;
      return MF_OK;
    } else
      return fail(why, MF_BAD_MESSAGE, "the duplicator at %s sent kind %u before WELCOME and BEGIN", path, message.kind);
  }
}

typedef struct start_point {
  enum link_start kind;
  uint64_t sequence, epoch;
} start_point;

/* Connects and says hello. On failure the link is closed. */
static mf_status join_link(signal_link *link, const opened *to, enum link_role role, bool lossy, start_point start,
                           bool with_pid, admission *found, failure *why) {
  mf_status status = open_link(link, to->link, why);
  if (status != MF_OK) return status;
  uint64_t pid = with_pid ? (uint64_t)getpid() : 0;
  uint32_t detail = (uint32_t)role | (lossy ? 1u : 0u) << 8 | (uint32_t)start.kind << 16 | LINK_VERSION << 24;
  send_message(link, LINK_HELLO, (uint64_t)to->handle + (pid << 31), detail);
  if (start.kind == START_AT) send_message(link, LINK_START, start.sequence, (uint32_t)start.epoch);
  status = await_admission(link, to->link, found, why);
  if (status != MF_OK) close_link(link);
  return status;
}

/* CLOSED unless the file that was opened is that of the duplicator that admitted the client. */
static mf_status check_served(const flow_file *file, const char *path, const admission *joined, failure *why) {
  struct stat info;
  bool is_there = stat(path, &info) == 0 && info.st_ino == file->inode;
  if (is_there && load(file->map.base + EPOCH_AT) == joined->epoch) return MF_OK;
  return fail(why, MF_CLOSED, "%s was replaced while a client attached", path);
}

/* ---- Input ----------------------------------------------------------------------------------- */

#define PARTS_OF_RING 4
#define SEQUENCE_MAX ((UINT64_C(1) << 53) - 1)
#define NOT_ACKNOWLEDGED UINT64_MAX

struct mf_input {
  opening flow;
  failure last;
  flow_file file;
  signal_link link;
  mf_start start;
  uint64_t start_sequence;
  bool was_attached, attached, lossy, metadata_only;
  bool armed; /* the duplicator was asked for a signal */
  const uint8_t *slot; /* that of `next`; NULL: not known yet */
  uint64_t epoch, next, published, due, acknowledged;
  uint64_t quarter;
  uint64_t missed;
  uint8_t *copy; /* of a buffer of a lossy flow */
  size_t copy_size;
  char identity[IDENTITY_END - IDENTITY_AT];
};

static mf_status input_failed(mf_input *input, const failure *why) {
  input->last = *why;
  return why->status;
}

static void count_missed(mf_input *input, uint64_t missed) {
  input->missed += missed;
  atomic_store_explicit(&input->flow.lost, input->missed, memory_order_relaxed);
}

static start_point input_start(const mf_input *input, const flow_file *file) {
  if (input->was_attached) return (start_point){START_AT, input->next, input->epoch};
  uint64_t published = load(file->map.base + PUBLISHED_AT);
  switch (input->start) {
    case MF_NEXT: return (start_point){START_NEXT, 0, 0};
    case MF_NEWEST: return (start_point){START_AT, published > 0 ? published - 1 : 0, 0};
    case MF_AT: return (start_point){START_AT, input->start_sequence, 0};
    case MF_OLDEST:
    default: return (start_point){START_OLDEST, 0, 0};
  }
}

static mf_status attach_input(void *self, const opened *found, failure *why) {
  mf_input *input = self;
  flow_file file;
  admission joined;
  mf_status status = open_file(&file, found->file, false, false, why);
  if (status != MF_OK) return status;
  start_point start = input_start(input, &file);
  status = join_link(&input->link, found, ROLE_CONSUMER, input->lossy, start, shares_process_ids(&file), &joined, why);
  if (status == MF_OK) {
    status = check_served(&file, found->file, &joined, why);
    if (status != MF_OK) close_link(&input->link);
  }
  if (status != MF_OK) {
    unmap(&file.map);
    return status;
  }
  bool same_epoch = start.kind == START_AT && (start.epoch == 0 || start.epoch == joined.epoch);
  bool counts = same_epoch && (input->was_attached || input->start != MF_NEWEST);
  if (counts && joined.first > start.sequence) count_missed(input, joined.first - start.sequence);
  unmap(&input->file.map);
  input->file = file;
  input->epoch = joined.epoch;
  input->next = joined.first;
  input->slot = NULL;
  input->published = 0;
  input->acknowledged = NOT_ACKNOWLEDGED;
  input->armed = false;
  input->quarter = file.slot_count / PARTS_OF_RING > 0 ? file.slot_count / PARTS_OF_RING : 1;
  input->due = joined.first + input->quarter;
  input->was_attached = input->attached = true;
  uint32_t length = word32(file.map.base + IDENTITY_AT);
  if (length > IDENTITY_END - IDENTITY_AT - 4) length = 0;
  memcpy(input->identity, file.map.base + IDENTITY_AT + 4, length);
  input->identity[length] = 0;
  return MF_OK;
}

static mf_status begin_input(mf_input *input, mf_app *app, const char *name, const mf_input_options *options, failure *why) {
  input->link.fd = -1;
  input->link.ended = true;
  mf_status status = begin_opening(&input->flow, app, name, true, why);
  if (status != MF_OK) return status;
  if (options->delivery < MF_DEFAULT_DELIVERY || options->delivery > MF_LOSSY || options->start < MF_OLDEST ||
      options->start > MF_AT || options->sequence > SEQUENCE_MAX)
    return fail(why, MF_BAD_OPTION, "delivery, start or sequence is none of mirrorflow.h");
  input->lossy = options->delivery == MF_LOSSY || (options->delivery == MF_DEFAULT_DELIVERY && strcmp(name, "spectra") == 0);
  atomic_store(&input->flow.lossy, input->lossy);
  input->start = options->start;
  input->start_sequence = options->sequence;
  if (options->type != NULL && mf_set(input->flow.request, "type", mf_text(options->type)) != MF_OK)
    return fail_memory(why);
  return attach_flow(&input->flow, input, attach_input, false, NO_DEADLINE, why);
}

mf_status mf_open_input(mf_app *app, const char *flow, const mf_input_options *options, mf_input **input) {
  static const mf_input_options DEFAULTS = {MF_DEFAULT_DELIVERY, MF_OLDEST, 0, NULL};
  failure why = {0};
  *input = calloc(1, sizeof **input);
  mf_status status = *input == NULL ? fail_memory(&why)
                                    : begin_input(*input, app, flow, options == NULL ? &DEFAULTS : options, &why);
  if (status == MF_OK) return MF_OK;
  mf_input_close(*input);
  *input = NULL;
  return app_failed(app, &why);
}

/*
 * The duplicator signals only an input whose newest acknowledgement is not `awake`. The detail also
 * has the missed buffers, modulo 2^31, for the consumer table of the flow file.
 */
static void acknowledge(mf_input *input, uint64_t needed, uint32_t awake) {
  input->armed = awake == 0;
  input->acknowledged = needed;
  input->due = needed + input->quarter;
  send_message(&input->link, LINK_ACK, needed, awake | (uint32_t)input->missed << 1);
}

static void hear_input(mf_input *input) {
  link_message message;
  while (next_message(&input->link, &message)) {
    if (message.kind == LINK_PUBLISHED) input->armed = false;
    if (message.kind == LINK_DELIVERY && message.detail == 1) {
      input->lossy = true;
      atomic_store(&input->flow.lossy, true);
    }
  }
}

/* Sequences have started again, in the same file. */
static void restart_input(mf_input *input) {
  input->epoch = load(input->file.map.base + EPOCH_AT);
  input->published = load(input->file.map.base + PUBLISHED_AT);
  uint64_t back = input->file.slot_count - 1;
  input->next = input->published > back ? input->published - back : 0;
  input->slot = NULL;
  input->due = input->next + input->quarter;
  input->acknowledged = NOT_ACKNOWLEDGED;
}

/* The writer has lapped this reader: continues at the oldest buffer that stays. */
static void skip_input(mf_input *input) {
  const uint8_t *base = input->file.map.base;
  uint64_t published = load(base + PUBLISHED_AT), back = input->file.slot_count - 1;
  if (load(base + EPOCH_AT) != input->epoch) {
    restart_input(input);
    return;
  }
  input->published = published;
  if (published <= input->next) return;
  uint64_t oldest = published > back ? published - back : 0;
  if (oldest < input->next + 1) oldest = input->next + 1;
  count_missed(input, oldest - input->next);
  input->next = oldest;
  input->slot = NULL;
}

/*
 * Asks the duplicator for a signal and waits for it. An input that has found more buffers after it
 * asked need not ask again before the signal has come: it does come, since these were published.
 */
static mf_status await_input(mf_input *input, int64_t deadline, failure *why) {
  const uint8_t *published = input->file.map.base + PUBLISHED_AT;
  if (!input->armed) {
    acknowledge(input, input->next, 0);
    if (load(published) > input->next) return MF_OK;
  }
  receive_messages(&input->link, deadline);
  hear_input(input);
  if (input->link.ended) {
    input->attached = false;
    close_link(&input->link);
    detach_flow(&input->flow);
    return MF_OK;
  }
  if (load(published) > input->next || time_left(deadline) != 0) return MF_OK;
  /* The next call may come much later: the writer need not wait for it. */
  if (input->acknowledged != input->next) acknowledge(input, input->next, 0);
  return fail(why, MF_TIMED_OUT, "no buffer of %s has arrived", input->flow.flow);
}

static bool grow_copy(mf_input *input, size_t size) {
  if (size <= input->copy_size) return true;
  uint8_t *grown = realloc(input->copy, size);
  if (grown == NULL) return false;
  input->copy = grown;
  input->copy_size = size;
  return true;
}

/* The buffer at `next`. False when the writer has lapped this reader, or memory has run out. */
static bool read_buffer(mf_input *input, mf_buffer *buffer) {
  uint64_t sequence = input->next;
  if (input->slot == NULL) input->slot = slot_of(&input->file, sequence);
  const uint8_t *slot = input->slot;
  if (load(slot) != sequence + 1) {
    skip_input(input);
    return false;
  }
  uint64_t timestamp = load(slot + TIMESTAMP_AT), sizes = load(slot + SIZE_AT);
  uint32_t size = (uint32_t)sizes;
  if (size > input->file.capacity) size = input->file.capacity;
  const uint8_t *data = slot + SLOT_HEADER_BYTES;
  if (input->lossy && !input->metadata_only) {
    if (!grow_copy(input, size)) return false;
    if (size > 0) memcpy(input->copy, data, size);
    data = input->copy;
    /* Keeps the loads of the copy before those of the check. */
    atomic_thread_fence(memory_order_acquire);
  }
  if (load(slot) != sequence + 1 || load(input->file.map.base + EPOCH_AT) != input->epoch) {
    skip_input(input);
    return false;
  }
  input->next = sequence + 1;
  input->slot = slot_after(&input->file, slot);
  *buffer = (mf_buffer){data, size, (uint32_t)(sizes >> 32) & 0xFFFF, sequence, input->epoch, timestamp};
  return true;
}

mf_status mf_take(mf_input *input, int timeout_ms, mf_buffer *buffer) {
  failure why;
  int64_t deadline = NO_DEADLINE;
  bool has_deadline = timeout_ms < 0;
  for (;;) {
    if (input->attached && input->next < input->published) {
      if (!read_buffer(input, buffer)) {
        if (input->lossy && input->copy_size < input->file.capacity && !grow_copy(input, input->file.capacity)) {
          fail_memory(&why);
          return input_failed(input, &why);
        }
        continue;
      }
      count_buffer(&input->flow, buffer->size);
      if (buffer->sequence >= input->due) {
        acknowledge(input, buffer->sequence, ACK_AWAKE);
        receive_messages(&input->link, 0);
        hear_input(input);
      }
      return MF_OK;
    }
    if (input->attached) {
      input->published = load(input->file.map.base + PUBLISHED_AT);
      if (load(input->file.map.base + EPOCH_AT) != input->epoch) restart_input(input);
      if (input->next < input->published) continue;
    }
    if (!has_deadline) deadline = deadline_after(timeout_ms);
    has_deadline = true;
    mf_status status = input->attached ? await_input(input, deadline, &why)
                                       : attach_flow(&input->flow, input, attach_input, true, deadline, &why);
    if (status != MF_OK) return input_failed(input, &why);
  }
}

int mf_intact(const mf_input *input, const mf_buffer *buffer) {
  if (input->file.map.base == NULL) return 0;
  if (buffer->data == input->copy) return 1;
  atomic_thread_fence(memory_order_acquire);
  return load(slot_of(&input->file, buffer->sequence)) == buffer->sequence + 1 &&
         load(input->file.map.base + EPOCH_AT) == buffer->epoch;
}

uint64_t mf_missed(const mf_input *input) { return input->missed; }
int mf_is_lossy(const mf_input *input) { return input->lossy; }
const char *mf_input_state(const mf_input *input) { return input->attached ? source_state(&input->file) : "stale"; }
const char *mf_input_identity(const mf_input *input) { return input->identity; }
const char *mf_input_error(const mf_input *input) { return input->last.text; }

void mf_input_close(mf_input *input) {
  if (input == NULL) return;
  close_link(&input->link);
  end_opening(&input->flow);
  unmap(&input->file.map);
  free(input->copy);
  free(input);
}

/* ---- Output ---------------------------------------------------------------------------------- */

/* A signal so long after the previous one asks for no answer. */
#define LOW_RATE_NS 200000
/*
 * A provider that has published so many buffers since its last signal when the answer comes is
 * busy: its next signal is due after a quarter of the ring, after the time below, or when it waits
 * or pauses. A consumer that waits does not wait for that: its acknowledgement reaches the
 * duplicator later than the next buffer of a busy provider does the flow file.
 */
#define BUSY_BUFFERS 64u
#define BUSY_SIGNAL_NS 200000
#define CLAIM_SLOTS_MAX 64u
#define CLAIM_SHARE 64u
#define BUSY_ATTEMPTS 50
#define BUSY_PAUSE_MS 20
#define FLAGS_MAX 0xFFFFu
#define LEAVE_MS 1000
#define DEFAULT_BUFFERS 16

struct mf_output {
  opening flow;
  pthread_t thread;
  bool has_thread, has_error_lock;
  pthread_mutex_t error_lock;
  failure last;    /* under `error_lock` */
  quick_lock lock; /* all below */
  failure lost;
  flow_file file;
  signal_link link; /* read by the thread of the output, written under the lock */
  uint32_t generation, stall_timeout_ms;
  uint64_t next, claimed, quarter, claim_together, bytes;
  uint8_t *slot; /* that of `next`; NULL: not known yet */
  bool begun;    /* it is cleared */
  bool attached, closed, left; /* left: the thread has ended */
  bool reserved;
  uint64_t attachment, reserved_attachment; /* count attachments */
  uint8_t *reserved_data;
  mapping replaced; /* in which the reserved slot lies, when the file was replaced meanwhile */
  flow_file removed; /* the buffers up to `repeat_until` were published in it too late for the duplicator */
  uint64_t repeat_until;
  uint64_t signalled, signalled_ns;
  bool answered, unanswered;
  bool postponed;       /* the provider is busy: the thread reads no answers for a while */
  uint32_t slot_waiters; /* threads that wait for credit */
};

static mf_status output_failed(mf_output *output, const failure *why) {
  pthread_mutex_lock(&output->error_lock);
  output->last = *why;
  pthread_mutex_unlock(&output->error_lock);
  return why->status;
}

/* Claims the next slots as far as there is credit: stores the claim, then loads the credit. */
__attribute__((noinline)) static bool claim_slots(mf_output *output) {
  uint8_t *base = output->file.map.base;
  uint64_t granted = load(base + GRANTED_AT), wanted = output->next + output->claim_together;
  if (granted < wanted) wanted = granted;
  if (wanted <= output->next) return false;
  uint64_t before = load(base + CLAIMED_AT);
  if (wanted > before) store(base + CLAIMED_AT, wanted);
  atomic_thread_fence(memory_order_seq_cst);
  uint64_t credit = load(base + GRANTED_AT);
  output->claimed = credit < wanted ? credit : wanted;
  if (credit < wanted && wanted > before) store(base + CLAIMED_AT, before > credit ? before : credit);
  return output->claimed > output->next;
}

/* Clears the next slot and returns its payload; NULL without credit. The lock is held. */
static inline uint8_t *begin_slot(mf_output *output) {
  if (output->slot == NULL) output->slot = slot_of(&output->file, output->next);
  uint8_t *slot = output->slot;
  if (!output->begun) {
    if (output->next >= output->claimed && !claim_slots(output)) return NULL;
    store(slot, 0);
    /* Keeps the stores of the payload behind the clearing: nothing on x86, a full fence on arm64. */
    atomic_thread_fence(memory_order_release);
    output->begun = true;
  }
  return slot + SLOT_HEADER_BYTES;
}

__attribute__((noinline)) static void signal_published(mf_output *output, uint64_t published, uint64_t now_ns) {
  output->signalled = published;
  output->answered = false;
  output->unanswered = !output->postponed && now_ns - output->signalled_ns > LOW_RATE_NS;
  output->signalled_ns = now_ns;
  send_message(&output->link, LINK_PUBLISHED, published, output->unanswered ? PUBLISHED_UNANSWERED : 0);
}

/* Completes and publishes the slot that was begun. The lock is held. */
static inline void publish_slot(mf_output *output, uint32_t size, uint64_t timestamp_ns, uint32_t flags) {
  uint8_t *base = output->file.map.base, *slot = output->slot;
  uint64_t now_ns = wall_ns();
  uint64_t metadata = (uint64_t)((output->generation & 0xFFFF) << 16 | flags) << 32 | size;
  store(slot + TIMESTAMP_AT, timestamp_ns != 0 ? timestamp_ns : now_ns);
  store(slot + SIZE_AT, metadata);
  store(slot, output->next + 1);
  output->next++;
  output->slot = slot_after(&output->file, slot);
  output->begun = false;
  output->bytes += size;
  store(base + PUBLISHED_BYTES_AT, output->bytes);
  store(base + PUBLISHED_AT, output->next);
  bool is_late = output->postponed && now_ns - output->signalled_ns > BUSY_SIGNAL_NS;
  if (output->answered || is_late || output->next - output->signalled >= output->quarter) {
    signal_published(output, output->next, now_ns);
  } else if (output->unanswered) {
    atomic_thread_fence(memory_order_seq_cst);
    if (load(base + HEARD_AT) >= output->signalled) signal_published(output, output->next, now_ns);
  }
}

static inline void publish(mf_output *output, uint32_t size, uint64_t timestamp_ns, uint32_t flags) {
  count_buffer(&output->flow, size);
  publish_slot(output, size, timestamp_ns, flags);
}

/*
 * Publishes again what went into a removed file. False: there is no credit for it. The lock is held,
 * and no slot is reserved.
 */
__attribute__((noinline)) static bool repeat_buffers(mf_output *output) {
  while (output->next < output->repeat_until) {
    const uint8_t *slot = slot_of(&output->removed, output->next);
    uint64_t metadata = load(slot + SIZE_AT);
    uint32_t size = (uint32_t)metadata < output->removed.capacity ? (uint32_t)metadata : output->removed.capacity;
    uint8_t *target = begin_slot(output);
    if (target == NULL) return false;
    memcpy(target, slot + SLOT_HEADER_BYTES, size);
    publish_slot(output, size, load(slot + TIMESTAMP_AT), (uint32_t)(metadata >> 32) & FLAGS_MAX);
  }
  unmap(&output->removed.map);
  return true;
}

/*
 * The file of the attachment before is not used any more, unless a reserved slot lies in it, or
 * buffers that its duplicator had left already: they are published again. The lock is held.
 */
static void leave_file(mf_output *output, uint64_t epoch, uint64_t published) {
  bool continues = output->file.map.base != NULL && load(output->file.map.base + EPOCH_AT) == epoch;
  bool is_reserved_here = output->reserved && output->reserved_attachment == output->attachment;
  bool is_reserved_before = output->reserved && !is_reserved_here && output->replaced.base == NULL;
  if (!continues && is_reserved_before) {
    output->replaced = output->removed.map;
    output->removed.map.base = NULL;
  }
  if (!continues) unmap(&output->removed.map);
  if (continues && output->removed.map.base == NULL && output->next > published) {
    output->removed = output->file;
    output->repeat_until = output->next;
  } else if (is_reserved_here) {
    output->replaced = output->file.map;
  } else {
    unmap(&output->file.map);
  }
}

static mf_status claim_provider(mf_output *output, const opened *found, failure *why) {
  flow_file file;
  signal_link link;
  admission joined;
  bool again = output->attachment > 0;
  start_point start = {again ? START_AT : START_NEXT, output->generation, 0};
  if (again) start.epoch = load(output->file.map.base + EPOCH_AT);
  mf_status status = join_link(&link, found, ROLE_PROVIDER, false, start, false, &joined, why);
  if (status != MF_OK) return status;
  status = open_file(&file, found->file, true, false, why);
  if (status == MF_OK && load(file.map.base + EPOCH_AT) != joined.epoch)
    status = fail(why, MF_CLOSED, "the duplicator of %s was replaced while its provider attached", output->flow.flow);
  if (status == MF_OK && again && file.capacity < output->file.capacity) {
    status = fail(why, MF_TOO_LARGE, "the flow %s now has smaller buffers: open it again", output->flow.flow);
    why->reopen = true;
  }
  if (status != MF_OK) {
    close_link(&link);
    unmap(&file.map);
    return status;
  }
  if (output->stall_timeout_ms > 0) send_message(&link, LINK_STALL, output->stall_timeout_ms, 0);
  lock_quickly(&output->lock);
  leave_file(output, joined.epoch, load(file.map.base + PUBLISHED_AT));
  output->file = file;
  output->link = link;
  output->generation = joined.generation;
  output->next = output->claimed = output->signalled = load(file.map.base + PUBLISHED_AT);
  output->bytes = load(file.map.base + PUBLISHED_BYTES_AT);
  output->quarter = file.slot_count / PARTS_OF_RING > 0 ? file.slot_count / PARTS_OF_RING : 1;
  uint64_t share = file.slot_count / CLAIM_SHARE;
  output->claim_together = share > CLAIM_SLOTS_MAX ? CLAIM_SLOTS_MAX : share > 0 ? share : 1;
  output->slot = NULL;
  output->begun = output->unanswered = false;
  output->answered = output->attached = true;
  output->attachment++;
  if (output->removed.map.base != NULL && !output->reserved) repeat_buffers(output);
  note_change(&output->lock);
  unlock_quickly(&output->lock);
  return MF_OK;
}

/* Claims the provider role; the provider before may just have ended. */
static mf_status attach_output(void *self, const opened *found, failure *why) {
  mf_output *output = self;
  for (int attempt = 1;; attempt++) {
    mf_status status = claim_provider(output, found, why);
    if (status != MF_FLOW_BUSY) return status;
    if (attempt == BUSY_ATTEMPTS)
      return fail(why, MF_FLOW_BUSY, "the flow %s has a provider already: close that one first", output->flow.flow);
    if (pause_opening(&output->flow, BUSY_PAUSE_MS, NO_DEADLINE, why) != MF_OK) return why->status;
  }
}

/* The link has ended: attaches the flow again. False when it has ended for good. */
static bool recover_output(mf_output *output) {
  failure why;
  lock_quickly(&output->lock);
  close_link(&output->link);
  unlock_quickly(&output->lock);
  detach_flow(&output->flow);
  if (attach_flow(&output->flow, output, attach_output, true, NO_DEADLINE, &why) == MF_OK) return true;
  lock_quickly(&output->lock);
  output->lost = why;
  note_change(&output->lock);
  unlock_quickly(&output->lock);
  return false;
}

/* Whether the provider publishes much; `seen`: its count before. The lock is held. */
static bool is_busy(const mf_output *output, uint64_t seen) {
  return output->attached && !output->closed && output->slot_waiters == 0 && output->next - seen >= BUSY_BUFFERS;
}

/* The duplicator has answered. The lock is held, and given up while the provider is busy. */
static void note_answer(mf_output *output) {
  const struct timespec while_busy = {0, BUSY_SIGNAL_NS};
  note_change(&output->lock);
  for (uint64_t seen = output->signalled; is_busy(output, seen);) {
    output->postponed = true;
    seen = output->next;
    sleep_until_change(&output->lock, &while_busy);
  }
  output->postponed = false;
  output->answered = true;
  if (output->next != output->signalled && !output->closed) signal_published(output, output->next, wall_ns());
}

/* The thread of an output: passes credit on, and attaches the flow again. */
static void *run_output(void *context) {
  mf_output *output = context;
  bool going = true;
  while (going) {
    link_message message;
    receive_messages(&output->link, NO_DEADLINE);
    lock_quickly(&output->lock);
    bool credit = false;
    while (next_message(&output->link, &message)) credit = credit || message.kind == LINK_CREDIT;
    if (credit) note_answer(output);
    if (output->removed.map.base != NULL && output->attached && !output->reserved) repeat_buffers(output);
    bool ended = output->link.ended;
    if (ended) output->attached = false;
    going = !(ended && output->closed);
    unlock_quickly(&output->lock);
    if (ended && going) going = recover_output(output);
  }
  lock_quickly(&output->lock);
  output->left = true;
  note_change(&output->lock);
  unlock_quickly(&output->lock);
  return NULL;
}

static mf_status request_output(mf_output *output, const mf_output_options *options, failure *why) {
  uint32_t buffers = options->buffers == 0 ? DEFAULT_BUFFERS : options->buffers;
  if (options->buffer_size == 0 || options->buffer_size > INT32_MAX)
    return fail(why, MF_BAD_OPTION, "buffer_size is %u; it must be 1 to 2147483647 bytes", options->buffer_size);
  if (buffers < 2 || buffers > SLOT_COUNT_MAX)
    return fail(why, MF_BAD_OPTION, "buffers is %u; it must be 2 to %u", buffers, SLOT_COUNT_MAX);
  mf_value *request = output->flow.request;
  bool made = mf_set(request, "bufferSize", mf_integer(options->buffer_size)) == MF_OK &&
              mf_set(request, "buffers", mf_integer(buffers)) == MF_OK;
  if (made && options->type != NULL) made = mf_set(request, "type", mf_text(options->type)) == MF_OK;
  if (made && options->properties != NULL) made = mf_set(request, "properties", mf_text(options->properties)) == MF_OK;
  return made ? MF_OK : fail_memory(why);
}

static mf_status begin_output(mf_output *output, mf_app *app, const char *name, const mf_output_options *options,
                              failure *why) {
  output->link.fd = -1;
  output->link.ended = true;
  output->stall_timeout_ms = options->stall_timeout_ms;
  output->has_error_lock = pthread_mutex_init(&output->error_lock, NULL) == 0;
  if (!output->has_error_lock) return fail_memory(why);
  make_quick_lock();
  mf_status status = begin_opening(&output->flow, app, name, false, why);
  if (status == MF_OK) status = request_output(output, options, why);
  if (status == MF_OK) status = attach_flow(&output->flow, output, attach_output, false, NO_DEADLINE, why);
  if (status != MF_OK) return status;
  output->has_thread = pthread_create(&output->thread, NULL, run_output, output) == 0;
  return output->has_thread ? MF_OK : fail(why, MF_SYSTEM_ERROR, "no thread can be started");
}

mf_status mf_open_output(mf_app *app, const char *flow, const mf_output_options *options, mf_output **output) {
  static const mf_output_options NONE = {0};
  failure why = {0};
  *output = calloc(1, sizeof **output);
  mf_status status = *output == NULL ? fail_memory(&why)
                                     : begin_output(*output, app, flow, options == NULL ? &NONE : options, &why);
  if (status == MF_OK) return MF_OK;
  mf_output_close(*output);
  *output = NULL;
  return app_failed(app, &why);
}

/* The next slot, cleared; NULL: there is none now. The lock is held. */
static inline uint8_t *free_slot(mf_output *output) {
  bool may_write = !output->closed && !output->reserved && output->attached;
  if (may_write && output->removed.map.base != NULL) may_write = repeat_buffers(output);
  return may_write ? begin_slot(output) : NULL;
}

/* The next slot, cleared. The lock is held; waiting gives it up. */
static mf_status await_slot(mf_output *output, int timeout_ms, uint8_t **data, failure *why) {
  int64_t deadline = NO_DEADLINE;
  bool has_deadline = timeout_ms < 0;
  for (;;) {
    if (output->closed) return fail(why, MF_CLOSED, "the output flow %s was closed", output->flow.flow);
    if (output->lost.status != MF_OK)
      return fail(why, MF_CLOSED, "the flow %s has ended: %.400s", output->flow.flow, output->lost.text);
    if ((*data = free_slot(output)) != NULL) return MF_OK;
    if (!has_deadline) deadline = deadline_after(timeout_ms);
    has_deadline = true;
    if (output->postponed) {
      /* Credit depends on what was signalled, and the thread shall read the answer. */
      if (output->next != output->signalled && output->attached) signal_published(output, output->next, wall_ns());
      note_change(&output->lock);
    }
    output->slot_waiters++;
    bool in_time = await_change(&output->lock, deadline);
    output->slot_waiters--;
    if (!in_time)
      return fail(why, MF_TIMED_OUT, "no buffer of %s was free for %d ms: a consumer needs the ring", output->flow.flow,
                  timeout_ms);
  }
}

static mf_status check_size(const mf_output *output, size_t size, failure *why) {
  if (size <= output->file.capacity) return MF_OK;
  return fail(why, MF_TOO_LARGE, "%zu bytes do not fit a buffer of %u", size, output->file.capacity);
}

mf_status mf_write(mf_output *output, const void *data, size_t size, int timeout_ms) {
  failure why;
  uint8_t *target = NULL;
  lock_quickly(&output->lock);
  mf_status status = check_size(output, size, &why);
  if (status == MF_OK && (target = free_slot(output)) == NULL) status = await_slot(output, timeout_ms, &target, &why);
  if (status == MF_OK) {
    if (size > 0) memcpy(target, data, size);
    publish(output, (uint32_t)size, 0, 0);
  }
  unlock_quickly(&output->lock);
  return status == MF_OK ? MF_OK : output_failed(output, &why);
}

mf_status mf_reserve(mf_output *output, int timeout_ms, mf_slot *slot) {
  failure why;
  uint8_t *target = NULL;
  lock_quickly(&output->lock);
  mf_status status = await_slot(output, timeout_ms, &target, &why);
  if (status == MF_OK) {
    output->reserved = true;
    output->reserved_attachment = output->attachment;
    output->reserved_data = target;
    *slot = (mf_slot){target, output->file.capacity};
  }
  unlock_quickly(&output->lock);
  return status == MF_OK ? MF_OK : output_failed(output, &why);
}

/* Gives the reserved slot back; the lock is held. */
static void release_slot(mf_output *output) {
  output->reserved = false;
  unmap(&output->replaced);
  note_change(&output->lock);
}

/* Copies a slot of the ring before into a slot of the new one; the lock is held. */
static mf_status move_slot(mf_output *output, size_t size, failure *why) {
  uint8_t *kept = malloc(size + 1), *target = NULL;
  if (kept == NULL) return fail_memory(why);
  memcpy(kept, output->reserved_data, size);
  release_slot(output);
  mf_status status = await_slot(output, MF_FOREVER, &target, why);
  if (status == MF_OK) memcpy(target, kept, size);
  free(kept);
  return status;
}

mf_status mf_commit(mf_output *output, const mf_slot *slot, size_t size, uint64_t timestamp_ns, uint32_t flags) {
  failure why;
  mf_status status = MF_OK;
  lock_quickly(&output->lock);
  if (!output->reserved || slot->data != output->reserved_data)
    status = fail(&why, MF_BAD_OPTION, "this slot of %s is not reserved", output->flow.flow);
  else if (flags > FLAGS_MAX)
    status = fail(&why, MF_BAD_OPTION, "flags is %u; it must be 0 to %u", flags, FLAGS_MAX);
  else
    status = check_size(output, size, &why);
  if (status == MF_OK && size > slot->capacity)
    status = fail(&why, MF_TOO_LARGE, "%zu bytes do not fit a slot of %u", size, slot->capacity);
  if (status == MF_OK) {
    if (!output->attached || output->attachment != output->reserved_attachment)
      status = move_slot(output, size, &why);
    else
      release_slot(output);
    if (status == MF_OK) publish(output, (uint32_t)size, timestamp_ns, flags);
  }
  unlock_quickly(&output->lock);
  return status == MF_OK ? MF_OK : output_failed(output, &why);
}

void mf_cancel(mf_output *output, const mf_slot *slot) {
  lock_quickly(&output->lock);
  if (output->reserved && slot->data == output->reserved_data) release_slot(output);
  unlock_quickly(&output->lock);
}

uint32_t mf_output_capacity(mf_output *output) {
  lock_quickly(&output->lock);
  uint32_t capacity = output->file.capacity;
  unlock_quickly(&output->lock);
  return capacity;
}

uint64_t mf_output_next(mf_output *output) {
  lock_quickly(&output->lock);
  uint64_t next = output->next;
  unlock_quickly(&output->lock);
  return next;
}

uint64_t mf_output_consumers(mf_output *output) {
  lock_quickly(&output->lock);
  uint64_t consumers = load(output->file.map.base + CONSUMERS_AT);
  unlock_quickly(&output->lock);
  return consumers;
}

const char *mf_output_error(mf_output *output) { return shown_text(&output->error_lock, &output->last); }

void mf_output_close(mf_output *output) {
  if (output == NULL) return;
  if (output->has_thread) {
    stop_opening(&output->flow);
    int64_t deadline = deadline_after(LEAVE_MS);
    lock_quickly(&output->lock);
    output->closed = true;
    if (output->attached) send_message(&output->link, LINK_PUBLISHED, output->next, PUBLISHED_LAST);
    note_change(&output->lock);
    /* The duplicator closes its end when it has read the last count. */
    while (!output->left && await_change(&output->lock, deadline)) continue;
    if (!output->left && output->link.fd >= 0) shutdown(output->link.fd, SHUT_RDWR);
    unlock_quickly(&output->lock);
    pthread_join(output->thread, NULL);
  }
  close_link(&output->link);
  end_opening(&output->flow);
  unmap(&output->file.map);
  unmap(&output->replaced);
  unmap(&output->removed.map);
  if (output->has_error_lock) pthread_mutex_destroy(&output->error_lock);
  free(output);
}

/* ---- Spectra over SpecTcl's display memory --------------------------------------------------- */

#define SPECTRA_MAX 10000u
#define FIELD_BYTES 128u
#define TITLES_AT (SPECTRA_MAX * 8)
#define INFO_AT (TITLES_AT + SPECTRA_MAX * FIELD_BYTES)
#define OFFSETS_AT (INFO_AT + SPECTRA_MAX * FIELD_BYTES)
#define TYPES_AT (OFFSETS_AT + SPECTRA_MAX * 4)
#define MAPS_AT (TYPES_AT + SPECTRA_MAX * 4)
#define MAP_BYTES (16 + 2 * FIELD_BYTES)
#define STATISTICS_AT (MAPS_AT + SPECTRA_MAX * MAP_BYTES)
#define CHANNELS_AT (STATISTICS_AT + SPECTRA_MAX * 16)
#define FOUND_ENTRIES 1024u

struct mf_spectra {
  const uint8_t *memory;
  size_t size;
  /* Slots plus 1 where names were found, by the hash of the name; checked at each use. */
  uint16_t found[FOUND_ENTRIES];
};

static const struct {
  const char *name;
  uint32_t dimensions, bytes;
} SPECTRUM_TYPES[] = {
    {"", 0, 0}, {"2D byte", 2, 1}, {"1D word", 1, 2}, {"2D word", 2, 2}, {"1D long", 1, 4}, {"2D long", 2, 4}};

/* Other processes change the memory: each word is read once. */
static uint32_t memory_word(const mf_spectra *spectra, size_t at) {
  uint32_t word;
  memcpy(&word, spectra->memory + at, sizeof word);
  return word;
}

/* A text of the memory as UTF-8: as it is where it is valid, otherwise from Latin-1. */
static void field_text(const mf_spectra *spectra, size_t at, char text[MF_TEXT_BYTES]) {
  uint8_t field[FIELD_BYTES];
  memcpy(field, spectra->memory + at, sizeof field);
  size_t size = strnlen((const char *)field, sizeof field), valid = 0;
  for (size_t length = 1; valid < size && length > 0; valid += length) {
    uint32_t code;
    length = utf8_character(field + valid, size - valid, &code);
  }
  if (valid == size) {
    memcpy(text, field, size);
    text[size] = 0;
    return;
  }
  size_t length = 0;
  for (size_t i = 0; i < size; i++) length += put_utf8(text + length, field[i]);
  text[length] = 0;
}

static bool has_name(const mf_spectra *spectra, uint32_t slot, const char *name, size_t size) {
  size_t at = TITLES_AT + slot * FIELD_BYTES;
  const uint8_t *field = spectra->memory + at;
  if (size <= FIELD_BYTES && memcmp(field, name, size) == 0 && (size == FIELD_BYTES || field[size] == 0)) return true;
  /* A name with a character beyond ASCII may be stored as Latin-1. */
  size_t plain = 0;
  while (plain < size && (name[plain] & 0x80) == 0) plain++;
  if (plain == size || memcmp(field, name, plain < FIELD_BYTES ? plain : FIELD_BYTES) != 0) return false;
  char text[MF_TEXT_BYTES];
  field_text(spectra, at, text);
  return strcmp(text, name) == 0;
}

static bool is_defined(const mf_spectra *spectra, uint32_t slot) {
  uint32_t type = memory_word(spectra, TYPES_AT + slot * 4);
  return type >= 1 && type <= 5;
}

/* Copies the definition of a slot. False when it does not fit the memory. */
static bool describe(const mf_spectra *spectra, uint32_t slot, mf_spectrum *spectrum) {
  uint32_t type = memory_word(spectra, TYPES_AT + slot * 4);
  if (type < 1 || type > 5) return false;
  uint32_t dimensions = SPECTRUM_TYPES[type].dimensions, bytes = SPECTRUM_TYPES[type].bytes;
  uint32_t xchans = memory_word(spectra, slot * 8), ychans = memory_word(spectra, slot * 8 + 4);
  if (dimensions == 1) ychans = 1;
  uint64_t begin = CHANNELS_AT + (uint64_t)memory_word(spectra, OFFSETS_AT + slot * 4) * bytes;
  uint64_t channels = (uint64_t)xchans * ychans;
  if (begin > spectra->size || channels > (spectra->size - begin) / bytes) return false;
  strcpy(spectrum->type, SPECTRUM_TYPES[type].name);
  spectrum->slot = slot;
  spectrum->dimensions = dimensions;
  spectrum->channel_bytes = bytes;
  field_text(spectra, TITLES_AT + slot * FIELD_BYTES, spectrum->name);
  field_text(spectra, INFO_AT + slot * FIELD_BYTES, spectrum->title);
  if (spectrum->title[0] == 0) strcpy(spectrum->title, spectrum->name);
  float range[4];
  uint32_t statistics[4];
  size_t map = MAPS_AT + slot * MAP_BYTES;
  memcpy(range, spectra->memory + map, sizeof range);
  memcpy(statistics, spectra->memory + STATISTICS_AT + slot * 16, sizeof statistics);
  spectrum->x.low = range[0];
  spectrum->x.high = range[1];
  spectrum->x.bins = xchans;
  spectrum->y.low = range[2];
  spectrum->y.high = range[3];
  spectrum->y.bins = ychans;
  field_text(spectra, map + 16, spectrum->x.label);
  field_text(spectra, map + 16 + FIELD_BYTES, spectrum->y.label);
  for (int axis = 0; axis < 2; axis++) {
    spectrum->overflow[axis] = statistics[axis];
    spectrum->underflow[axis] = statistics[2 + axis];
  }
  spectrum->counts = spectra->memory + begin;
  return true;
}

static mf_status set_spectra(mf_spectra *spectra, const uint8_t *memory, size_t size, failure *why) {
  if (size < CHANNELS_AT)
    return fail(why, MF_SOURCE_PROTOCOL, "a display memory has %u bytes at least; this one has %zu", CHANNELS_AT, size);
  spectra->memory = memory;
  spectra->size = size;
  return MF_OK;
}

mf_status mf_find(const mf_spectra *spectra, const char *name, mf_spectrum *spectrum) {
  uint32_t hash = 2166136261u;
  size_t size = strlen(name);
  for (size_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
  /* Only the owner of the spectra, one thread at a time, comes here. */
  uint16_t *known = &((mf_spectra *)spectra)->found[hash % FOUND_ENTRIES];
  uint32_t slot = *known == 0 ? SPECTRA_MAX : *known - 1u;
  if (slot == SPECTRA_MAX || !is_defined(spectra, slot) || !has_name(spectra, slot, name, size))
    for (slot = 0; slot < SPECTRA_MAX; slot++)
      if (is_defined(spectra, slot) && has_name(spectra, slot, name, size)) break;
  if (slot == SPECTRA_MAX) return MF_UNKNOWN_SPECTRUM;
  *known = (uint16_t)(slot + 1);
  return describe(spectra, slot, spectrum) ? MF_OK : MF_SOURCE_PROTOCOL;
}

int mf_each(const mf_spectra *spectra, uint32_t *position, mf_spectrum *spectrum) {
  while (*position < SPECTRA_MAX)
    if (describe(spectra, (*position)++, spectrum)) return 1;
  return 0;
}

const void *mf_memory(const mf_spectra *spectra, size_t *size) {
  if (size != NULL) *size = spectra->size;
  return spectra->memory;
}

static size_t channel_count(const mf_spectrum *spectrum) { return (size_t)spectrum->x.bins * spectrum->y.bins; }

uint64_t mf_sum(const mf_spectrum *spectrum) {
  uint64_t sum = 0;
  const uint8_t *bytes = spectrum->counts;
  size_t count = channel_count(spectrum);
  if (spectrum->channel_bytes == 1)
    for (size_t i = 0; i < count; i++) sum += bytes[i];
  else if (spectrum->channel_bytes == 2)
    for (size_t i = 0; i < count; i++) {
      uint16_t word;
      memcpy(&word, bytes + 2 * i, sizeof word);
      sum += word;
    }
  else
    for (size_t i = 0; i < count; i++) {
      uint32_t word;
      memcpy(&word, bytes + 4 * i, sizeof word);
      sum += word;
    }
  return sum;
}

size_t mf_counts(const mf_spectrum *spectrum, size_t first, uint32_t *counts, size_t count) {
  const uint8_t *bytes = spectrum->counts;
  size_t total = channel_count(spectrum);
  if (first >= total) return 0;
  if (count > total - first) count = total - first;
  if (spectrum->channel_bytes == 4) {
    if (count > 0) memcpy(counts, bytes + 4 * first, 4 * count);
    return count;
  }
  for (size_t i = 0; i < count; i++) {
    uint16_t word = 0;
    if (spectrum->channel_bytes == 2) memcpy(&word, bytes + 2 * (first + i), sizeof word);
    else word = bytes[first + i];
    counts[i] = word;
  }
  return count;
}

/* ---- Mirror ---------------------------------------------------------------------------------- */

#define READS_IN_PLACE 2
#define COPY_ATTEMPTS 100

struct mf_mirror {
  opening flow;
  failure last;
  flow_file header; /* the first page of the flow file */
  flow_file whole;  /* all of it, once a publication was read */
  mapping image;
  signal_link link;
  bool attached;
  char path[PATH_BYTES];
  mf_spectra spectra, publication;
  uint8_t *copy;
  size_t copy_size;
  mf_input *news; /* for mf_next_update */
};

static mf_status mirror_failed(mf_mirror *mirror, const failure *why) {
  mirror->last = *why;
  return why->status;
}

static mf_status attach_mirror(void *self, const opened *found, failure *why) {
  mf_mirror *mirror = self;
  flow_file header;
  mapping image = {0};
  uint64_t whole;
  admission joined;
  if (found->image[0] == 0)
    return fail(why, MF_NOT_A_MIRROR, "the flow %s has no image to map", mirror->flow.flow);
  mf_status status = open_file(&header, found->file, false, true, why);
  if (status != MF_OK) return status;
  status = map_file(found->image, false, 0, &image, &whole, why);
  if (status == MF_OK) status = set_spectra(&mirror->spectra, image.base, image.size, why);
  start_point start = {START_OLDEST, 0, 0};
  if (status == MF_OK) status = join_link(&mirror->link, found, ROLE_OBSERVER, true, start, false, &joined, why);
  if (status == MF_OK) {
    status = check_served(&header, found->file, &joined, why);
    if (status != MF_OK) close_link(&mirror->link);
  }
  if (status != MF_OK) {
    unmap(&header.map);
    unmap(&image);
    mirror->spectra.memory = mirror->image.base;
    mirror->spectra.size = mirror->image.size;
    return status;
  }
  unmap(&mirror->header.map);
  unmap(&mirror->whole.map);
  unmap(&mirror->image);
  mirror->header = header;
  mirror->image = image;
  strcpy(mirror->path, found->file);
  mirror->attached = true;
  return MF_OK;
}

static mf_status begin_mirror(mf_mirror *mirror, mf_app *app, const char *name, failure *why) {
  mirror->link.fd = -1;
  mirror->link.ended = true;
  mf_status status = begin_opening(&mirror->flow, app, name, true, why);
  if (status != MF_OK) return status;
  return attach_flow(&mirror->flow, mirror, attach_mirror, false, NO_DEADLINE, why);
}

mf_status mf_open_mirror(mf_app *app, const char *flow, mf_mirror **mirror) {
  failure why = {0};
  *mirror = calloc(1, sizeof **mirror);
  mf_status status = *mirror == NULL ? fail_memory(&why)
                                     : begin_mirror(*mirror, app, flow == NULL ? "spectra" : flow, &why);
  if (status == MF_OK) return MF_OK;
  mf_mirror_close(*mirror);
  *mirror = NULL;
  return app_failed(app, &why);
}

/* Attaches the mirror again when its link has ended. */
static mf_status check_mirror(mf_mirror *mirror, int64_t deadline, failure *why) {
  link_message message;
  if (mirror->attached) {
    receive_messages(&mirror->link, 0);
    while (next_message(&mirror->link, &message)) continue;
    if (!mirror->link.ended) return MF_OK;
    mirror->attached = false;
    close_link(&mirror->link);
    detach_flow(&mirror->flow);
  }
  return attach_flow(&mirror->flow, mirror, attach_mirror, true, deadline, why);
}

mf_status mf_spectra_of(mf_mirror *mirror, int timeout_ms, const mf_spectra **spectra) {
  failure why;
  mf_status status = check_mirror(mirror, deadline_after(timeout_ms), &why);
  if (status != MF_OK) return mirror_failed(mirror, &why);
  *spectra = &mirror->spectra;
  return MF_OK;
}

static bool is_whole(const mf_mirror *mirror, const uint8_t *slot, uint64_t sequence, uint64_t epoch) {
  atomic_thread_fence(memory_order_acquire);
  return load(slot) == sequence + 1 && load(mirror->whole.map.base + EPOCH_AT) == epoch;
}

/* Runs `use` once. False when the publication was overwritten meanwhile: `*status` does not count. */
static bool read_publication(mf_mirror *mirror, bool in_place, mf_use use, void *context, mf_status *status,
                             failure *why) {
  const uint8_t *base = mirror->whole.map.base;
  uint64_t epoch = load(base + EPOCH_AT), published = load(base + PUBLISHED_AT);
  why->status = MF_OK;
  if (published == 0) {
    *status = fail(why, MF_TIMED_OUT, "the mirror %s has no publication yet", mirror->flow.flow);
    return true;
  }
  uint64_t sequence = published - 1;
  const uint8_t *slot = slot_of(&mirror->whole, sequence);
  if (load(slot) != sequence + 1) return false;
  uint64_t timestamp = load(slot + TIMESTAMP_AT);
  size_t size = (uint32_t)load(slot + SIZE_AT);
  if (size > mirror->whole.capacity) size = mirror->whole.capacity;
  const uint8_t *memory = slot + SLOT_HEADER_BYTES;
  if (!in_place) {
    if (size > mirror->copy_size) {
      uint8_t *grown = realloc(mirror->copy, size);
      if (grown == NULL) {
        *status = fail_memory(why);
        return true;
      }
      mirror->copy = grown;
      mirror->copy_size = size;
    }
    memcpy(mirror->copy, memory, size);
    if (!is_whole(mirror, slot, sequence, epoch)) return false;
    memory = mirror->copy;
  }
  *status = set_spectra(&mirror->publication, memory, size, why);
  if (*status == MF_OK) *status = use(&mirror->publication, sequence, timestamp, context);
  return !in_place || is_whole(mirror, slot, sequence, epoch);
}

mf_status mf_read(mf_mirror *mirror, mf_use use, void *context) {
  failure why = {0};
  mf_status status = check_mirror(mirror, deadline_after(CALL_TIMEOUT_MS), &why);
  if (status == MF_OK && mirror->whole.map.base == NULL)
    status = open_file(&mirror->whole, mirror->path, false, false, &why);
  if (status != MF_OK) return mirror_failed(mirror, &why);
  for (int attempt = 0; attempt < READS_IN_PLACE + COPY_ATTEMPTS; attempt++) {
    bool in_place = attempt < READS_IN_PLACE;
    if (!read_publication(mirror, in_place, use, context, &status, &why)) continue;
    if (why.status != MF_OK) return mirror_failed(mirror, &why);
    if (status != MF_OK) fail(&mirror->last, status, "the function that read a publication returned %d", (int)status);
    return status;
  }
  fail(&why, MF_TIMED_OUT, "no publication of %s could be read whole: the writer is faster than a copy",
       mirror->flow.flow);
  return mirror_failed(mirror, &why);
}

mf_status mf_next_update(mf_mirror *mirror, int timeout_ms, uint64_t *sequence) {
  failure why = {0};
  mf_status status = MF_OK;
  mf_buffer buffer;
  if (mirror->news == NULL) {
    mf_input_options options = {MF_LOSSY, MF_NEXT, 0, NULL};
    status = mf_open_input(mirror->flow.app, mirror->flow.flow, &options, &mirror->news);
    if (status != MF_OK) {
      fail(&why, status, "%s", mf_app_error(mirror->flow.app));
      return mirror_failed(mirror, &why);
    }
    mirror->news->metadata_only = true;
  }
  status = mf_take(mirror->news, timeout_ms, &buffer);
  if (status != MF_OK) return mirror_failed(mirror, &mirror->news->last);
  do *sequence = buffer.sequence;
  while (mf_take(mirror->news, 0, &buffer) == MF_OK);
  return MF_OK;
}

const char *mf_mirror_state(const mf_mirror *mirror) {
  return mirror->attached ? source_state(&mirror->header) : "stale";
}

const char *mf_mirror_error(const mf_mirror *mirror) { return mirror->last.text; }

void mf_mirror_close(mf_mirror *mirror) {
  if (mirror == NULL) return;
  mf_input_close(mirror->news);
  close_link(&mirror->link);
  end_opening(&mirror->flow);
  unmap(&mirror->header.map);
  unmap(&mirror->whole.map);
  unmap(&mirror->image);
  free(mirror->copy);
  free(mirror);
}
