/*
 * mirrorflow for C: reads and writes data flows in shared memory, reads SpecTcl's spectra by name,
 * and calls the app server. Programs in C and C++ include this header and link mirrorflow.c, which
 * needs C11, POSIX threads and Linux, and nothing else. It touches the runtime directory of
 * mirrorflow (sockets and flow files) and starts a thread for each client and each output.
 *
 * Conventions of all functions
 * - They return MF_OK (0) or the number of an error. The handle that was called has its text:
 *   mf_app_error and so on. MF_TIMED_OUT is the expected outcome of a wait that was too short.
 * - Times to wait are milliseconds: 0 does not wait, MF_FOREVER (or any negative) has no limit.
 * - Texts are UTF-8 and end with a zero byte. A text that a function returns belongs to the handle
 *   that it was asked of; texts that are passed in are copied.
 * - A client (mf_app), an output and a value that no thread changes may be used by several threads
 *   at a time. An input or a mirror is used by one thread at a time. A handle is closed once, when
 *   no other thread uses it; mf_app_close closes nothing else: close inputs, outputs, mirrors first.
 * - No handle may be used in a forked child: connect there. No signal handler may call a function.
 */
#ifndef MIRRORFLOW_H
#define MIRRORFLOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header: major * 10000 + minor * 100 + patch. */
#define MF_VERSION 200

#define MF_FOREVER (-1)

/* The numbers of mirrorflow's errors: those of XML-RPC faults. See docs/attach.md. */
typedef enum mf_status {
  MF_OK = 0,
  MF_PARSE_ERROR = -32700,
  MF_METHOD_NOT_FOUND = -32601,
  MF_INVALID_PARAMETERS = -32602,
  MF_APPLICATION_ERROR = -32500,
  MF_TRANSPORT_ERROR = -32300,
  MF_BAD_NAME = 1,
  MF_BAD_ADDRESS = 2,
  MF_BAD_OPTION = 3,
  MF_BAD_CONFIGURATION = 4,
  MF_UNKNOWN_APPLICATION = 10,
  MF_APPLICATION_EXISTS = 11,
  MF_APPLICATION_UNREACHABLE = 12,
  MF_UNKNOWN_FLOW = 13,
  MF_FLOW_BUSY = 14,
  MF_WRONG_FLOW_TYPE = 15,
  MF_UNKNOWN_SESSION = 16,
  MF_REFUSED = 17,
  MF_UNKNOWN_SPECTRUM = 18,
  MF_NOT_A_MIRROR = 19,
  MF_UNKNOWN_CLIENT = 24,
  MF_UNKNOWN_PROGRAM = 25,
  MF_UNKNOWN_HOST = 26,
  MF_ALREADY_RUNNING = 30,
  MF_NOT_RUNNING = 31,
  MF_START_FAILED = 32,
  MF_CHILD_DIED = 33,
  MF_STOPPED = 34,
  MF_TIMED_OUT = 35,
  MF_CLOSED = 36,
  MF_SOURCE_UNREACHABLE = 50,
  MF_SOURCE_PROTOCOL = 51,
  MF_SOURCE_REFUSED = 52,
  MF_TOO_LARGE = 60,
  MF_NO_SPACE = 61,
  MF_LIMIT_REACHED = 62,
  MF_FILE_CORRUPT = 63,
  MF_FILE_OWNED = 64,
  MF_VERSION_MISMATCH = 65,
  MF_NOT_PERMITTED = 66,
  MF_ADDRESS_IN_USE = 67,
  MF_BAD_MESSAGE = 68,
  MF_SYSTEM_ERROR = 69
} mf_status;

/* The name of an error, such as "FLOW_BUSY"; "APPLICATION_ERROR" for an unknown number. Static. */
const char *mf_status_name(mf_status status);

/* ---- Values: what calls and messages carry --------------------------------------------------- */

typedef struct mf_value mf_value;

