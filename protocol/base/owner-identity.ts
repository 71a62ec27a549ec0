/**
 * Who owns a file or socket on this host: process id, its start time and the boot it lives in, so
 * that a reused process id or a file from before a reboot is never taken for its living owner.
 * Source: proc(5), /proc/pid/stat.
 */
import { readFileSync } from 'node:fs';

import { systemCode } from './errors.js';

export interface OwnerIdentity {
  /** Process id; a u32 in the flow file. */
  readonly pid: number;
  /**
   * Start time in clock ticks since boot; a u64 in the flow file. 0 where the system has no /proc.
   */
  readonly startTicks: bigint;
  /**
   * The kernel's random id of this boot; undefined where it is not known, as in a flow file's
   * header.
   */
  readonly bootId?: string | undefined;
}

interface ProcessStat {
  readonly state: string;
  readonly startTicks: bigint;
}

const STATE_FIELD = 3;
const START_TIME_FIELD = 22;
const FIRST_FIELD_BEHIND_NAME = STATE_FIELD;

let own: OwnerIdentity | undefined;

/** The identity of this process. The same for all of its threads; it never changes. */
export function ownIdentity(): OwnerIdentity {
  own ??= {
    pid: process.pid,
    startTicks: readStat(process.pid)?.startTicks ?? 0n,
    bootId: readBootId(),
  };
  return own;
}

/** A process that runs now, as far as it can be looked at. */
export function processOf(pid: number): OwnerIdentity | undefined {
  const startTicks = readStat(pid)?.startTicks;
  return startTicks === undefined ? undefined : { pid, startTicks };
}

/**
 * Whether this process sees that very one under its id: then the two mean the same by a process id,
 * as containers may not.
 */
export function sharesProcessIds({ pid, startTicks }: OwnerIdentity): boolean {
  return startTicks !== 0n && readStat(pid)?.startTicks === startTicks;
}

/**
 * What a process is doing, as far as others have to know. `stopped`: by SIGSTOP, the terminal or a
 * debugger, until it is let go on.
 */
export type ProcessState = 'alive' | 'stopped' | 'dead';

/** Letters of proc(5). */
const DEAD_STATES = 'ZXx';
const STOPPED_STATES = 'Tt';

/**
 * Whether that very process still runs: same boot, same start time, not a zombie. Without an entry
 * in /proc (none mounted, or other users' are hidden) the answer is whether any process has the id,
 * so that in doubt an owner lives.
 */
export function isAlive(identity: OwnerIdentity): boolean {
  return stateOf(identity) !== 'dead';
}

/** The same, and whether it is stopped, as far as it can be looked at. */
export function stateOf({ pid, startTicks, bootId }: OwnerIdentity): ProcessState {
  // 0 and negative numbers mean process groups to kill(2).
  if (!Number.isSafeInteger(pid) || pid <= 0) return 'dead';
  const bootNow = ownIdentity().bootId;
  if (bootId !== undefined && bootNow !== undefined && bootId !== bootNow) return 'dead';
  const stat = readStat(pid);
  if (stat === undefined) return hasProcess(pid) ? 'alive' : 'dead';
  if (DEAD_STATES.includes(stat.state)) return 'dead';
  if (startTicks !== 0n && stat.startTicks !== startTicks) return 'dead';
  return STOPPED_STATES.includes(stat.state) ? 'stopped' : 'alive';
}

/**
 * Reads what stands behind the command name, which may itself hold spaces and parentheses.
 * Undefined for anything else.
 */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const nameEnd = text.lastIndexOf(')');
  if (nameEnd < 0) return undefined;
  const fields = text
    .slice(nameEnd + 1)
    .trim()
    .split(/\s+/);
  const state = fields[STATE_FIELD - FIRST_FIELD_BEHIND_NAME];
  const start = fields[START_TIME_FIELD - FIRST_FIELD_BEHIND_NAME];
  if (state === undefined || start === undefined || !/^\d+$/.test(start)) return undefined;
  return { state, startTicks: BigInt(start) };
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
