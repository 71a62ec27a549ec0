/**
 * The one error class of the project and the table of its codes.
 *
 * Every error that reaches a user, another program or a log is a `MirrorflowError` with a stable
 * `code` from this table. The table also gives the XML-RPC fault number, so that a fault arrives in
 * another process as the same error. An expected outcome (full, lapped, timed out) is a return
 * value, not an error. Pure; imported by every folder.
 */

/** Stable error codes, each with its XML-RPC fault number. Numbers are never reused. */
export const ERROR_CODES = {
  // XML-RPC interoperability codes
  PARSE_ERROR: -32700,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMETERS: -32602,
  APPLICATION_ERROR: -32500,
  TRANSPORT_ERROR: -32300,
  // codes of mirrorflow, positive
  BAD_NAME: 1,
  BAD_ADDRESS: 2,
  BAD_OPTION: 3,
  BAD_CONFIGURATION: 4,
  UNKNOWN_APPLICATION: 10,
  APPLICATION_EXISTS: 11,
  APPLICATION_UNREACHABLE: 12,
  UNKNOWN_FLOW: 13,
  FLOW_BUSY: 14,
  WRONG_FLOW_TYPE: 15,
  UNKNOWN_SESSION: 16,
  REFUSED: 17,
  UNKNOWN_SPECTRUM: 18,
  NOT_A_MIRROR: 19,
  UNKNOWN_CLIENT: 24,
  UNKNOWN_PROGRAM: 25,
  UNKNOWN_HOST: 26,
  ALREADY_RUNNING: 30,
  NOT_RUNNING: 31,
  START_FAILED: 32,
  CHILD_DIED: 33,
  STOPPED: 34,
  TIMED_OUT: 35,
  CLOSED: 36,
  SOURCE_UNREACHABLE: 50,
  SOURCE_PROTOCOL: 51,
  SOURCE_REFUSED: 52,
  TOO_LARGE: 60,
  NO_SPACE: 61,
  LIMIT_REACHED: 62,
  FILE_CORRUPT: 63,
  FILE_OWNED: 64,
  VERSION_MISMATCH: 65,
  NOT_PERMITTED: 66,
  ADDRESS_IN_USE: 67,
  BAD_MESSAGE: 68,
  SYSTEM_ERROR: 69,
} as const;

/** The name of an error, such as `NOT_RUNNING`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Values that describe an error; scalars only, since they travel in faults and log lines. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean>>;

/**
 * An error with a stable code. The message states what failed, the value found and what to do.
 * `facts` are the values of the message as fields; `cause` is the original error, if any.
 */
export class MirrorflowError extends Error {
  /** `MirrorflowError`. */
  override readonly name = 'MirrorflowError';
  /** What failed, for programs: see `ErrorCode`. */
  readonly code: ErrorCode;
  /** The values that the message states. */
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}

/** The code name of a fault number; APPLICATION_ERROR for a number that is not in the table. */
export function codeOfFault(faultCode: number): ErrorCode {
  for (const [name, number] of Object.entries(ERROR_CODES)) {
    if (number === faultCode) return name as ErrorCode;
  }
  return 'APPLICATION_ERROR';
}

/** Whether a thrown value is a MirrorflowError, with this code if one is given. */
export function isMirrorflowError(value: unknown, code?: ErrorCode): value is MirrorflowError {
  return value instanceof MirrorflowError && (code === undefined || value.code === code);
}

/** The system's error code (`ENOENT`, …) of a thrown value; undefined if it has none. */
export function systemCode(thrown: unknown): string | undefined {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return undefined;
}

/** A thrown value as text for messages and logs. */
export function describeError(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return describeError(thrown.errors[0]);
  if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message;
  return String(thrown);
}
