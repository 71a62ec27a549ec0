/**
 * Every bound of the system that more than one module must agree on: its name with its unit, in one
 * place. A bound that only one module knows stands in that module. Relations between bounds are
 * asserted below.
 */
import assert from 'node:assert/strict';

const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  /** Longest name of an application, flow or client. */
  nameCharacters: 64,
  /** Longest path of a Unix socket the kernel takes (108 with its NUL). */
  unixSocketPathBytes: 107,

  /** Largest file that can be mapped: mmap-io takes the size as a signed 32-bit integer. */
  mappedBytes: 2 ** 31 - 1,
  /** Largest identity JSON in a flow file: it fills the header behind its length word. */
  identityBytes: 4096 - 1024 - 4,
  slotCountMin: 2,
  slotCountMax: 1 << 20,

  /** Largest XML-RPC body over HTTP and largest message on a session. */
  rpcBodyBytes: 4 * MIB,
  /** Deepest nesting of arrays and structs in an XML-RPC value. */
  rpcDepth: 32,
  rpcCallTimeoutMs: 10_000,
  /** Calls of one session that may wait for an answer; more are refused. */
  rpcPendingCalls: 1024,
  /** Calls one system.multicall may hold. */
  rpcMulticallCalls: 256,
  /** HTTP sessions that do not call for this long end. */
  rpcHttpSessionIdleMs: 60_000,
  /** Open connections of one XML-RPC or session server. */
  rpcConnections: 2048,

  /**
   * Messages that may wait for one client, at its own end or at the app server's; then senders get
   * LIMIT_REACHED.
   */
  messagesWaiting: 1024,
  messagesWaitingBytes: 16 * MIB,

  /** A started child must have reported ready within this time. */
  childReadyTimeoutMs: 10_000,
  /**
   * Opening a flow may include the start of its duplicator, the allocation of 2 GiB and the whole
   * transfer of a memory that large.
   */
  flowOpeningTimeoutMs: 60_000,
  /** From SIGTERM to SIGKILL. */
  childStopTimeoutMs: 3_000,
  /** The same for an app server, which stops its duplicators before it ends. */
  appServerStopTimeoutMs: 7_000,
  /** Last bytes of a child's standard error that are kept for its failure message. */
  childStderrTailBytes: 8 * KIB,

  /** Reconnection backoff of permanent connections on one host. */
  reconnectFirstMs: 20,
  reconnectMaxMs: 250,

  /**
   * What a client of a datagram link adds to the server's socket path for its own: "." and 16
   * hexadecimal digits.
   */
  datagramPeerSuffixBytes: 17,
  /** Signal-link clients of one duplicator. */
  linkClients: 4096,

  /** Largest answer read from a SpecTcl REST service. */
  restBodyBytes: 64 * MIB,
  /** Longest memory key a mirror client may register: a path behind `file:`. */
  mirrorKeyBytes: 4096 + 16,
} as const;

assert(LIMITS.reconnectFirstMs <= LIMITS.reconnectMaxMs);
assert(LIMITS.slotCountMin <= LIMITS.slotCountMax);
