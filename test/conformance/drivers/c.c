/*
 * The conformance driver of the C library: executes the commands of test/conformance/README.md.
 * Reads one JSON object a line on standard input, answers each with one line on standard output.
 * driver-process.ts compiles and starts it. The C library has no flow types, so the commands
 * writeValue and takeValue are refused. Connects to the servers that MIRRORFLOW_DIR names.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>

#include "json.h"

/* Flows that are open at the same time. */
#define FLOWS_MAX 32
/* The head of a numbered buffer: number (u64) and CRC-32 of the rest (u32), little-endian. */
#define HEAD_BYTES 12
/* Longest wait for a publication or a message. */
#define WAIT_MS 20000
/* The answer to `spectrum` has the first counts only. */
#define COUNTS_MAX 64
/* Publications of one command `updates`. */
#define UPDATES_MAX 1000

typedef struct flow {
  char name[65];
  mf_input *input;
  mf_output *output;
} flow;

static mf_app *app;
static mf_mirror *mirror;
static flow flows[FLOWS_MAX];
static uint32_t crc_table[256];

static void make_crc_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t word = i;
    for (int bit = 0; bit < 8; bit++) word = word & 1 ? word >> 1 ^ 0xEDB88320u : word >> 1;
    crc_table[i] = word;
  }
}

static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
  uint32_t crc = 0xFFFFFFFFu;
  for (size_t i = 0; i < size; i++) crc = crc_table[(crc ^ bytes[i]) & 0xFF] ^ crc >> 8;
  return ~crc;
}

static const char *text_of(const mf_value *request, const char *member) {
  return mf_text_of(mf_get(request, member), NULL);
}

static int64_t number_of(const mf_value *request, const char *member, int64_t otherwise) {
  return mf_integer_of(mf_get(request, member), otherwise);
}

/* The open flow of this name, or a free entry that gets the name. */
static flow *flow_named(const char *name) {
  flow *empty = NULL;
  for (flow *each = flows; each < flows + FLOWS_MAX; each++) {
    if (strcmp(each->name, name) == 0) return each;
    if (empty == NULL && each->input == NULL && each->output == NULL) empty = each;
  }
  if (empty == NULL) json_die("too many flows");
  snprintf(empty->name, sizeof empty->name, "%s", name);
  return empty;
}

static void print_ok(void) { puts("{\"ok\": null}"); }

static void print_error(mf_status status, const char *text) {
  printf("{\"error\": \"%s\", \"message\": ", mf_status_name(status));
  json_print(text);
  puts("}");
}

/* Prints the outcome of a call of the application. */
static void print_outcome(mf_status status) {
  if (status == MF_OK) print_ok();
  else print_error(status, mf_app_error(app));
}

static void do_connect(const mf_value *request) {
  mf_connect_options options = {.name = text_of(request, "name")};
  mf_app *connected = NULL;
  mf_status status = mf_connect(text_of(request, "app"), &options, &connected);
  if (status == MF_OK) {
    app = connected;
    print_ok();
    return;
  }
  print_error(status, mf_app_error(connected));
  mf_app_close(connected);
}

/* The name of a flow type of the protocol: deflate/array and so on. */
static const char *type_name(const mf_value *request) {
  const mf_value *type = mf_get(request, "type");
  return type == NULL ? NULL : text_of(type, "name");
}

static void do_open_output(const mf_value *request) {
  mf_output_options options = {
      .buffer_size = (uint32_t)number_of(request, "bufferSize", 0),
      .buffers = (uint32_t)number_of(request, "buffers", 0),
      .type = type_name(request),
  };
  flow *to = flow_named(text_of(request, "name"));
  print_outcome(mf_open_output(app, text_of(request, "flow"), &options, &to->output));
}

static void do_open_input(const mf_value *request) {
  const char *delivery = text_of(request, "delivery"), *start = text_of(request, "start");
  mf_input_options options = {.delivery = MF_LOSSLESS, .type = type_name(request)};
  if (delivery != NULL && strcmp(delivery, "lossy") == 0) options.delivery = MF_LOSSY;
  if (start == NULL && mf_get(request, "start") != NULL) {
    options.start = MF_AT;
    options.sequence = (uint64_t)number_of(request, "start", 0);
  } else if (start != NULL)
    options.start = strcmp(start, "newest") == 0 ? MF_NEWEST : strcmp(start, "next") == 0 ? MF_NEXT : MF_OLDEST;
  flow *from = flow_named(text_of(request, "name"));
  print_outcome(mf_open_input(app, text_of(request, "flow"), &options, &from->input));
}

