/*
 * Tests of the C library on a running system with an application `e1` that has no source.
 * test/conformance/c-library.test.ts starts the system and this program, with sanitizers. It kills
 * duplicators and the app server of that system.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "check.h"
#include "mirrorflow.h"

#define WAIT_MS 20000

static mf_app *app;

static mf_output *open_output(const char *flow, uint32_t size, uint32_t buffers, uint32_t stall_timeout_ms) {
  mf_output_options options = {.buffer_size = size, .buffers = buffers, .stall_timeout_ms = stall_timeout_ms};
  mf_output *output;
  CHECK(mf_open_output(app, flow, &options, &output) == MF_OK, "%s", mf_app_error(app));
  return output;
}

static mf_input *open_input(const char *flow) {
  mf_input *input;
  CHECK(mf_open_input(app, flow, NULL, &input) == MF_OK, "%s", mf_app_error(app));
  return input;
}

static void write_text(mf_output *output, const char *text) {
  CHECK(mf_write(output, text, strlen(text), WAIT_MS) == MF_OK, "%s", mf_output_error(output));
}

static void expect_text(mf_input *input, const char *text) {
  mf_buffer buffer;
  CHECK(mf_take(input, WAIT_MS, &buffer) == MF_OK, "%s: %s", text, mf_input_error(input));
  CHECK(buffer.size == strlen(text) && memcmp(buffer.data, text, buffer.size) == 0, "'%.*s' is not '%s'",
        (int)buffer.size, (const char *)buffer.data, text);
}

static int64_t pid_of_flow(const char *flow) {
  mf_value *flows = NULL;
  int64_t pid = 0;
  CHECK(mf_flows(app, &flows) == MF_OK, "%s", mf_app_error(app));
  for (size_t at = 0; at < mf_count(flows); at++) {
    const mf_value *each = mf_item(flows, at);
    if (strcmp(mf_text_of(mf_get(each, "flow"), ""), flow) == 0) pid = mf_integer_of(mf_get(each, "pid"), 0);
  }
  mf_value_free(flows);
  return pid;
}

static void test_full_ring(void) {
  mf_output *output = open_output("full", 64, 4, 0);
  mf_input *input = open_input("full");
  mf_buffer buffer;
  CHECK(mf_take(input, 0, &buffer) == MF_TIMED_OUT && mf_take(input, 20, &buffer) == MF_TIMED_OUT, "nothing yet");
  const char *texts[] = {"0", "1", "2", "3", "4"};
  for (int at = 0; at < 4; at++) write_text(output, texts[at]);
  CHECK(mf_write(output, "x", 1, 100) == MF_TIMED_OUT, "the ring is full");
  mf_slot slot;
  CHECK(mf_reserve(output, 0, &slot) == MF_TIMED_OUT, "for slots, too");
  expect_text(input, texts[0]);
  expect_text(input, texts[1]);
  write_text(output, texts[4]);
  for (int at = 2; at < 5; at++) expect_text(input, texts[at]);
  CHECK(mf_missed(input) == 0 && !mf_is_lossy(input), "lossless");
  CHECK(strstr(mf_input_identity(input), "\"full\"") != NULL, "%s", mf_input_identity(input));
  char large[65] = "";
  CHECK(mf_write(output, large, 65, 0) == MF_TOO_LARGE, "%s", mf_output_error(output));
  mf_input_close(input);
  mf_output_close(output);
}

static void test_slots(void) {
  mf_output *output = open_output("slots", 64, 8, 0);
  mf_input *input = open_input("slots");
  mf_slot slot;
  CHECK(mf_reserve(output, WAIT_MS, &slot) == MF_OK && slot.capacity == 64, "%s", mf_output_error(output));
  CHECK(mf_write(output, "other", 5, 20) == MF_TIMED_OUT, "one slot is reserved at a time");
  CHECK(mf_commit(output, &slot, 65, 0, 0) == MF_TOO_LARGE && mf_commit(output, &slot, 1, 0, 65536) == MF_BAD_OPTION, "bounds");
  mf_cancel(output, &slot);
  CHECK(mf_commit(output, &slot, 1, 0, 0) == MF_BAD_OPTION, "it was given back");
  CHECK(mf_reserve(output, WAIT_MS, &slot) == MF_OK, "%s", mf_output_error(output));
  memcpy(slot.data, "slot", 4);
  CHECK(mf_commit(output, &slot, 4, UINT64_C(1) << 60, 7) == MF_OK, "%s", mf_output_error(output));
  mf_buffer buffer;
  CHECK(mf_take(input, WAIT_MS, &buffer) == MF_OK, "%s", mf_input_error(input));
  CHECK(buffer.size == 4 && buffer.flags == 7 && buffer.timestamp_ns == UINT64_C(1) << 60 && buffer.sequence == 0, "metadata");
  mf_output_close(output);
  mf_input_close(input);
}

#define WRITTEN_BY_EACH 2000

static void *write_many(void *context) {
  for (int at = 0; at < WRITTEN_BY_EACH; at++)
    CHECK(mf_write(context, &at, sizeof at, WAIT_MS) == MF_OK, "%s", mf_output_error(context));
  return NULL;
}

static void test_threads(void) {
  mf_output *output = open_output("threads", 64, 16, 0);
  mf_input *input = open_input("threads");
  pthread_t threads[2];
  for (int at = 0; at < 2; at++) CHECK(pthread_create(&threads[at], NULL, write_many, output) == 0, "thread");
  int64_t sum = 0;
  for (int at = 0; at < 2 * WRITTEN_BY_EACH; at++) {
    mf_buffer buffer;
    int number;
    CHECK(mf_take(input, WAIT_MS, &buffer) == MF_OK && buffer.sequence == (uint64_t)at, "%s", mf_input_error(input));
    memcpy(&number, buffer.data, sizeof number);
    sum += number;
  }
  CHECK(sum == (int64_t)WRITTEN_BY_EACH * (WRITTEN_BY_EACH - 1), "each buffer of both threads came once");
  for (int at = 0; at < 2; at++) pthread_join(threads[at], NULL);
  mf_input_close(input);
  mf_output_close(output);
}

static void test_stall(void) {
  mf_output *output = open_output("stall", 64, 4, 100);
  mf_input *input = open_input("stall");
  mf_buffer buffer;
  write_text(output, "kept");
  CHECK(mf_take(input, WAIT_MS, &buffer) == MF_OK && mf_intact(input, &buffer), "%s", mf_input_error(input));
  for (int at = 0; at < 12; at++) write_text(output, "newer");
  CHECK(!mf_intact(input, &buffer), "the writer has overwritten the buffer that was held too long");
  CHECK(mf_take(input, WAIT_MS, &buffer) == MF_OK, "%s", mf_input_error(input));
  while (mf_take(input, 0, &buffer) == MF_OK) continue;
  CHECK(mf_missed(input) > 0 && mf_is_lossy(input), "%" PRIu64 " were missed", mf_missed(input));
  mf_input_close(input);
  mf_output_close(output);
}

static void test_killed_duplicator(void) {
  mf_output *output = open_output("killed", 64, 8, 0);
  mf_input *input = open_input("killed");
  mf_slot slot;
  write_text(output, "before");
  CHECK(mf_reserve(output, WAIT_MS, &slot) == MF_OK, "%s", mf_output_error(output));
  memcpy(slot.data, "during", 6);
  int64_t pid = pid_of_flow("killed");
  CHECK(pid > 0 && kill((pid_t)pid, SIGKILL) == 0, "the duplicator is killed");
  /* Until it is attached again: a write of another thread would wait for the slot. */
  for (int64_t now = pid; now == pid || now == 0;) now = pid_of_flow("killed");
  memcpy((char *)slot.data, "DURING", 6);
  CHECK(mf_commit(output, &slot, 6, 0, 0) == MF_OK, "%s", mf_output_error(output));
  write_text(output, "after");
  expect_text(input, "before");
  expect_text(input, "DURING");
  expect_text(input, "after");
  CHECK(mf_missed(input) == 0, "%" PRIu64 " were missed", mf_missed(input));
  mf_input_close(input);
  mf_output_close(output);
}

