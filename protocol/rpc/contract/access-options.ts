/** Who may use an application beside its owner: what the configuration says. */
import { arrayOf, oneOf, optional, string, struct, type TypeOf } from '../xml-rpc/schema.js';

const LISTED_MAX = 256;
/** Names as useradd(8) and groupadd(8) take them, or ids. */
const ACCOUNT = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\\$?';

const group = (doc: string) => string({ maxCharacters: 64, pattern: new RegExp(`^${ACCOUNT}$`), doc });
const listed = (doc: string) =>
  arrayOf(string({ maxCharacters: 65, pattern: new RegExp(`^@?${ACCOUNT}$`), doc }), {
    maxCount: LISTED_MAX,
  });

export const ACCESS_MODES = ['private', 'group', 'everyone'] as const;

export const accessOptions = struct({
  mode: optional(oneOf(ACCESS_MODES)),
  group: optional(group('the group whose members may read, in the place of the own one')),
  readers: optional(listed('a user, or @ and a group, who may read beside those of the mode')),
  providers: optional(listed('a user, or @ and a group, who may provide flows beside the owner')),
});

export type AccessOptions = TypeOf<typeof accessOptions>;