typedef enum mf_kind {
  MF_NOTHING, /* of NULL only */
  MF_BOOLEAN,
  MF_INTEGER, /* to +-2^53; beyond 32 bits it travels as a double */
  MF_DOUBLE,
  MF_TEXT,
  MF_BYTES,
  MF_TIME, /* its text as it travels: 20261130T12:00:00, UTC, perhaps with a fraction */
  MF_ARRAY,
  MF_STRUCT
} mf_kind;

/*
 * Make a value. The caller owns it, until it is added to another value or mf_value_free. NULL when
 * memory has run out. `size` in bytes; at most 4 MiB travel in one call.
 */
mf_value *mf_boolean(int value);
mf_value *mf_integer(int64_t value);
mf_value *mf_double(double value);
mf_value *mf_text(const char *text);
mf_value *mf_bytes(const void *bytes, size_t size);
mf_value *mf_array(void);
mf_value *mf_struct(void);

/*
 * Append to an array, or set a member of a struct (a second one of a name replaces the first). They
 * take ownership of `item` in every case, also of NULL: a chain of makers needs one check. Return
 * MF_OK, MF_BAD_OPTION for a value of another kind, MF_SYSTEM_ERROR when memory has run out.
 */
mf_status mf_append(mf_value *array, mf_value *item);
mf_status mf_set(mf_value *record, const char *name, mf_value *item);

/* Frees a value and all that is in it; NULL is allowed. */
void mf_value_free(mf_value *value);

/*
 * Read a value. They accept NULL and a value of another kind, and return `otherwise`, NULL or 0
 * then. What they return belongs to the value. mf_integer_of accepts a double without fraction,
 * mf_double_of an integer. mf_bytes_of gives the bytes of a text, too.
 */
mf_kind mf_kind_of(const mf_value *value);
int mf_boolean_of(const mf_value *value, int otherwise);
int64_t mf_integer_of(const mf_value *value, int64_t otherwise);
double mf_double_of(const mf_value *value, double otherwise);
const char *mf_text_of(const mf_value *value, const char *otherwise);
const void *mf_bytes_of(const mf_value *value, size_t *size);
/* Items of an array, or members of a struct. */
size_t mf_count(const mf_value *value);
const mf_value *mf_item(const mf_value *value, size_t index);
/* The name of member `index` of a struct, in the order of arrival. */
const char *mf_name(const mf_value *record, size_t index);
const mf_value *mf_get(const mf_value *record, const char *name);

/* ---- Client ---------------------------------------------------------------------------------- */

typedef struct mf_app mf_app;

/* All members may be zero. */
typedef struct mf_connect_options {
  const char *name;      /* of the client in lists: 1 to 64 of A-Z a-z 0-9 . _ -; the program's */
  const char *directory; /* runtime directory of the servers; the user's, then the machine's */
  const char *right;     /* "read", "provide" or "control"; the greatest that this user has */
  int no_start;          /* do not have the host server start a configured application */
} mf_connect_options;

/*
 * Connects to an application on this host. When the app server is restarted, the client connects
 * again by itself; flows move on meanwhile. `options` may be NULL. `*app` is set also on failure,
 * for mf_app_error, and must be closed; NULL only when memory has run out.
 * BAD_NAME, BAD_OPTION, NOT_RUNNING, NOT_PERMITTED, UNKNOWN_APPLICATION, TIMED_OUT.
 */
mf_status mf_connect(const char *application, const mf_connect_options *options, mf_app **app);

/* Ends the session. Close the inputs, outputs and mirrors of the client before. NULL is allowed. */
void mf_app_close(mf_app *app);

/*
 * The text of the newest error of the client, also of opens that failed. Copied for the calling
 * thread: valid until the thread asks for another error text. Never NULL.
 */
const char *mf_app_error(mf_app *app);

/* 1 while there is a session with the app server. */
int mf_app_connected(mf_app *app);

/*
 * Calls any method of docs/xml-rpc-methods.md. `parameters` is an array or NULL for none; it stays
 * the caller's. For methods that take a session, mf_session has its token. `*result` (may be NULL)
 * belongs to the caller: mf_value_free. While the app server restarts, the call waits for it. The
 * error of the other side, TIMED_OUT after `timeout_ms`, CLOSED, INVALID_PARAMETERS, TOO_LARGE.
 */