static void test_killed_app_server(void) {
  mf_output *output = open_output("server", 64, 8, 0);
  mf_input *input = open_input("server");
  mf_value *info = NULL, *clients = NULL;
  CHECK(mf_call(app, "app.info", NULL, WAIT_MS, &info) == MF_OK, "%s", mf_app_error(app));
  int64_t pid = mf_integer_of(mf_get(info, "pid"), 0);
  mf_value_free(info);
  CHECK(pid > 0 && kill((pid_t)pid, SIGKILL) == 0, "the app server is killed");
  write_text(output, "without an app server");
  expect_text(input, "without an app server");
  for (int64_t now = pid; now == pid || now == 0;) {
    if (mf_call(app, "app.info", NULL, WAIT_MS, &info) == MF_OK) now = mf_integer_of(mf_get(info, "pid"), 0);
    mf_value_free(info);
  }
  CHECK(mf_clients(app, &clients) == MF_OK, "%s", mf_app_error(app));
  size_t open = 0;
  for (size_t at = 0; at < mf_count(clients); at++) {
    const mf_value *client = mf_item(clients, at);
    if (strcmp(mf_text_of(mf_get(client, "name"), ""), "live") == 0) open = mf_count(mf_get(client, "flows"));
  }
  mf_value_free(clients);
  CHECK(open == 2, "the new app server has both flows of this client, and %zu", open);
  mf_input_close(input);
  mf_output_close(output);
}

