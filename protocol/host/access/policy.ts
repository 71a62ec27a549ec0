/**
 * Translates the configured access of an application to modes, group and access list entries; see
 * access.ts for their use. Pure: the accounts of the machine are a parameter.
 *
 * | mode       | flow files | images | sockets | the application's flow directory |
 * | ---------- | ---------- | ------ | ------- | -------------------------------- |
 * | `private`  | 0600       | 0600   | 0600    | 0700                             |
 * | `group`    | 0640       | 0640   | 0660    | 0750                             |
 * | `everyone` | 0644       | 0644   | 0666    | 0755                             |
 *
 * A provider writes into the flow file itself, so that providers get write access to it: the
 * members of `group` by its mode, all others by an access list. A reader connects to the sockets.
 */
import { MirrorflowError } from '../../base/errors.js';
import type { Accounts } from './accounts.js';
import type { AccessOptions } from '../../rpc/contract/access-options.js';

export type GrantedKind = 'flow file' | 'image' | 'socket' | 'directory';

export interface AccessPolicy {
  readonly modes: Readonly<Record<GrantedKind, number>>;
  /** Numeric group; undefined for the process's own. */
  readonly gid: number | undefined;
  /** Entries in the words of setfacl(1), without rights: `u:1000`. */
  readonly readers: readonly string[];
  readonly providers: readonly string[];
  /**
   * Whether users beyond the owner's group must pass through the directories of all applications.
   */
  readonly passage: boolean;
}

const MODES = {
  private: { 'flow file': 0o600, image: 0o600, socket: 0o600, directory: 0o700 },
  group: { 'flow file': 0o640, image: 0o640, socket: 0o660, directory: 0o750 },
  everyone: { 'flow file': 0o644, image: 0o644, socket: 0o666, directory: 0o755 },
} as const satisfies Record<string, Record<GrantedKind, number>>;

const GROUP_WRITES = 0o020;

const RIGHTS: Readonly<Record<GrantedKind, readonly [reader: string, provider: string]>> = {
  'flow file': ['r', 'rw'],
  image: ['r', 'r'],
  socket: ['rw', 'rw'],
  directory: ['rx', 'rx'],
};

/** Throws BAD_OPTION naming an unknown user or group, or options that contradict each other. */
export function accessPolicy(options: AccessOptions, accounts: Accounts): AccessPolicy {
  const { mode = 'group', group, readers = [], providers = [] } = options;
  if (mode === 'private' && group !== undefined)
    throw bad(`access is private, which leaves group ${group} no access; use mode "group"`);
  const gid = group === undefined ? undefined : groupId(group, accounts);
  if (gid !== undefined && accounts.ownGroups?.has(gid) === false)
    throw bad(`files cannot be given to group ${group}: this user is no member of it`);
  const entries = { readers: readers.map((name) => entryOf(name, accounts)), providers: [] as string[] };
  let flowFile: number = MODES[mode]['flow file'];
  for (const name of providers) {
    const entry = entryOf(name, accounts);
    if (gid !== undefined && entry === `g:${gid}`) flowFile |= GROUP_WRITES;
    else entries.providers.push(entry);
  }
  return {
    modes: { ...MODES[mode], 'flow file': flowFile },
    gid,
    ...entries,
    passage: mode === 'everyone' || gid !== undefined || readers.length + providers.length > 0,
  };
}

/** The entries for setfacl(1); empty when the mode suffices. A provider is a reader too. */
export function accessList({ readers, providers }: AccessPolicy, kind: GrantedKind): string {
  const [read, provide] = RIGHTS[kind];
  const onlyReaders = readers.filter((entry) => !providers.includes(entry));
  return [
    ...onlyReaders.map((entry) => `${entry}:${read}`),
    ...providers.map((entry) => `${entry}:${provide}`),
  ].join(',');
}

function entryOf(name: string, accounts: Accounts): string {
  if (name.startsWith('@')) return `g:${groupId(name.slice(1), accounts)}`;
  const uid = accounts.user(name);
  if (uid === undefined) throw bad(`there is no user ${name} on this machine; a group is written @${name}`);
  return `u:${uid}`;
}

function groupId(name: string, accounts: Accounts): number {
  const gid = accounts.group(name);
  if (gid === undefined) throw bad(`there is no group ${name} on this machine`);
  return gid;
}

function bad(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