mf_status mf_call(mf_app *app, const char *method, const mf_value *parameters, int timeout_ms,
                  mf_value **result);

/* Copies the token of the session, at most 64 characters, for mf_call. TIMED_OUT, CLOSED. */
mf_status mf_session(mf_app *app, int timeout_ms, char token[65]);

/* All flows, or all clients, of the application: an array of structs; free it. As mf_call. */
mf_status mf_flows(mf_app *app, mf_value **flows);
mf_status mf_clients(mf_app *app, mf_value **clients);

/*
 * Sends a message to all clients named `client`, or to the provider of the flow `provider`; both
 * NULL: to all other clients. `attributes` is a struct; it stays the caller's. `*received` (may be
 * NULL) is the number of clients that have queued it. UNKNOWN_CLIENT, UNKNOWN_FLOW, BAD_OPTION, as
 * mf_call.
 */
mf_status mf_send(mf_app *app, const char *client, const char *provider, const char *type,
                  const mf_value *attributes, size_t *received);

/*
 * The next message of a type. Messages are kept, at most 1,024 together, from the first call of
 * this function or of mf_subscribe for their type on. `*attributes` belongs to the caller.
 * TIMED_OUT, CLOSED, BAD_OPTION, LIMIT_REACHED for more than 64 types.
 */
mf_status mf_receive(mf_app *app, const char *type, int timeout_ms, mf_value **attributes);
mf_status mf_subscribe(mf_app *app, const char *type);

/* ---- Input ----------------------------------------------------------------------------------- */

typedef struct mf_input mf_input;

typedef enum mf_delivery {
  MF_DEFAULT_DELIVERY, /* lossless; of the flow "spectra" lossy */
  MF_LOSSLESS,         /* holds the writer back while the ring is full */
  MF_LOSSY             /* never holds the writer back */
} mf_delivery;

typedef enum mf_start {
  MF_OLDEST, /* the oldest buffer of the provider that is in the ring */
  MF_NEWEST, /* the newest one */
  MF_NEXT,   /* the next one to be published */
  MF_AT      /* that of `sequence`, or the oldest after it */
} mf_start;

/* All members may be zero. */
typedef struct mf_input_options {
  mf_delivery delivery;
  mf_start start;
  uint64_t sequence; /* for MF_AT, to 2^53 - 1 */
  const char *type;  /* the flow type that the program expects; NULL accepts every one */
} mf_input_options;

/* A buffer that was taken. */
typedef struct mf_buffer {
  const void *data;      /* in shared memory for a lossless input, else in the input's own */
  uint32_t size;         /* bytes */
  uint32_t flags;        /* of the flow type, 0 to 65,535 */
  uint64_t sequence;     /* counts the buffers of the flow within an epoch */
  uint64_t epoch;        /* changes when sequences start again at 0 */
  uint64_t timestamp_ns; /* nanoseconds since 1970 */
} mf_buffer;

/*
 * Opens a flow for reading. `options` may be NULL. On failure `*input` is NULL and mf_app_error has
 * the text. UNKNOWN_FLOW, WRONG_FLOW_TYPE, BAD_NAME, BAD_OPTION, LIMIT_REACHED, TIMED_OUT, CLOSED.
 */
mf_status mf_open_input(mf_app *app, const char *flow, const mf_input_options *options,
                        mf_input **input);

/*
 * The next buffer. It is valid until the next call of mf_take or mf_input_close; the writer may
 * fill the rest of the ring meanwhile, then it waits. When the duplicator has died, the input is
 * attached again within the call, which may last 16 s longer than stated then. MF_TIMED_OUT: no
 * buffer came. CLOSED, UNKNOWN_FLOW and others: the flow has ended.
 */
mf_status mf_take(mf_input *input, int timeout_ms, mf_buffer *buffer);

/*
 * 1 if the bytes of the buffer that was taken last are what was published. 0 only for a lossless
 * input that has become lossy by a stall timeout, whose writer has overwritten them.
 */
