/**
 * One line of the record of who changed a SpecTcl, as JSON. The web viewer writes and shows it, the
 * console shows it; `change-files.ts` has the files. Pure.
 */

export interface ChangeRecordLine {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** `page` for a browser, `program` for another client. */
  readonly who: string;
  /** IP address of the other end of the connection. */
  readonly address: string;
  /** As a person reads it: "zero tof". */
  readonly change: string;
  readonly done: boolean;
  /** Why it was not done, in SpecTcl's words where it refused; empty when it was. */
  readonly reason: string;
  /** The whole request. */
  readonly request?: unknown;
}

/** Undefined for a line that is no record; never throws. */
export function parseChangeRecord(line: string): ChangeRecordLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { timeMs, who, address, change, done, reason, request } = parsed as Readonly<Record<string, unknown>>;
  if (typeof timeMs !== 'number' || typeof who !== 'string' || typeof address !== 'string') return undefined;
  if (typeof change !== 'string' || typeof done !== 'boolean' || typeof reason !== 'string') return undefined;
  return { timeMs, who, address, change, done, reason, request };
}
