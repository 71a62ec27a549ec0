/**
 * Identifies the process that owns a file or socket on this host by process id, start time and
 * boot, so that a process with a reused id, or any process after a reboot, is not mistaken for the
 * owner. Used by claims, flow files, clean-up and recovery. Reads /proc only (source: proc(5)).
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
  /** The kernel's random id of the boot; undefined where none was recorded, as in a flow file. */
  readonly bootId?: string | undefined;
}

interface ProcessStat {
  readonly state: string;
  readonly startTicks: bigint;
}

const STATE_FIELD = 3;
const START_TIME_FIELD = 22;
const FIRST_FIELD_AFTER_NAME = STATE_FIELD;

let cachedOwnIdentity: OwnerIdentity | undefined;

/** The identity of this process; constant, and the same in all of its threads. */
export function ownIdentity(): OwnerIdentity {
  cachedOwnIdentity ??= {
    pid: process.pid,
    startTicks: readStat(process.pid)?.startTicks ?? 0n,
    bootId: readBootId(),
  };
  return cachedOwnIdentity;
}

/** The identity of the process that has this id now; undefined if /proc shows none. */
export function identityOfProcess(pid: number): OwnerIdentity | undefined {
  const startTicks = readStat(pid)?.startTicks;
  return startTicks === undefined ? undefined : { pid, startTicks };
}

/** The effective user of the process that has this id now; undefined if /proc shows none. */
export function userOfProcess(pid: number): number | undefined {
  try {
    const [, effective] = /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return effective === undefined ? undefined : Number(effective);
  } catch {
    return undefined;
  }
}

/**
 * Whether this process and the given one share a pid namespace, that is, mean the same process by
 * the same id: true if /proc shows a process with this id and start time.
 */
export function sharesProcessIds({ pid, startTicks }: OwnerIdentity): boolean {
  return startTicks !== 0n && readStat(pid)?.startTicks === startTicks;
}

/** `stopped` by SIGSTOP, the terminal or a debugger; such a process may continue later. */
export type ProcessState = 'alive' | 'stopped' | 'dead';

/** Process states of proc(5): zombie, dead; stopped by a signal, stopped by a tracer. */
const DEAD_STATES = 'ZXx';
const STOPPED_STATES = 'Tt';

/**
 * Whether exactly this process still runs: same boot, same start time, not a zombie. Where /proc
 * has no entry (not mounted, or hidden from other users), any process with the id counts as the
 * owner, so that in doubt an owner counts as alive.
 */
export function isAlive(identity: OwnerIdentity): boolean {
  return stateOf(identity) !== 'dead';
}

/** Like `isAlive`, and distinguishes a stopped process where /proc shows its state. */
export function stateOf({ pid, startTicks, bootId }: OwnerIdentity): ProcessState {
  // kill(2) takes 0 and negative numbers for process groups.
  if (!Number.isSafeInteger(pid) || pid <= 0) return 'dead';
  const currentBootId = ownIdentity().bootId;
  if (bootId !== undefined && currentBootId !== undefined && bootId !== currentBootId) return 'dead';
  const stat = readStat(pid);
  if (stat === undefined) return processExists(pid) ? 'alive' : 'dead';
  if (DEAD_STATES.includes(stat.state)) return 'dead';
  if (startTicks !== 0n && stat.startTicks !== startTicks) return 'dead';
  return STOPPED_STATES.includes(stat.state) ? 'stopped' : 'alive';
}

/**
 * Parses the text of /proc/pid/stat. Counts fields from the end of the command name, which may
 * contain spaces and parentheses. Undefined for any other text.
 */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const nameEnd = text.lastIndexOf(')');
  if (nameEnd < 0) return undefined;
  const fields = text
    .slice(nameEnd + 1)
    .trim()
    .split(/\s+/);
  const state = fields[STATE_FIELD - FIRST_FIELD_AFTER_NAME];
  const startTicks = fields[START_TIME_FIELD - FIRST_FIELD_AFTER_NAME];
  if (state === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) return undefined;
  return { state, startTicks: BigInt(startTicks) };
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

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
