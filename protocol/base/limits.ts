/**
 * The limits that several modules share: sizes, counts and times, each with its unit in its name. A
 * limit of a single module is defined in that module. Relations between limits are asserted at the
 * end. Pure; imported by every folder.
 */
import { assert } from './assert.js';

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  /** Longest name of an application, flow or client. */
  nameCharacters: 64,
  /** Longest reason of a failure that is reported; a longer one is cut there. */
  causeCharacters: 4096,
  /** Longest path of a Unix socket that Linux accepts (108 with the terminating NUL). */
  unixSocketPathBytes: 107,

  /**
   * Largest file that can be mapped: the npm package `mmap-io` takes the size as a signed 32-bit
   * integer.
   */
  mappedBytesMax: 2 ** 31 - 1,
  /**
   * Largest identity (application, flow, type, properties as JSON) in a flow file: the header of
   * 4096 bytes, less its 1024 bytes of fields and the 4-byte length of the JSON. Asserted in
   * protocol/flow/flow-file/layout.ts.
   */
  identityBytes: 4096 - 1024 - 4,
  /** Slots (buffers) of the ring in a flow file. */
  slotCountMin: 2,
  slotCountMax: 1 << 20,

  /** Largest XML-RPC body over HTTP and largest message on a session. */
  rpcBodyBytes: 4 * MIB,
  /** Deepest nesting of arrays and structs in an XML-RPC value. */
  rpcDepthLevels: 32,
  /** From a call on a session to its response, unless the caller sets another time. */
  rpcCallTimeoutMs: 10_000,
  /** Calls of one session that may wait for a response; further calls are refused. */
  rpcPendingCalls: 1024,
  /** Calls in one system.multicall. */
  rpcMulticallCalls: 256,
  /** An HTTP session without a call for this long ends. */
  rpcHttpSessionIdleMs: 60_000,
  /** Open connections of one XML-RPC or session server. */
  rpcConnections: 2048,

  /**
   * Messages that may wait for one client, in the client or in the app server; beyond this limit
   * the sender gets LIMIT_REACHED.
   */
  messagesWaiting: 1024,
  /** Limit of the bytes of waiting messages. */
  messagesWaitingBytes: 16 * MIB,

  /** From the start of a child process to its report that it is ready. */
  childReadyTimeoutMs: 10_000,
  /**
   * From flow.open to its answer: may include the start of the duplicator, the allocation of 2 GiB
   * and the transfer of a memory that large.
   */
  flowOpeningTimeoutMs: 60_000,
  /** From SIGTERM to SIGKILL when a child process is stopped. */
  childStopTimeoutMs: 3_000,
  /** Stop timeout of an app server, which stops its duplicators before it exits. */
  appServerStopTimeoutMs: 7_000,
  /** Last bytes of a child's standard error that are kept for the message of a failure. */
  childStderrTailBytes: 8 * KIB,

  /** Backoff of permanent connections within one host: the first delay and the longest one. */
  reconnectFirstMs: 20,
  reconnectMaxMs: 250,

  /** Signal-link clients of one duplicator. */
  linkClients: 4096,

  /** Largest answer read from a SpecTcl REST service. */
  restBodyBytes: 64 * MIB,
  /** Longest memory key that a mirror client may register: `file:` and a path (PATH_MAX: 4096). */
  mirrorKeyBytes: 4096 + 16,
} as const;

assert(LIMITS.reconnectFirstMs <= LIMITS.reconnectMaxMs);
assert(LIMITS.slotCountMin <= LIMITS.slotCountMax);
assert(LIMITS.childStopTimeoutMs < LIMITS.appServerStopTimeoutMs);
