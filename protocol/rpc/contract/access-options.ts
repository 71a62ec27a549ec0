/**
 * The access options of an application: which users besides its owner may read its flows, provide
 * flows, or control it. Part of the application options in the configuration file and in
 * `host.run`; `protocol/host/access` applies them. `applicationReaders` is who may read, as numeric
 * ids of the host: host server, app server and gateway pass it on. Pure.
 */
import { arrayOf, boolean, int, oneOf, optional, string, struct, type TypeOf } from '../xml-rpc/schema.js';

const ACCOUNTS_MAX = 256;
/** Names that useradd(8) and groupadd(8) accept, or numeric ids. */
const ACCOUNT = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\\$?';

const group = (doc: string) => string({ maxCharacters: 64, pattern: new RegExp(`^${ACCOUNT}$`), doc });
const accounts = (doc: string) =>
  arrayOf(string({ maxCharacters: 65, pattern: new RegExp(`^@?${ACCOUNT}$`), doc }), {
    maxCount: ACCOUNTS_MAX,
  });

export const ACCESS_MODES = ['private', 'group', 'everyone'] as const;

export const accessOptions = struct({
  mode: optional(oneOf(ACCESS_MODES)),
  group: optional(group("the group whose members may read, instead of the owner's group")),
  readers: optional(accounts('a user, or @ and a group, that may read in addition to the mode')),
  providers: optional(accounts('a user, or @ and a group, that may provide flows besides the owner')),
  control: optional(accounts('a user, or @ and a group, that may control the application besides the owner')),
});

export type AccessOptions = TypeOf<typeof accessOptions>;

const id = (doc: string) => int({ min: 0, max: 4_294_967_295, doc });

/** The users and groups of a machine that may read an application. */
export const applicationReaders = struct({
  owner: id('the user that owns the application'),
  everyone: boolean(),
  users: arrayOf(id('a user')),
  groups: arrayOf(id('a group')),
});

export type ApplicationReaders = TypeOf<typeof applicationReaders>;
