/*
 * Tests of the C library without a running system: `make test` runs them with sanitizers. They
 * include the library's source, to call its parts. Files only below a directory of mkdtemp.
 */
#include "../mirrorflow.c"
#include "check.h"

#include <sched.h>

static failure why;

static void test_names(void) {
  char path[PATH_BYTES], directory[200], digits[65] = "";
  uint8_t digest[32];
  CHECK(is_name("e23001", false) && is_name("0.a_b-c", false), "names");
  CHECK(!is_name("", false) && !is_name("../x", false) && !is_name(NULL, false) && !is_name("0a", true), "no names");
  CHECK(check_name("a flow", "a/b", &why) == MF_BAD_NAME, "%d", why.status);
  sha256((const uint8_t *)"abc", 3, digest);
  for (int i = 0; i < 32; i++) snprintf(digits + 2 * i, 3, "%02x", digest[i]);
  CHECK(strcmp(digits, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0, "%s", digits);
  sha256((const uint8_t *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
  CHECK(digest[0] == 0x24 && digest[31] == 0xc1, "two blocks: %02x %02x", digest[0], digest[31]);
  memset(directory, 'd', 90);
  directory[0] = '/';
  directory[90] = 0;
  app_socket_path(directory, "abcdefgh", "read", path);
  CHECK(strstr(path, "/apps/9c56cc51b374c3ba.read.sock") != NULL, "a long path has a hash: %s", path);
}

static void test_error_texts(void) {
  char long_text[2 * ERROR_TEXT_BYTES] = "";
  for (size_t at = 0; at + 2 < sizeof long_text; at += 2) memcpy(long_text + at, "\xC3\xA9", 3);
  fail(&why, MF_REFUSED, "x%s", long_text);
  uint32_t code;
  for (size_t at = 0, size = strlen(why.text); at < size;) {
    size_t length = utf8_character((const uint8_t *)why.text + at, size - at, &code);
    CHECK(length > 0, "byte %zu of %zu", at, size);
    at += length;
  }
  CHECK(strcmp(mf_status_name(MF_FLOW_BUSY), "FLOW_BUSY") == 0, "name");
  CHECK(strcmp(mf_status_name((mf_status)12345), "APPLICATION_ERROR") == 0, "unknown number");
}

static mf_value *every_kind(void) {
  mf_value *record = mf_struct(), *list = mf_array();
  mf_append(list, mf_double(-0.125));
  mf_append(list, mf_boolean(1));
  mf_append(list, mf_text(""));
  mf_set(record, "small", mf_integer(-7));
  mf_set(record, "large", mf_integer(7000000000));
  mf_set(record, "text <&>\r\n", mf_text("\xC3\xA9t\xC3\xA9 \r\n\t<&> ]]>"));
  mf_set(record, "bytes", mf_bytes("\0\1\2\xFF", 4));
  mf_set(record, "list", list);
  mf_set(record, "empty", mf_struct());
  CHECK(mf_count(record) == 6, "%zu", mf_count(record));
  return record;
}

static void test_values(void) {
  mf_value *record = every_kind(), *found = NULL;
  document out;
  CHECK(write_result(&out, record, &why) == MF_OK, "%s", why.text);
  CHECK(read_response(out.bytes, out.size, &found, &why) == MF_OK, "%s", why.text);
  CHECK(mf_integer_of(mf_get(found, "small"), 0) == -7, "small");
  CHECK(mf_integer_of(mf_get(found, "large"), 0) == 7000000000, "a double without fraction is an integer");
  CHECK(strcmp(mf_text_of(mf_get(found, "text <&>\r\n"), ""), "\xC3\xA9t\xC3\xA9 \r\n\t<&> ]]>") == 0, "text");
  size_t size;
  const void *bytes = mf_bytes_of(mf_get(found, "bytes"), &size);
  CHECK(size == 4 && memcmp(bytes, "\0\1\2\xFF", 4) == 0, "bytes");
  const mf_value *list = mf_get(found, "list");
  CHECK(mf_count(list) == 3 && mf_double_of(mf_item(list, 0), 0) == -0.125 && mf_boolean_of(mf_item(list, 1), 0) == 1, "list");
  CHECK(mf_count(mf_get(found, "empty")) == 0 && mf_get(found, "none") == NULL && mf_item(list, 3) == NULL, "absent");
  CHECK(mf_set(found, "small", mf_integer(8)) == MF_OK && mf_integer_of(mf_get(found, "small"), 0) == 8, "replaced");
  CHECK(mf_append(found, mf_integer(1)) == MF_BAD_OPTION && mf_set(NULL, "x", mf_integer(1)) != MF_OK, "other kinds");
  free(out.bytes);
  mf_value_free(found);
  mf_value_free(record);
}

static mf_status written(mf_value *value) {
  document out;
  mf_value *parameters = mf_array();
  mf_append(parameters, value);
  mf_status status = write_call(&out, "m", parameters, &why);
  if (status == MF_OK) free(out.bytes);
  mf_value_free(parameters);
  return status;
}

static mf_value *nested(int levels) {
  mf_value *value = mf_array();
  for (int level = 1; level < levels; level++) {
    mf_value *outer = mf_array();
    mf_append(outer, value);
    value = outer;
  }
  return value;
}

static void test_refused_values(void) {
  CHECK(written(mf_text("\xFF")) == MF_INVALID_PARAMETERS, "not UTF-8");
  CHECK(written(mf_text("\xED\xA0\x80")) == MF_INVALID_PARAMETERS, "a surrogate");
  CHECK(written(mf_text("\x01")) == MF_INVALID_PARAMETERS, "no character of XML");
  CHECK(written(mf_double(HUGE_VAL)) == MF_INVALID_PARAMETERS, "infinite");
  CHECK(written(mf_integer(EXACT_INTEGER_MAX + 1)) == MF_INVALID_PARAMETERS, "beyond 2^53");
  CHECK(written(nested(DEPTH_LEVELS)) == MF_OK, "%s", why.text);
  CHECK(written(nested(DEPTH_LEVELS + 1)) == MF_INVALID_PARAMETERS, "too deep");
  char *large = calloc(1, DOCUMENT_BYTES);
  CHECK(written(mf_bytes(large, DOCUMENT_BYTES)) == MF_TOO_LARGE, "too large");
  free(large);
}

static mf_status parsed(const char *content, mf_value **value) {
  char text[2000];
  snprintf(text, sizeof text, "<?xml version='1.0'?><!-- x --><methodResponse>%s</methodResponse>", content);
  /* A copy of its exact size: a sanitizer sees each byte that is read beyond it. */
  size_t size = strlen(text);
  char *exact = malloc(size);
  memcpy(exact, text, size);
  mf_status status = read_response(exact, size, value, &why);
  free(exact);
  return status;
}

static mf_status parsed_value(const char *element, mf_value **value) {
  char text[1500];
  snprintf(text, sizeof text, "<params><param>%s</param></params>", element);
  return parsed(text, value);
}

static void test_documents(void) {
  static const struct {
    const char *element, *text;
  } TEXTS[] = {
      {"<value>plain</value>", "plain"},
      {"<value/>", ""},
      {"<value><string/></value>", ""},
      {"<value> <string>a<![CDATA[<b>&amp;]]>c</string> </value>", "a<b>&amp;c"},
      {"<value><string>&lt;&#65;&#x20AC;&#xD;\r\n&quot;&apos;&gt;<!-- - --></string></value>", "<A\xE2\x82\xAC\r\n\"'>"},
  };
  for (size_t at = 0; at < sizeof TEXTS / sizeof *TEXTS; at++) {
    mf_value *value = NULL;
    CHECK(parsed_value(TEXTS[at].element, &value) == MF_OK, "%s: %s", TEXTS[at].element, why.text);
    CHECK(strcmp(mf_text_of(value, "none"), TEXTS[at].text) == 0, "%s", mf_text_of(value, "none"));
    mf_value_free(value);
  }
  static const char *const BAD[] = {
      "<value><int>1.5</int></value>", "<value><int/></value>", "<value><i8>9007199254740993</i8></value>",
      "<value><double>nan</double></value>", "<value><double>1e999</double></value>", "<value><boolean>2</boolean></value>",
      "<value><base64>AA=A</base64></value>", "<value><base64>AAA</base64></value>", "<value><nil/></value>",
      "<value>a<int>1</int></value>", "<value>&unknown;</value>", "<value>&#0;</value>", "<value>&#xD800;</value>",
      "<value>\xC3</value>", "<value a='b'>1</value>", "<value><array></array></value>",
      "<value><struct><member><name>a</name></member></struct></value>", "<value><int>1</int>", "", "<value>"};
  for (size_t at = 0; at < sizeof BAD / sizeof *BAD; at++) {
    mf_value *value = NULL;
    CHECK(parsed_value(BAD[at], &value) == MF_PARSE_ERROR && value == NULL, "%s", BAD[at]);
  }
  char deep[1500] = "";
  for (int level = 0; level <= DEPTH_LEVELS; level++) strcat(deep, "<value><array><data>");
  mf_value *value = NULL;
  CHECK(parsed_value(deep, &value) == MF_PARSE_ERROR && strstr(why.text, "deep") != NULL, "%s", why.text);
}

static void test_faults(void) {
  static const char FAULT[] = "<fault><value><struct><member><name>faultCode</name><value><int>%d</int></value></member>"
                              "<member><name>faultString</name><value>text</value></member>"
                              "<member><name>facts</name><value><struct><member><name>path</name><value>/x</value>"
                              "</member></struct></value></member></struct></value></fault>";
  char text[1000];
  mf_value *value = NULL;
  snprintf(text, sizeof text, FAULT, 14);
  CHECK(parsed(text, &value) == MF_FLOW_BUSY && strcmp(why.text, "text") == 0 && why.has_path, "%s", why.text);
  for (int number = 0; number < 2000; number += 1999) {
    snprintf(text, sizeof text, FAULT, number);
    CHECK(parsed(text, &value) == MF_APPLICATION_ERROR, "an unknown number, and 0, is an error");
  }
  CHECK(parsed("<fault><value>x</value></fault>", &value) == MF_PARSE_ERROR, "no code");
}

/* Numbers that repeat with each run. */
static uint32_t random_state = 1;
static uint32_t random_number(uint32_t below) {
  random_state = random_state * 1664525u + 1013904223u;
  return (random_state >> 8) % below;
}

static void test_damaged_documents(void) {
  mf_value *record = every_kind(), *found = NULL;
  document out;
  CHECK(write_result(&out, record, &why) == MF_OK, "%s", why.text);
  for (size_t size = 0; size < out.size; size++) {
    char *cut = malloc(size + 1);
    memcpy(cut, out.bytes, size);
    CHECK(read_response(cut, size, &found, &why) != MF_OK || size + strlen("</methodResponse>") >= out.size, "%zu", size);
    mf_value_free(found);
    free(cut);
  }
  for (int round = 0; round < 20000; round++) {
    char *changed = malloc(out.size), *method = NULL;
    memcpy(changed, out.bytes, out.size);
    for (uint32_t changes = 1 + random_number(4); changes > 0; changes--) {
      size_t at = random_number((uint32_t)out.size);
      changed[at] = random_number(2) ? (char)random_number(256) : changed[random_number((uint32_t)out.size)];
    }
    if (read_response(changed, out.size, &found, &why) == MF_OK) mf_value_free(found);
    if (read_call(changed, out.size, &method, &found, &why) == MF_OK) {
      free(method);
      mf_value_free(found);
    }
    free(changed);
  }
  free(out.bytes);
  mf_value_free(record);
}

static void test_frames(void) {
  static const uint32_t BAD[][3] = {{0, 2, 1}, {DOCUMENT_BYTES + 1, 2, 1}, {0xFFFFFFFF, 1, 1}, {4, 3, 1}, {4, 2, 1}};
  for (size_t at = 0; at < sizeof BAD / sizeof *BAD; at++) {
    int ends[2];
    frame found;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    CHECK(send_all(ends[0], BAD[at], sizeof BAD[at]), "sent");
    shutdown(ends[0], SHUT_WR);
    CHECK(!receive_frame(ends[1], &found, NO_DEADLINE), "frame %zu is refused", at);
    close(ends[0]);
    close(ends[1]);
  }
}

/* A flow file of 4 slots of 128 bytes in memory, as a duplicator writes it. */
static uint8_t *flow_memory(size_t *size) {
  *size = HEADER_BYTES + 4 * 192;
  uint8_t *memory = aligned_alloc(64, *size);
  uint32_t words[] = {2, HEADER_BYTES, 4, 192, 128, 0};
  memset(memory, 0, *size);
  memcpy(memory, "MIRRFLOW", 8);
  memcpy(memory + 8, words, sizeof words);
  memcpy(memory + IDENTITY_AT, "\2\0\0\0{}", 6);
  return memory;
}

static mf_status opened_file(const uint8_t *memory, size_t size, const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, memory, size) == (ssize_t)size, "written");
  close(fd);
  flow_file file;
  mf_status status = open_file(&file, path, false, false, &why);
  if (status == MF_OK) unmap(&file.map);
  unlink(path);
  return status;
}

static void test_flow_files(void) {
  static const struct {
    size_t at;
    uint32_t word;
    mf_status status;
  } CASES[] = {
      {0, 0x12345678, MF_FILE_CORRUPT}, {8, 0, MF_FILE_CORRUPT},   {8, 1, MF_VERSION_MISMATCH},
      {12, 64, MF_FILE_CORRUPT},        {16, 1, MF_FILE_CORRUPT},  {16, 5, MF_FILE_CORRUPT},
      {16, UINT32_MAX, MF_FILE_CORRUPT}, {20, 128, MF_FILE_CORRUPT}, {20, 256, MF_FILE_CORRUPT},
      {24, 129, MF_FILE_CORRUPT},       {24, UINT32_MAX, MF_FILE_CORRUPT}, {IDENTITY_AT, 3069, MF_FILE_CORRUPT},
  };
  char directory[] = "/tmp/mirrorflow-c-XXXXXX", path[64];
  CHECK(mkdtemp(directory) != NULL, "directory");
  snprintf(path, sizeof path, "%s/a.flow", directory);
  size_t size;
  uint8_t *memory = flow_memory(&size);
  CHECK(opened_file(memory, size, path) == MF_OK, "%s", why.text);
  CHECK(opened_file(memory, size - 1, path) == MF_FILE_CORRUPT, "a file that is cut");
  CHECK(opened_file(memory, 100, path) == MF_FILE_CORRUPT, "half a header");
  CHECK(opened_file(memory, 0, path) == MF_FILE_CORRUPT, "an empty file");
  for (size_t at = 0; at < sizeof CASES / sizeof *CASES; at++) {
    uint8_t before[4];
    memcpy(before, memory + CASES[at].at, 4);
    memcpy(memory + CASES[at].at, &CASES[at].word, 4);
    mf_status status = opened_file(memory, size, path);
    CHECK(status == CASES[at].status, "word %u at %zu: %d", CASES[at].word, CASES[at].at, status);
    memcpy(memory + CASES[at].at, before, 4);
  }
  flow_file file;
  CHECK(open_file(&file, path, false, false, &why) == MF_UNKNOWN_FLOW && why.has_path, "no file");
  admission joined = {0};
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  CHECK(fd >= 0 && write(fd, memory, size) == (ssize_t)size, "written");
  CHECK(open_file(&file, path, false, false, &why) == MF_OK, "opened");
  CHECK(check_served(&file, path, &joined, &why) == MF_OK, "the file of its duplicator");
  joined.epoch = 1;
  CHECK(check_served(&file, path, &joined, &why) == MF_CLOSED, "a file of another epoch");
  joined.epoch = 0;
  unlink(path);
  CHECK(check_served(&file, path, &joined, &why) == MF_CLOSED, "a file that was removed");
  int other = open(path, O_WRONLY | O_CREAT, 0600);
  CHECK(other >= 0 && write(other, memory, size) == (ssize_t)size, "written");
  CHECK(check_served(&file, path, &joined, &why) == MF_CLOSED, "a file that was replaced");
  close(fd);
  close(other);
  unlink(path);
  unmap(&file.map);
  free(memory);
  CHECK(rmdir(directory) == 0, "nothing is left");
}

static uint64_t memory_u64(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

static void test_claims(void) {
  size_t size;
  uint8_t *memory = flow_memory(&size);
  mf_output output = {.file = {.map = {memory, size}, .slot_count = 4, .stride = 192, .capacity = 128},
                      .claim_together = 2, .generation = 0x10003, .quarter = 1, .link = {.fd = -1}};
  CHECK(begin_slot(&output) == NULL && memory_u64(memory + CLAIMED_AT) == 0, "no credit, no claim");
  store(memory + GRANTED_AT, 3);
  uint8_t *slot = memory + HEADER_BYTES;
  store(slot, 77);
  CHECK(begin_slot(&output) == slot + 64 && memory_u64(slot) == 0, "the slot is cleared");
  CHECK(memory_u64(memory + CLAIMED_AT) == 2 && output.claimed == 2, "two slots are claimed together");
  CHECK(memory_u64(memory + PUBLISHED_AT) == 0, "nothing is published yet");
  publish(&output, 5, 123, 9);
  CHECK(memory_u64(slot) == 1 && memory_u64(slot + 8) == 123, "sequence and time");
  CHECK(memory_u64(slot + 16) == ((uint64_t)(3u << 16 | 9) << 32 | 5), "size, flags and 16 bits of the generation");
  CHECK(memory_u64(memory + PUBLISHED_AT) == 1 && memory_u64(memory + PUBLISHED_BYTES_AT) == 5, "published");
  CHECK(begin_slot(&output) != NULL && memory_u64(memory + CLAIMED_AT) == 2, "within the claim");
  publish(&output, 0, 1, 0);
  CHECK(begin_slot(&output) != NULL && memory_u64(memory + CLAIMED_AT) == 3, "only as far as the credit");
  publish(&output, 0, 1, 0);
  CHECK(begin_slot(&output) == NULL && memory_u64(memory + CLAIMED_AT) == 3, "no credit is left");
  free(memory);
}

/* A mapped flow file in which `published` buffers may be written, up to `granted`. */
static flow_file mapped_flow(uint64_t published, uint64_t granted) {
  size_t size;
  uint8_t *memory = flow_memory(&size);
  flow_file file = {.map = {mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size},
                    .slot_count = 4, .stride = 192, .capacity = 128};
  CHECK(file.map.base != MAP_FAILED, "mapped");
  memcpy(file.map.base, memory, size);
  free(memory);
  store(file.map.base + EPOCH_AT, 7);
  store(file.map.base + PUBLISHED_AT, published);
  store(file.map.base + GRANTED_AT, granted);
  return file;
}

/* Attaches an output to `file`, as claim_provider does. */
static void attach_file(mf_output *output, flow_file file) {
  leave_file(output, load(file.map.base + EPOCH_AT), load(file.map.base + PUBLISHED_AT));
  output->file = file;
  output->next = output->claimed = load(file.map.base + PUBLISHED_AT);
  output->slot = NULL;
  output->begun = false;
  output->attached = true;
  output->attachment++;
}

static void write_number(mf_output *output, uint8_t number) {
  uint8_t *slot = free_slot(output);
  CHECK(slot != NULL, "there is credit for %d", number);
  slot[0] = number;
  publish(output, 1, 100u + number, number);
}

static bool holds_number(const mf_output *output, uint64_t sequence, uint8_t number) {
  const uint8_t *slot = slot_of(&output->file, sequence);
  return memory_u64(slot) == sequence + 1 && memory_u64(slot + 8) == 100u + number &&
         memory_u64(slot + 16) == ((uint64_t)number << 32 | 1) && slot[64] == number;
}

static void test_removed_file(void) {
  mf_output output = {.claim_together = 1, .quarter = 9, .link = {.fd = -1}};
  attach_file(&output, mapped_flow(0, 4));
  for (uint8_t number = 0; number < 3; number++) write_number(&output, number);
  /* The copy has the first one only, and credit for one more: the rest waits. */
  attach_file(&output, mapped_flow(1, 2));
  CHECK(free_slot(&output) == NULL && output.next == 2 && holds_number(&output, 1, 1), "one is published again");
  CHECK(output.removed.map.base != NULL, "the other one waits for credit");
  /* That file is removed as well, and nothing of it was copied. */
  attach_file(&output, mapped_flow(1, 5));
  write_number(&output, 3);
  CHECK(holds_number(&output, 1, 1) && holds_number(&output, 2, 2) && holds_number(&output, 3, 3), "in their order");
  CHECK(output.next == 4 && output.removed.map.base == NULL, "the removed file is not mapped any more");
  CHECK(atomic_load(&output.flow.buffers) == 4 && atomic_load(&output.flow.bytes) == 4, "each is counted once");
  /* In another epoch readers have what was published in the file before. */
  flow_file other = mapped_flow(0, 4);
  store(other.map.base + EPOCH_AT, 8);
  attach_file(&output, other);
  CHECK(output.removed.map.base == NULL, "nothing is published again in another epoch");
  unmap(&output.file.map);
}

static void test_reserved_in_removed_file(void) {
  mf_output output = {.claim_together = 1, .quarter = 9, .link = {.fd = -1}};
  attach_file(&output, mapped_flow(0, 4));
  write_number(&output, 0);
  uint8_t *data = free_slot(&output);
  output.reserved = true;
  output.reserved_attachment = output.attachment;
  output.reserved_data = data;
  data[0] = 42;
  attach_file(&output, mapped_flow(0, 4));
  CHECK(output.removed.map.base != NULL && output.replaced.base == NULL, "one mapping serves both");
  flow_file other = mapped_flow(0, 4);
  store(other.map.base + EPOCH_AT, 8);
  attach_file(&output, other);
  CHECK(output.removed.map.base == NULL && output.replaced.base != NULL && data[0] == 42, "the slot stays readable");
  unmap(&output.replaced);
  unmap(&output.file.map);
}

#define LOCK_THREADS 3
#define LOCKED_BY_EACH 200000
static quick_lock shared_lock;
static uint64_t shared_count; /* under the lock */

static void *count_locked(void *unused) {
  for (int at = 0; at < LOCKED_BY_EACH; at++) {
    lock_quickly(&shared_lock);
    shared_count++;
    if (at % 1000 == 0) sched_yield(); /* so that others wait while it is held */
    unlock_quickly(&shared_lock);
  }
  return unused;
}

/* Waits until all have counted, then reports that it has seen so. */
static void *await_counted(void *unused) {
  lock_quickly(&shared_lock);
  while (shared_count < LOCK_THREADS * LOCKED_BY_EACH) CHECK(await_change(&shared_lock, NO_DEADLINE), "no deadline");
  shared_count++;
  note_change(&shared_lock);
  unlock_quickly(&shared_lock);
  return unused;
}

static void check_lock(void) {
  pthread_t threads[LOCK_THREADS], waiter;
  shared_count = 0;
  CHECK(pthread_create(&waiter, NULL, await_counted, NULL) == 0, "thread");
  for (int at = 0; at < LOCK_THREADS; at++) CHECK(pthread_create(&threads[at], NULL, count_locked, NULL) == 0, "thread");
  for (int at = 0; at < LOCK_THREADS; at++) pthread_join(threads[at], NULL);
  lock_quickly(&shared_lock);
  CHECK(shared_count == LOCK_THREADS * LOCKED_BY_EACH, "%llu", (unsigned long long)shared_count);
  CHECK(!await_change(&shared_lock, deadline_after(0)), "a deadline that has passed");
  note_change(&shared_lock);
  int64_t deadline = deadline_after(10000);
  while (shared_count == LOCK_THREADS * LOCKED_BY_EACH) CHECK(await_change(&shared_lock, deadline), "the waiter is woken");
  unlock_quickly(&shared_lock);
  pthread_join(waiter, NULL);
}

static void test_lock(void) {
  make_quick_lock();
  check_lock();
  has_membarrier = false; /* as in a sandbox that refuses it */
  check_lock();
  register_membarrier();
}

/* Messages that have arrived at the other end of a link. */
static size_t arrived(signal_link *link, link_message *messages, size_t most) {
  size_t count = 0;
  for (receive_messages(link, 0); count < most && next_message(link, &messages[count]); receive_messages(link, 0)) count++;
  return count;
}

static void test_input_signals(void) {
  size_t size;
  uint8_t *memory = flow_memory(&size);
  int ends[2];
  link_message sent[8], signal = {LINK_PUBLISHED, 0, 3};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  mf_input *input = calloc(1, sizeof *input);
  signal_link other = {.fd = ends[1]};
  input->file = (flow_file){.map = {memory, size}, .slot_count = 4, .stride = 192, .capacity = 128};
  input->link.fd = ends[0];
  input->attached = true;
  input->quarter = 4;
  store(memory + PUBLISHED_AT, 1);
  CHECK(await_input(input, deadline_after(0), &why) == MF_OK && input->armed, "more has come after it asked");
  CHECK(arrived(&other, sent, 8) == 1 && sent[0].kind == LINK_ACK && sent[0].value == 0, "it has asked");
  input->next = 1;
  CHECK(send_all(ends[1], &signal, sizeof signal), "the signal");
  CHECK(await_input(input, NO_DEADLINE, &why) == MF_OK && !input->armed, "it has come");
  CHECK(arrived(&other, sent, 8) == 0, "it has not asked again before");
  CHECK(await_input(input, deadline_after(0), &why) == MF_TIMED_OUT && arrived(&other, sent, 8) == 1, "it asks again");
  CHECK(sent[0].value == 1 && sent[0].detail == 0 && input->armed, "for what it has not read");
  store(memory + PUBLISHED_AT, 2);
  CHECK(await_input(input, deadline_after(0), &why) == MF_OK && arrived(&other, sent, 8) == 0, "more has come");
  input->next = 2;
  CHECK(await_input(input, deadline_after(0), &why) == MF_TIMED_OUT && arrived(&other, sent, 8) == 1, "time is over");
  CHECK(sent[0].value == 2 && sent[0].detail == 0, "what it has read is free before the next call");
  acknowledge(input, 2, ACK_AWAKE);
  CHECK(!input->armed, "the duplicator signals no input that is awake");
  input->next = 3;
  CHECK(await_input(input, deadline_after(0), &why) == MF_TIMED_OUT && arrived(&other, sent, 8) == 2, "it asks after that");
  CHECK(sent[0].detail == ACK_AWAKE && sent[1].value == 3 && sent[1].detail == 0, "without the awake bit");
  close_link(&input->link);
  close_link(&other);
  free(input);
  free(memory);
}

static void publish_many(mf_output *output, uint64_t count) {
  for (uint64_t at = 0; at < count; at++) {
    CHECK(begin_slot(output) != NULL, "credit");
    publish(output, 0, 1, 0);
  }
}

static void test_output_signals(void) {
  size_t size = HEADER_BYTES + 1024 * 192;
  uint8_t *memory = calloc(1, size);
  int ends[2];
  link_message sent[8];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  mf_output output = {.file = {.map = {memory, size}, .slot_count = 1024, .stride = 192, .capacity = 128},
                      .claim_together = 16, .quarter = 256, .attached = true, .link = {.fd = ends[0]}};
  signal_link other = {.fd = ends[1]};
  store(memory + GRANTED_AT, 1024);
  output.signalled_ns = wall_ns();
  publish_many(&output, 255);
  CHECK(arrived(&other, sent, 8) == 0, "no signal before a quarter of the ring");
  CHECK(is_busy(&output, 0) && !is_busy(&output, 254), "busy");
  publish_many(&output, 1);
  CHECK(arrived(&other, sent, 8) == 1 && sent[0].value == 256, "a quarter of the ring");
  output.unanswered = false;
  output.postponed = true;
  output.signalled_ns = wall_ns() - 2 * BUSY_SIGNAL_NS;
  publish_many(&output, 1);
  CHECK(arrived(&other, sent, 8) == 1 && sent[0].value == 257 && sent[0].detail == 0, "the time has passed");
  output.postponed = false;
  publish_many(&output, 1);
  output.postponed = output.reserved = true;
  uint8_t *slot = NULL;
  CHECK(await_slot(&output, 0, &slot, &why) == MF_TIMED_OUT, "no slot");
  CHECK(arrived(&other, sent, 8) == 1 && sent[0].value == 258, "a provider that waits signals what it has published");
  output.slot_waiters = 1;
  CHECK(!is_busy(&output, 0), "a provider that waits is not busy");
  output.slot_waiters = 0;
  output.postponed = output.unanswered = false;
  publish_many(&output, 1);
  CHECK(arrived(&other, sent, 8) == 0, "no signal before the answer");
  output.postponed = true;
  note_answer(&output);
  CHECK(arrived(&other, sent, 8) == 1 && sent[0].value == output.next && output.answered == false && !output.postponed,
        "at the answer, a provider that is not busy signals what it has published");
  close_link(&output.link);
  close_link(&other);
  free(memory);
}

static void set_word(uint8_t *memory, size_t at, uint32_t word) { memcpy(memory + at, &word, 4); }

static void test_spectra(void) {
  size_t size = CHANNELS_AT + 100;
  uint8_t *memory = calloc(1, size);
  mf_spectra spectra = {0};
  static mf_spectrum spectrum;
  CHECK(set_spectra(&spectra, memory, CHANNELS_AT - 1, &why) == MF_SOURCE_PROTOCOL, "too small");
  CHECK(set_spectra(&spectra, memory, size, &why) == MF_OK, "%s", why.text);
  size_t whole = 0;
  CHECK(mf_memory(&spectra, &whole) == memory && whole == size, "the memory itself");
  /* Slot 3: 1D long of 10 channels; slot 5: 2D byte of 4 x 3, Latin-1; slot 7: 128 bytes of name. */
  set_word(memory, TYPES_AT + 12, 4);
  set_word(memory, 24, 10);
  set_word(memory, OFFSETS_AT + 12, 2);
  memcpy(memory + TITLES_AT + 3 * FIELD_BYTES, "tof", 4);
  for (uint32_t i = 0; i < 10; i++) set_word(memory, CHANNELS_AT + 8 + 4 * i, UINT32_MAX);
  set_word(memory, TYPES_AT + 20, 1);
  set_word(memory, 40, 4);
  set_word(memory, 44, 3);
  memcpy(memory + TITLES_AT + 5 * FIELD_BYTES, "\xB5s", 3);
  memcpy(memory + INFO_AT + 5 * FIELD_BYTES, "time", 5);
  set_word(memory, TYPES_AT + 28, 2);
  set_word(memory, 56, 1);
  char name[129];
  memset(name, 'n', 128);
  name[128] = 0;
  memcpy(memory + TITLES_AT + 7 * FIELD_BYTES, name, 128);
  CHECK(mf_find(&spectra, "tof", &spectrum) == MF_OK && spectrum.slot == 3, "found");
  CHECK(mf_sum(&spectrum) == 10 * (uint64_t)UINT32_MAX && strcmp(spectrum.title, "tof") == 0, "sum beyond 32 bits");
  uint32_t counts[4];
  CHECK(mf_counts(&spectrum, 8, counts, 4) == 2 && counts[0] == UINT32_MAX && mf_counts(&spectrum, 10, counts, 4) == 0, "copied");
  CHECK(mf_find(&spectra, "\xC2\xB5s", &spectrum) == MF_OK && strcmp(spectrum.title, "time") == 0, "Latin-1 is given as UTF-8");
  CHECK(spectrum.dimensions == 2 && spectrum.x.bins == 4 && spectrum.y.bins == 3 && strcmp(spectrum.type, "2D byte") == 0, "2D");
  CHECK(mf_find(&spectra, name, &spectrum) == MF_OK && strcmp(spectrum.name, name) == 0, "128 bytes without a zero byte");
  CHECK(mf_find(&spectra, "to", &spectrum) == MF_UNKNOWN_SPECTRUM && mf_find(&spectra, "", &spectrum) == MF_UNKNOWN_SPECTRUM, "none");
  uint32_t position = 0, count = 0;
  while (mf_each(&spectra, &position, &spectrum)) count++;
  CHECK(count == 3, "%u", count);
  /* Another spectrum gets the slot: the name that was found there is not it. */
  memcpy(memory + TITLES_AT + 3 * FIELD_BYTES, "new", 4);
  CHECK(mf_find(&spectra, "tof", &spectrum) == MF_UNKNOWN_SPECTRUM && mf_find(&spectra, "new", &spectrum) == MF_OK, "renamed");
  static const struct {
    size_t at;
    uint32_t word;
  } BEYOND[] = {{24, 24}, {24, UINT32_MAX}, {OFFSETS_AT + 12, 16}, {OFFSETS_AT + 12, UINT32_MAX}};
  for (size_t at = 0; at < sizeof BEYOND / sizeof *BEYOND; at++) {
    uint32_t before;
    memcpy(&before, memory + BEYOND[at].at, 4);
    set_word(memory, BEYOND[at].at, BEYOND[at].word);
    CHECK(mf_find(&spectra, "new", &spectrum) == MF_SOURCE_PROTOCOL, "%zu is beyond the memory", at);
    set_word(memory, BEYOND[at].at, before);
  }
  free(memory);
}

static void test_link_messages(void) {
  int ends[2];
  signal_link link = {.fd = -1};
  link_message message, sent[70];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  link.fd = ends[1];
  for (uint32_t at = 0; at < 70; at++) sent[at] = (link_message){LINK_CREDIT, at, at};
  CHECK(send_all(ends[0], sent, 5), "the first bytes of a message");
  receive_messages(&link, 0);
  CHECK(!next_message(&link, &message) && !link.ended, "part of a message is none");
  CHECK(send_all(ends[0], (uint8_t *)sent + 5, sizeof sent - 5), "the others");
  for (uint32_t at = 0; at < 70; at++) {
    receive_messages(&link, NO_DEADLINE);
    CHECK(next_message(&link, &message) && message.value == at && message.detail == at, "message %u", at);
  }
  close(ends[0]);
  receive_messages(&link, NO_DEADLINE);
  CHECK(link.ended && !next_message(&link, &message), "the end");
  CHECK(refused((uint32_t)-32500, "x", &why) == MF_APPLICATION_ERROR && refused(14, "x", &why) == MF_FLOW_BUSY, "refused");
  CHECK(refused(0, "x", &why) == MF_APPLICATION_ERROR, "a refusal without a number is an error");
  close_link(&link);
}

static mf_status queued(mf_app *app, const char *type, int number) {
  mf_value *delivery = mf_struct(), *content = mf_struct(), *attributes = mf_struct();
  mf_set(attributes, "number", mf_integer(number));
  mf_set(content, "type", mf_text(type));
  mf_set(content, "attributes", attributes);
  mf_set(delivery, "message", content);
  mf_status status = queue_message(app, delivery, &why);
  mf_value_free(delivery);
  return status;
}

static void test_message_queue(void) {
  mf_app *app = calloc(1, sizeof *app);
  mf_value *found = NULL;
  char type[16];
  app->fd = -1;
  CHECK(make_lock(&app->lock, &app->changed) && pthread_mutex_init(&app->sending, NULL) == 0, "locks");
  CHECK(queued(app, "Other", 0) == MF_OK && app->message_count == 0, "a type that nothing waits for is dropped");
  CHECK(queued(app, "../x", 0) == MF_INVALID_PARAMETERS, "no type");
  CHECK(mf_subscribe(app, "Run") == MF_OK && mf_subscribe(app, "Stop") == MF_OK, "%s", mf_app_error(app));
  CHECK(queued(app, "Stop", 0) == MF_OK, "%s", why.text);
  for (int at = 1; at < MESSAGES_MAX; at++) CHECK(queued(app, "Run", at) == MF_OK, "%d: %s", at, why.text);
  CHECK(queued(app, "Run", 0) == MF_LIMIT_REACHED, "no more are kept: the sender gets the reason");
  for (int at = 1; at < MESSAGES_MAX; at++) {
    CHECK(mf_receive(app, "Run", 0, &found) == MF_OK, "%s", mf_app_error(app));
    CHECK(mf_integer_of(mf_get(found, "number"), -1) == at, "in the order of arrival");
    mf_value_free(found);
  }
  CHECK(mf_receive(app, "Run", 0, &found) == MF_TIMED_OUT && found == NULL, "none is left");
  CHECK(queued(app, "Run", 7) == MF_OK && mf_receive(app, "Run", 0, &found) == MF_OK, "%s", mf_app_error(app));
  mf_value_free(found);
  for (int at = 2; at < MESSAGE_TYPES_MAX; at++) {
    snprintf(type, sizeof type, "Type%d", at);
    CHECK(mf_subscribe(app, type) == MF_OK, "%s", mf_app_error(app));
  }
  CHECK(mf_subscribe(app, "Run") == MF_OK && mf_subscribe(app, "More") == MF_LIMIT_REACHED, "types are bounded");
  mf_app_close(app);
}

static void test_options(void) {
  mf_app *app = NULL;
  mf_connect_options relative = {.directory = "relative"}, strange = {.right = "root"}, none = {.directory = "/nowhere"};
  CHECK(mf_connect("../e1", NULL, &app) == MF_BAD_NAME, "%s", mf_app_error(app));
  mf_app_close(app);
  CHECK(mf_connect("e1", &relative, &app) == MF_BAD_OPTION, "%s", mf_app_error(app));
  mf_app_close(app);
  CHECK(mf_connect("e1", &strange, &app) == MF_BAD_OPTION, "%s", mf_app_error(app));
  mf_app_close(app);
  CHECK(mf_connect("e1", &none, &app) == MF_NOT_RUNNING && strstr(mf_app_error(app), "mirrorflow run e1") != NULL, "%s",
        mf_app_error(app));
  mf_app_close(app);
  mf_app_close(NULL);
}

int main(void) {
  TEST("names are checked, and a socket path that is too long has a hash", test_names);
  TEST("an error text that is cut stays UTF-8", test_error_texts);
  TEST("values of every kind travel unchanged", test_values);
  TEST("values that cannot travel are refused", test_refused_values);
  TEST("documents of other writers are read, and false ones refused", test_documents);
  TEST("a fault is the error of its number", test_faults);
  TEST("damaged documents are refused without harm", test_damaged_documents);
  TEST("frames with an impossible length or kind are refused", test_frames);
  TEST("a flow file with a false header is refused", test_flow_files);
  TEST("a lock of an output admits one thread at a time, with and without membarrier", test_lock);
  TEST("an input that waits asks for one signal at a time", test_input_signals);
  TEST("a busy provider signals a quarter of the ring at a time, and all before it waits", test_output_signals);
  TEST("a provider claims slots before it clears them, within its credit", test_claims);
  TEST("what went into a removed file is published again, in its order", test_removed_file);
  TEST("a slot that is reserved in a removed file stays mapped", test_reserved_in_removed_file);
  TEST("spectra are found by name, and none beyond the memory", test_spectra);
  TEST("messages of a link are taken whole, and its end is seen", test_link_messages);
  TEST("messages wait in order and in bounds", test_message_queue);
  TEST("false options of a client are refused", test_options);
  return 0;
}
