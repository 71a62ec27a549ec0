/**
 * Creates and checks the directories of sockets and flow files. The owner and group of a directory
 * decide about local access, so a directory that other users could have prepared or can change is
 * refused. Servers prepare their directories; clients check a directory before they use its
 * sockets. Creates directories and sets their mode and group.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

import { describeError, MirrorflowError, systemCode } from '../errors.js';

export interface PreparedDirectory {
  /** Permission bits of a new directory; an existing one keeps its own. Default: 0750. */
  readonly mode?: number;
  /** Id of a group to which the process belongs. Default: the group is not changed. */
  readonly group?: number;
}

const DEFAULT_MODE = 0o750;
const GROUP_OR_WORLD_WRITABLE = 0o022;
const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/**
 * Creates the directory unless it exists, and checks that it belongs to this user. Only the last
 * component is created: a missing parent means a wrong path or a missing login session. Throws
 * NOT_PERMITTED if the path belongs to another user, is a symbolic link, is not a directory, is
 * writable by its group or by all users, or is in a directory where any user could replace it;
 * SYSTEM_ERROR or NO_SPACE if the directory cannot be created.
 */
export function prepareDirectory(path: string, options: PreparedDirectory = {}): void {
  checkParent(path);
  const mode = options.mode ?? DEFAULT_MODE;
  const created = create(path, mode);
  const stats = lstatSync(path);
  checkOwner(path, stats);
  try {
    if (options.group !== undefined && stats.gid !== options.group) chownSync(path, stats.uid, options.group);
    // The umask restricts the mode in mkdir, and a change of group may clear the set-group-id bit.
    if (created) chmodSync(path, mode);
  } catch (error) {
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `the group or mode of ${path} cannot be set: ${describeError(error)}; check that this process is a member of group ${options.group}`,
      { path },
      error,
    );
  }
}

/**
 * Whether a client can use the sockets in a runtime directory: false if there is no such directory.
 * Throws NOT_PERMITTED if it is a symbolic link, if its group or all users can change it, or if
 * `mustBeOwn` is set (for directories in /tmp) and it belongs to neither `uid` nor root.
 */
export function isUsableDirectory(path: string, uid: number, mustBeOwn: boolean): boolean {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return false;
    throw error;
  }
  checkType(path, stats);
  if (mustBeOwn && stats.uid !== uid && stats.uid !== 0) throw wrongOwner(path, stats, uid);
  return true;
}

/** False if the directory exists already. */
function create(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    const system = systemCode(error);
    if (system === 'EEXIST') return false;
    const code =
      system === 'ENOSPC' || system === 'EDQUOT'
        ? 'NO_SPACE'
        : system === 'EACCES' || system === 'EPERM'
          ? 'NOT_PERMITTED'
          : 'SYSTEM_ERROR';
    throw new MirrorflowError(
      code,
      `the directory ${path} cannot be created: ${describeError(error)}`,
      { path },
      error,
    );
  }
}

function checkParent(path: string): void {
  const parent = dirname(path);
  let stats: Stats;
  try {
    stats = lstatSync(parent);
    // A symbolic link as parent is the administrator's choice (/var/run is one); its target is
    // checked.
    if (stats.isSymbolicLink()) stats = lstatSync(`${parent}/.`);
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the directory ${path} cannot be created: ${parent} does not exist or is not accessible (${describeError(error)}); create it, or choose another directory`,
      { path, parent },
      error,
    );
  }
  if ((stats.mode & WORLD_WRITABLE) !== 0 && (stats.mode & STICKY) === 0) {
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `${parent} is writable by all users and has no sticky bit, so that any user could replace ${path}; choose another directory`,
      { path, parent },
    );
  }
}

function checkOwner(path: string, stats: Stats): void {
  checkType(path, stats);
  const uid = process.geteuid?.() ?? stats.uid;
  if (stats.uid !== uid) throw wrongOwner(path, stats, uid);
}

function checkType(path: string, stats: Stats): void {
  const mode = (stats.mode & 0o7777).toString(8);
  const problem = stats.isSymbolicLink()
    ? 'is a symbolic link'
    : !stats.isDirectory()
      ? 'is not a directory'
      : (stats.mode & GROUP_OR_WORLD_WRITABLE) !== 0
        ? `is writable by its group or by all users (mode ${mode})`
        : undefined;
  if (problem === undefined) return;
  throw new MirrorflowError('NOT_PERMITTED', `${path} ${problem}; remove it or choose another directory`, {
    path,
  });
}

function wrongOwner(path: string, stats: Stats, uid: number): MirrorflowError {
  return new MirrorflowError(
    'NOT_PERMITTED',
    `${path} belongs to user ${stats.uid}, and this process runs as user ${uid}; choose another directory`,
    { path, owner: stats.uid, uid },
  );
}