/* Writes a numbered buffer: the head, then bytes that count up from the number. */
static void fill(uint8_t *content, uint64_t number, size_t size) {
  for (size_t at = HEAD_BYTES; at < size; at++) content[at] = (uint8_t)(number + at - HEAD_BYTES);
  uint32_t crc = crc32_of(content + HEAD_BYTES, size - HEAD_BYTES);
  memcpy(content, &number, sizeof number);
  memcpy(content + 8, &crc, sizeof crc);
}

/* Writes numbered buffers, every other one in place (reserve and commit). */
static void do_write(const mf_value *request) {
  mf_output *output = flow_named(text_of(request, "name"))->output;
  size_t size = (size_t)number_of(request, "size", 0);
  uint64_t first = (uint64_t)number_of(request, "first", 0), end = first + (uint64_t)number_of(request, "count", 0);
  uint8_t *content = malloc(size);
  if (content == NULL || size < HEAD_BYTES) json_die("size");
  mf_status status = MF_OK;
  for (uint64_t number = first; status == MF_OK && number < end; number++) {
    mf_slot slot;
    fill(content, number, size);
    if (number % 2 == 0) {
      status = mf_write(output, content, size, MF_FOREVER);
    } else if ((status = mf_reserve(output, MF_FOREVER, &slot)) == MF_OK) {
      if (size <= slot.capacity) memcpy(slot.data, content, size);
      if ((status = mf_commit(output, &slot, size, 0, 0)) != MF_OK) mf_cancel(output, &slot);
    }
  }
  free(content);
  if (status == MF_OK) printf("{\"ok\": {\"next\": %" PRIu64 "}}\n", end);
  else print_error(status, mf_output_error(output));
}

static void do_read(const mf_value *request) {
  mf_input *input = flow_named(text_of(request, "name"))->input;
  int64_t until = number_of(request, "until", 0), next = number_of(request, "next", -1), first = -1;
  uint64_t read = 0, doubled = 0, lost = 0, torn = 0;
  while (next < until) {
    mf_buffer buffer;
    int64_t number;
    uint32_t crc;
    mf_status status = mf_take(input, MF_FOREVER, &buffer);
    if (status != MF_OK) {
      print_error(status, mf_input_error(input));
      return;
    }
    const uint8_t *data = buffer.data;
    memcpy(&number, data, sizeof number);
    memcpy(&crc, data + 8, sizeof crc);
    if (crc32_of(data + HEAD_BYTES, buffer.size - HEAD_BYTES) != crc || !mf_intact(input, &buffer)) torn++;
    if (first < 0) first = number;
    else if (number < next) doubled++;
    else if (number > next) lost += (uint64_t)(number - next);
    next = number + 1;
    read++;
  }
  printf("{\"ok\": {\"read\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"torn\": %" PRIu64
         ", \"first\": %" PRId64 ", \"missed\": %" PRIu64 "}}\n",
         read, doubled, lost, torn, first, mf_missed(input));
}

static mf_status need_mirror(void) {
  return mirror != NULL ? MF_OK : mf_open_mirror(app, NULL, &mirror);
}

static void do_spectra(void) {
  const mf_spectra *spectra;
  mf_status status = need_mirror();
  if (status == MF_OK) status = mf_spectra_of(mirror, WAIT_MS, &spectra);
  if (status != MF_OK) {
    print_outcome(status);
    return;
  }
  static mf_spectrum spectrum;
  uint32_t position = 0;
  printf("{\"ok\": [");
  for (int count = 0; mf_each(spectra, &position, &spectrum); count++) {
    if (count > 0) putchar(',');
    json_print(spectrum.name);
  }
  puts("]}");
}

typedef struct found_spectrum {
  const char *name;
  mf_spectrum definition;
  uint64_t sum;
  uint32_t counts[COUNTS_MAX];
  size_t count;
} found_spectrum;

static mf_status copy_spectrum(const mf_spectra *spectra, uint64_t sequence, uint64_t timestamp_ns, void *context) {
  found_spectrum *found = context;
  (void)sequence, (void)timestamp_ns;
  mf_status status = mf_find(spectra, found->name, &found->definition);
  if (status != MF_OK) return status;
  found->sum = mf_sum(&found->definition);
  found->count = mf_counts(&found->definition, 0, found->counts, COUNTS_MAX);
  return MF_OK;
}

static void do_spectrum(const mf_value *request) {
  static found_spectrum found;
  found.name = text_of(request, "name");
  mf_status status = need_mirror();
  if (status == MF_OK) status = mf_read(mirror, copy_spectrum, &found);
  if (status != MF_OK) {
    print_error(status, mirror == NULL ? mf_app_error(app) : mf_mirror_error(mirror));
    return;
  }
  const mf_spectrum *spectrum = &found.definition;
  bool is_plane = spectrum->dimensions == 2;
  printf("{\"ok\": {\"type\": \"%s\", \"shape\": [", spectrum->type);
  if (is_plane) printf("%u, ", spectrum->y.bins);
  printf("%u], \"sum\": %" PRIu64 ", \"counts\": [", spectrum->x.bins, found.sum);
  for (size_t at = 0; at < found.count; at++) printf("%s%u", at == 0 ? "" : ",", found.counts[at]);
  printf("], \"axes\": [[%.17g, %.17g, %u]", spectrum->x.low, spectrum->x.high, spectrum->x.bins);
  if (is_plane) printf(", [%.17g, %.17g, %u]", spectrum->y.low, spectrum->y.high, spectrum->y.bins);
  puts("]}}");
}

