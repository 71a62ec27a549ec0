/**
 * Translates the configured access of an application to modes, group and access list entries; see
 * access.ts for their use. Pure: the accounts of the machine are a parameter.
 *
 * | mode       | flow files | images | read socket | read token | the application's flow directory |
 * | ---------- | ---------- | ------ | ----------- | ---------- | -------------------------------- |
 * | `private`  | 0600       | 0600   | 0600        | 0600       | 0700                             |
 * | `group`    | 0640       | 0640   | 0660        | 0640       | 0750                             |
 * | `everyone` | 0644       | 0644   | 0666        | 0644       | 0755                             |
 *
 * Sockets and tokens for providing and control are the owner's, 0600. A provider writes into the
 * flow file itself, so that providers get write access to it. Accounts that are listed get their
 * right by an access list; the members of `group`, listed as `@group`, by the mode.
 */
import { MirrorflowError } from '../../base/errors.js';
import { includesRight, USER_RIGHTS, type UserRight } from '../../base/rights.js';
import type { Accounts } from './accounts.js';
import type { AccessOptions } from '../../rpc/contract/access-options.js';

export type GrantedKind = 'flow file' | 'image' | 'directory' | `${UserRight} socket` | `${UserRight} token`;

/** A user or group by its numeric id, and the right that it was given by name. */
export interface NamedAccount {
  readonly kind: 'user' | 'group';
  readonly id: number;
  readonly right: UserRight;
}

export interface AccessPolicy {
  /** Numeric group; undefined for the process's own. */
  readonly gid: number | undefined;
  /** What members of the group may do, and all other users of the machine. */
  readonly group: UserRight | undefined;
  readonly others: UserRight | undefined;
  /** Each account once, with the greatest right that it is listed for. */
  readonly named: readonly NamedAccount[];
  /**
   * Whether users beyond the owner's group must pass through the directories of all applications.
   */
  readonly passage: boolean;
}

/** An entry of an access list; `bits` as in one digit of an octal mode. */
export interface AccessEntry {
  readonly kind: 'user' | 'group';
  readonly id: number;
  readonly bits: number;
}

const READ = 4;
const WRITE = 2;
const PASS = 1;

/** Throws BAD_OPTION naming an unknown user or group, or options that contradict each other. */
export function accessPolicy(options: AccessOptions, accounts: Accounts): AccessPolicy {
  const { mode = 'group', group, readers = [], providers = [], control = [] } = options;
  if (mode === 'private' && group !== undefined)
    throw bad(`access is private, which leaves group ${group} no access; use mode "group"`);
  const gid = group === undefined ? undefined : groupId(group, accounts);
  if (gid !== undefined && accounts.ownGroups?.has(gid) === false)
    throw bad(`files cannot be given to group ${group}: this user is no member of it`);
  const named = new Map<string, NamedAccount>();
  let ofGroup: UserRight | undefined = mode === 'private' ? undefined : 'read';
  for (const [right, names] of [
    ['read', readers],
    ['provide', providers],
    ['control', control],
  ] as const) {
    for (const name of names) {
      const account = accountOf(name, accounts);
      if (account.kind === 'group' && account.id === gid) ofGroup = right;
      // Later rights are greater: the last one counts.
      else named.set(`${account.kind} ${account.id}`, { ...account, right });
    }
  }
  return {
    gid,
    group: ofGroup,
    others: mode === 'everyone' ? 'read' : undefined,
    named: [...named.values()],
    passage: mode === 'everyone' || gid !== undefined || named.size > 0,
  };
}

/** Permission bits of a file of this kind. */
export function modeOf({ group, others }: AccessPolicy, kind: GrantedKind): number {
  const owner = kind === 'directory' ? READ | WRITE | PASS : READ | WRITE;
  return (owner << 6) | (bitsOf(kind, group) << 3) | bitsOf(kind, others);
}

/** The entries of the accounts that are listed by name; none when the mode suffices. */
export function accessList({ named }: AccessPolicy, kind: GrantedKind): AccessEntry[] {
  return named
    .map(({ kind: accountKind, id, right }) => ({ kind: accountKind, id, bits: bitsOf(kind, right) }))
    .filter(({ bits }) => bits > 0);
}

/** What an account with this right may do with a file of this kind. */
function bitsOf(kind: GrantedKind, right: UserRight | undefined): number {
  if (right === undefined) return 0;
  switch (kind) {
    case 'flow file':
      return includesRight(right, 'provide') ? READ | WRITE : READ;
    case 'image':
      return READ;
    case 'directory':
      return READ | PASS;
    default: {
      const needed = USER_RIGHTS.find((known) => kind.startsWith(known)) ?? 'control';
      if (!includesRight(right, needed)) return 0;
      return kind.endsWith('socket') ? READ | WRITE : READ;
    }
  }
}

function accountOf(name: string, accounts: Accounts): Pick<NamedAccount, 'kind' | 'id'> {
  if (name.startsWith('@')) return { kind: 'group', id: groupId(name.slice(1), accounts) };
  const id = accounts.user(name);
  if (id === undefined) throw bad(`there is no user ${name} on this machine; a group is written @${name}`);
  return { kind: 'user', id };
}

function groupId(name: string, accounts: Accounts): number {
  const gid = accounts.group(name);
  if (gid === undefined) throw bad(`there is no group ${name} on this machine`);
  return gid;
}

function bad(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