int mf_intact(const mf_input *input, const mf_buffer *buffer);

/* Buffers that the input was too slow for, or that were lost on their way; of lossy inputs. */
uint64_t mf_missed(const mf_input *input);
/* 1 once the input is lossy: opened so, or by a stall timeout. */
int mf_is_lossy(const mf_input *input);
/* "starting", "live", "stale" or "ended": the state of the source. Static. */
const char *mf_input_state(const mf_input *input);
/* Type and properties (JSON) of the flow. Valid until the next call of mf_take. */
const char *mf_input_identity(const mf_input *input);
/* The text of the newest error. Valid until the next call with this input. */
const char *mf_input_error(const mf_input *input);
/* Stops reading. NULL is allowed. */
void mf_input_close(mf_input *input);

/* ---- Output ---------------------------------------------------------------------------------- */

typedef struct mf_output mf_output;

typedef struct mf_output_options {
  uint32_t buffer_size;     /* most bytes of a buffer, 1 to 2^31 - 1; must be stated */
  uint32_t buffers;         /* of the ring, 2 to 1,048,576; 0: 16 */
  const char *type;         /* the flow type; NULL: bytes without a type */
  const char *properties;   /* of the flow type: JSON, at most 3,068 characters; NULL for none */
  uint32_t stall_timeout_ms; /* a lossless consumer that holds the ring so long becomes lossy */
} mf_output_options;

/* A slot that was reserved: at most `capacity` bytes may be written to `data`. */
typedef struct mf_slot {
  void *data;
  uint32_t capacity;
} mf_slot;

/*
 * Opens a flow for writing; the client is its only provider then. On failure `*output` is NULL and
 * mf_app_error has the text. FLOW_BUSY, TOO_LARGE, NO_SPACE, WRONG_FLOW_TYPE, NOT_PERMITTED,
 * BAD_NAME, BAD_OPTION, TIMED_OUT, CLOSED.
 */
mf_status mf_open_output(mf_app *app, const char *flow, const mf_output_options *options,
                         mf_output **output);

/*
 * Writes and publishes `size` bytes, now as their time, flags 0. Waits while lossless consumers
 * need the whole ring. TIMED_OUT, TOO_LARGE, CLOSED: nothing is published then.
 */
mf_status mf_write(mf_output *output, const void *data, size_t size, int timeout_ms);

/*
 * The next slot in the shared memory itself, with old bytes in it. mf_commit publishes it,
 * mf_cancel gives it back. One slot is reserved at a time: other threads wait for it as for space.
 * TIMED_OUT, CLOSED.
 */
mf_status mf_reserve(mf_output *output, int timeout_ms, mf_slot *slot);

/*
 * Publishes `size` bytes of the slot that was reserved. `timestamp_ns`: nanoseconds since 1970, 0
 * for now. `flags`: of the flow type, 0 to 65,535. When the duplicator was replaced meanwhile, the
 * bytes go into a slot of the new ring. BAD_OPTION and TOO_LARGE leave the slot reserved; CLOSED.
 */
mf_status mf_commit(mf_output *output, const mf_slot *slot, size_t size, uint64_t timestamp_ns,
                    uint32_t flags);
void mf_cancel(mf_output *output, const mf_slot *slot);

/* Most bytes of a buffer; the sequence of the next one; consumers that are attached. */
uint32_t mf_output_capacity(mf_output *output);
uint64_t mf_output_next(mf_output *output);
uint64_t mf_output_consumers(mf_output *output);
/* As mf_app_error. */
const char *mf_output_error(mf_output *output);
/* Publishes nothing more; what was published stays readable. NULL is allowed. */
void mf_output_close(mf_output *output);

/* ---- Mirror: spectra by name ----------------------------------------------------------------- */

typedef struct mf_mirror mf_mirror;
/* Spectra over one memory: the image, or one publication. */
typedef struct mf_spectra mf_spectra;

/* Most bytes of a text of the display memory as UTF-8, with the zero byte. */
#define MF_TEXT_BYTES 257

