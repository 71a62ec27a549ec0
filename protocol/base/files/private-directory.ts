/**
 * Creates and checks the directories that servers keep sockets and flow files in. Local access is
 * decided by a directory's owner and group, so a directory that others could have prepared or can
 * change is refused.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

import { describeError, MirrorflowError, systemCode } from '../errors.js';

export interface PreparedDirectory {
  /**
   * Permission bits of a directory that is created; one that exists keeps its own. Default 0750.
   */
  readonly mode?: number;
  /** Group id that shall have access; the process must be a member. Default: left as it is. */
  readonly group?: number;
}

const DEFAULT_MODE = 0o750;
const GROUP_OR_WORLD_WRITABLE = 0o022;
const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/**
 * Creates the directory unless it exists, and checks that it is this user's own. Only the last
 * component is created: a missing parent means a wrong path or a missing login session, and parents
 * made on the way would belong to nobody's plan. Throws NOT_PERMITTED when it is somebody else's, a
 * symbolic link, no directory, or group- or world-writable, or lies where anybody could exchange
 * it; SYSTEM_ERROR or NO_SPACE when it cannot be created.
 */
export function prepareDirectory(path: string, options: PreparedDirectory = {}): void {
  checkParent(path);
  const mode = options.mode ?? DEFAULT_MODE;
  const created = create(path, mode);
  const found = lstatSync(path);
  checkOwn(path, found);
  try {
    if (options.group !== undefined && found.gid !== options.group) chownSync(path, found.uid, options.group);
    // The umask has its say in mkdir, and a change of group may drop the set-group-id bit.
    if (created) chmodSync(path, mode);
  } catch (error) {
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `the group or mode of ${path} cannot be set: ${describeError(error)}; is this process a member of group ${options.group}?`,
      { path },
      error,
    );
  }
}

/**
 * Whether a client may use what stands in a runtime directory: false when there is none. Throws
 * NOT_PERMITTED when it is a symbolic link, others can change it, or it belongs to neither `uid`
 * nor root although `mustBeOwn` is set, as for those in /tmp.
 */
export function isUsableDirectory(path: string, uid: number, mustBeOwn: boolean): boolean {
  let found: Stats;
  try {
    found = lstatSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return false;
    throw error;
  }
  checkShape(path, found);
  if (mustBeOwn && found.uid !== uid && found.uid !== 0) throw foreign(path, found, uid);
  return true;
}

function create(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return false;
    const kind =
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'NO_SPACE'
        : code === 'EACCES' || code === 'EPERM'
          ? 'NOT_PERMITTED'
          : 'SYSTEM_ERROR';
    throw new MirrorflowError(
      kind,
      `the directory ${path} cannot be created: ${describeError(error)}`,
      { path },
      error,
    );
  }
}

function checkParent(path: string): void {
  const parent = dirname(path);
  let found: Stats;
  try {
    found = lstatSync(parent);
    // A link above our own directory is the administrator's choice (/var/run is one); what it leads
    // to counts.
    if (found.isSymbolicLink()) found = lstatSync(`${parent}/.`);
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the directory ${path} cannot be created: ${parent} is not there (${describeError(error)}); create it, or choose another`,
      { path, parent },
      error,
    );
  }
  if ((found.mode & WORLD_WRITABLE) !== 0 && (found.mode & STICKY) === 0) {
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `${parent} is writable by everybody without the sticky bit, so that anybody could exchange ${path}; choose another directory`,
      { path, parent },
    );
  }
}

function checkOwn(path: string, found: Stats): void {
  checkShape(path, found);
  const uid = process.geteuid?.() ?? found.uid;
  if (found.uid !== uid) throw foreign(path, found, uid);
}

function checkShape(path: string, found: Stats): void {
  const mode = (found.mode & 0o7777).toString(8);
  const problem = found.isSymbolicLink()
    ? 'is a symbolic link'
    : !found.isDirectory()
      ? 'is not a directory'
      : (found.mode & GROUP_OR_WORLD_WRITABLE) !== 0
        ? `can be changed by its group or by everybody (mode ${mode})`
        : undefined;
  if (problem === undefined) return;
  throw new MirrorflowError('NOT_PERMITTED', `${path} ${problem}; remove it or choose another directory`, {
    path,
  });
}

function foreign(path: string, found: Stats, uid: number): MirrorflowError {
  return new MirrorflowError(
    'NOT_PERMITTED',
    `${path} belongs to user ${found.uid}, and this process runs as user ${uid}; choose another directory`,
    { path, owner: found.uid, uid },
  );
}
