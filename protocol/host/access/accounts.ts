/**
 * Numeric ids of users and groups of this machine by name: from /etc/passwd and /etc/group, else
 * from the system's other sources (getent(1): LDAP, SSS). Used by the access policy, and by
 * `mirrorflow doctor`. Reads files, runs getent.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Accounts {
  /** Numeric id; undefined for an unknown name. */
  user(name: string): number | undefined;
  group(name: string): number | undefined;
  /** Groups that this process can give a file to; undefined when it may give it to any. */
  readonly ownGroups: ReadonlySet<number> | undefined;
}

const GETENT_TIMEOUT_MS = 5_000;
/** name:password:id:… in both passwd(5) and group(5). */
const ID_FIELD = 2;

export function systemAccounts(): Accounts {
  const groups = [...(process.getgroups?.() ?? []), process.getegid?.() ?? 0];
  return {
    user: (name) => idOf('passwd', name),
    group: (name) => idOf('group', name),
    ownGroups: process.geteuid?.() === 0 ? undefined : new Set(groups),
  };
}

/** The name of a numeric user id; `user 1000` where the machine knows none. */
export function nameOfUser(uid: number): string {
  const isOfUser = (line: string): boolean => line.split(':')[ID_FIELD] === String(uid);
  const nameIn = (text: string): string | undefined => text.split('\n').find(isOfUser)?.split(':')[0];
  return nameIn(fileText('/etc/passwd')) || nameIn(getent('passwd', String(uid))) || `user ${uid}`;
}

function idOf(database: 'passwd' | 'group', name: string): number | undefined {
  if (/^\d{1,9}$/.test(name)) return Number(name);
  return idIn(fileText(`/etc/${database}`), name) ?? idIn(getent(database, name), name);
}

function idIn(text: string, name: string): number | undefined {
  const line = text.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const id = line?.split(':')[ID_FIELD] ?? '';
  return /^\d+$/.test(id) ? Number(id) : undefined;
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function getent(database: string, name: string): string {
  try {
    return execFileSync('getent', [database, name], {
      timeout: GETENT_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
  } catch {
    return ''; // getent is not installed, or the name is unknown
  }
}