static void do_updates(const mf_value *request) {
  uint64_t sequences[UPDATES_MAX];
  int64_t count = number_of(request, "count", 0);
  if (count > UPDATES_MAX) json_die("count");
  mf_status status = need_mirror();
  for (int64_t at = 0; status == MF_OK && at < count; at++) status = mf_next_update(mirror, WAIT_MS, &sequences[at]);
  if (status != MF_OK) {
    print_error(status, mirror == NULL ? mf_app_error(app) : mf_mirror_error(mirror));
    return;
  }
  printf("{\"ok\": [");
  for (int64_t at = 0; at < count; at++) printf("%s%" PRIu64, at == 0 ? "" : ",", sequences[at]);
  puts("]}");
}

static void do_send(const mf_value *request) {
  mf_value *attributes = mf_struct(), *weights = mf_array();
  const mf_value *given = mf_get(request, "weights");
  for (size_t at = 0; at < mf_count(given); at++) mf_append(weights, mf_double(mf_double_of(mf_item(given, at), 0)));
  mf_set(attributes, "run", mf_integer(number_of(request, "run", 0)));
  mf_set(attributes, "title", mf_text(text_of(request, "title")));
  mf_set(attributes, "weights", weights);
  size_t received = 0;
  mf_status status = mf_send(app, text_of(request, "client"), NULL, "RunStarted", attributes, &received);
  mf_value_free(attributes);
  if (status == MF_OK) printf("{\"ok\": %zu}\n", received);
  else print_error(status, mf_app_error(app));
}

static void do_wait_for(void) {
  mf_value *attributes = NULL;
  mf_status status = mf_receive(app, "RunStarted", WAIT_MS, &attributes);
  if (status != MF_OK) {
    print_outcome(status);
    return;
  }
  const mf_value *weights = mf_get(attributes, "weights");
  printf("{\"ok\": {\"run\": %" PRId64 ", \"title\": ", number_of(attributes, "run", -1));
  json_print(mf_text_of(mf_get(attributes, "title"), ""));
  printf(", \"weights\": [");
  for (size_t at = 0; at < mf_count(weights); at++)
    printf("%s%.17g", at == 0 ? "" : ", ", mf_double_of(mf_item(weights, at), 0));
  puts("]}}");
  mf_value_free(attributes);
}

static void close_flow(flow *each) {
  mf_input_close(each->input);
  mf_output_close(each->output);
  *each = (flow){0};
}

static void close_all(void) {
  for (flow *each = flows; each < flows + FLOWS_MAX; each++) close_flow(each);
  mf_mirror_close(mirror);
  mf_app_close(app);
  mirror = NULL;
  app = NULL;
}

static void do_close(const mf_value *request) {
  const char *name = text_of(request, "name");
  if (name == NULL) close_all();
  else close_flow(flow_named(name));
  print_ok();
}

static void run(const mf_value *request) {
  const char *what = text_of(request, "do");
  if (what == NULL) json_die("no command");
  if (strcmp(what, "connect") == 0) do_connect(request);
  else if (strcmp(what, "openOutput") == 0) do_open_output(request);
  else if (strcmp(what, "openInput") == 0) do_open_input(request);
  else if (strcmp(what, "write") == 0) do_write(request);
  else if (strcmp(what, "read") == 0) do_read(request);
  else if (strcmp(what, "spectra") == 0) do_spectra();
  else if (strcmp(what, "spectrum") == 0) do_spectrum(request);
  else if (strcmp(what, "updates") == 0) do_updates(request);
  else if (strcmp(what, "send") == 0) do_send(request);
  else if (strcmp(what, "listen") == 0) print_outcome(mf_subscribe(app, "RunStarted"));
  else if (strcmp(what, "waitFor") == 0) do_wait_for();
  else if (strcmp(what, "close") == 0) do_close(request);
  else print_error(MF_METHOD_NOT_FOUND, "the C driver has no such command");
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  make_crc_table();
  while (getline(&line, &room, stdin) > 0) {
    const char *at = line;
    mf_value *request = json_value(&at);
    run(request);
    mf_value_free(request);
    fflush(stdout);
  }
  free(line);
  close_all();
  return 0;
}