typedef struct mf_axis {
  float low, high;           /* the lower edge of the first channel, the upper one of the last */
  uint32_t bins;             /* channels */
  char label[MF_TEXT_BYTES]; /* the parameter */
} mf_axis;

typedef struct mf_spectrum {
  char name[MF_TEXT_BYTES];
  char title[MF_TEXT_BYTES];
  char type[8];           /* "1D long", "1D word", "2D long", "2D word", "2D byte" */
  uint32_t slot;          /* of the display memory */
  uint32_t dimensions;    /* 1 or 2 */
  uint32_t channel_bytes; /* 1, 2 or 4: an unsigned number of so many bytes */
  mf_axis x, y;           /* y: bins 1 for one dimension */
  uint32_t overflow[2];   /* counts above the range of x and y */
  uint32_t underflow[2];  /* and below */
  /* Counts of all stored channels, x.bins of row 0 of y first; channels of under- and overflow,
     where SpecTcl stores them, are the first and the last. May be unaligned: mf_counts reads it. */
  const void *counts;
} mf_spectrum;

/*
 * Opens the mirror of a flow; NULL: "spectra". On failure `*mirror` is NULL and mf_app_error has
 * the text. UNKNOWN_FLOW, NOT_A_MIRROR, TIMED_OUT, or the cause why it could not be started.
 */
mf_status mf_open_mirror(mf_app *app, const char *flow, mf_mirror **mirror);

/*
 * The spectra of the image: memory that each publication changes in place. They, and pointers into
 * them, are valid until the next call with the mirror. When the duplicator has died, the mirror is
 * attached again within the call, or MF_TIMED_OUT after `timeout_ms`. CLOSED and others: it ended.
 */
mf_status mf_spectra_of(mf_mirror *mirror, int timeout_ms, const mf_spectra **spectra);

/*
 * Finds a spectrum by its name. UNKNOWN_SPECTRUM; SOURCE_PROTOCOL for a definition that does not
 * fit the memory. `*spectrum` is a copy of the definition, and a pointer to the counts.
 */
mf_status mf_find(const mf_spectra *spectra, const char *name, mf_spectrum *spectrum);

/*
 * The next spectrum, by slot: begin with `*position` 0. Returns 1, or 0 after the last one.
 * Definitions that do not fit the memory are left out.
 */
int mf_each(const mf_spectra *spectra, uint32_t *position, mf_spectrum *spectrum);

/* The display memory itself, as SpecTcl lays it out; `*size` (may be NULL) in bytes. */
const void *mf_memory(const mf_spectra *spectra, size_t *size);

/* Sum of the counts of all stored channels. */
uint64_t mf_sum(const mf_spectrum *spectrum);
/* Copies `count` channels from index `first` on as u32. Returns how many there were. */
size_t mf_counts(const mf_spectrum *spectrum, size_t first, uint32_t *counts, size_t count);

/*
 * Runs `use` over one publication, and again when the writer was faster: it must have no effects
 * besides what it copies, and no pointer stays valid after it. It must bear a torn memory: only the
 * result of its last run counts, and is returned. TIMED_OUT: nothing is published yet, or the
 * writer is faster than a copy; CLOSED.
 */
typedef mf_status (*mf_use)(const mf_spectra *spectra, uint64_t sequence, uint64_t timestamp_ns,
                            void *context);
mf_status mf_read(mf_mirror *mirror, mf_use use, void *context);

/*
 * Waits for a publication that this function has not returned yet, and gives the newest one. The
 * first call waits for the next one that is published. MF_TIMED_OUT, CLOSED.
 */
mf_status mf_next_update(mf_mirror *mirror, int timeout_ms, uint64_t *sequence);

/* "starting", "live", "stale" (the source is unreachable) or "ended". Static. */
const char *mf_mirror_state(const mf_mirror *mirror);
/* The text of the newest error. Valid until the next call with this mirror. */
const char *mf_mirror_error(const mf_mirror *mirror);
/* NULL is allowed. */
void mf_mirror_close(mf_mirror *mirror);

#ifdef __cplusplus
}
#endif

#endif