static void test_messages(void) {
  mf_app *other;
  mf_connect_options options = {.name = "other"};
  mf_value *attributes = mf_struct(), *found = NULL;
  size_t received = 9;
  CHECK(mf_connect("e1", &options, &other) == MF_OK, "%s", mf_app_error(other));
  CHECK(mf_subscribe(other, "Run") == MF_OK, "%s", mf_app_error(other));
  mf_set(attributes, "run", mf_integer(7));
  mf_set(attributes, "raw", mf_bytes("\0\xFF", 2));
  CHECK(mf_send(app, "other", NULL, "Run", attributes, &received) == MF_OK && received == 1, "%s", mf_app_error(app));
  CHECK(mf_send(app, NULL, NULL, "Ignored", attributes, NULL) == MF_OK, "%s", mf_app_error(app));
  CHECK(mf_receive(other, "Run", WAIT_MS, &found) == MF_OK, "%s", mf_app_error(other));
  size_t size;
  const char *raw = mf_bytes_of(mf_get(found, "raw"), &size);
  CHECK(mf_integer_of(mf_get(found, "run"), 0) == 7 && size == 2 && memcmp(raw, "\0\xFF", 2) == 0, "attributes");
  mf_value_free(found);
  CHECK(mf_receive(other, "Ignored", 10, &found) == MF_TIMED_OUT && found == NULL, "no one waited for its type");
  mf_value_free(attributes);
  mf_app_close(other);
}

static void test_refusals(void) {
  mf_mirror *mirror;
  mf_input *input;
  mf_output *output;
  mf_output_options none = {.buffer_size = 0};
  mf_input_options strange = {.start = (mf_start)17};
  CHECK(mf_open_mirror(app, NULL, &mirror) != MF_OK && mirror == NULL, "an application without a source has no mirror");
  CHECK(mf_open_input(app, "none", NULL, &input) == MF_UNKNOWN_FLOW && input == NULL, "%s", mf_app_error(app));
  CHECK(mf_open_output(app, "x", &none, &output) == MF_BAD_OPTION && output == NULL, "%s", mf_app_error(app));
  CHECK(mf_open_input(app, "full", &strange, &input) == MF_BAD_OPTION, "%s", mf_app_error(app));
  CHECK(mf_call(app, "no.method", NULL, WAIT_MS, NULL) == MF_METHOD_NOT_FOUND, "%s", mf_app_error(app));
}

int main(void) {
  mf_connect_options options = {.name = "live"};
  CHECK(mf_connect("e1", &options, &app) == MF_OK, "%s", mf_app_error(app));
  TEST("a full ring holds the writer back until the consumer reads", test_full_ring);
  TEST("a slot is published by its commit only", test_slots);
  TEST("two threads write one flow", test_threads);
  TEST("a consumer that stalls becomes lossy and sees what was overwritten", test_stall);
  TEST("a slot that is reserved while the duplicator is killed is published in the new ring", test_killed_duplicator);
  TEST("flows move on without an app server, and the next one gets them", test_killed_app_server);
  TEST("messages arrive, those of types that the program waits for", test_messages);
  TEST("mistakes are refused with their code", test_refusals);
  mf_app_close(app);
  return 0;
}
