/**
 * The registered programs of an application, which `app.run` starts on request: schema and
 * bounds. Used for application options and the options document of app servers. Pure.
 */
import { MirrorflowError } from '../../base/errors.js';
import { checkName } from '../../base/names.js';
import { NAME_JSON, arrayOf, mapOf, optional, string, struct, type TypeOf } from '../xml-rpc/schema.js';

const PROGRAMS_MAX = 64;
const ARGUMENTS_MAX = 256;

const program = struct({
  command: string({ maxCharacters: 4096, pattern: /^\/[^\0]*$/, doc: 'the absolute path of a program' }),
  args: optional(
    arrayOf(string({ maxCharacters: 4096, pattern: /^[^\0]*$/, doc: 'an argument' }), {
      maxCount: ARGUMENTS_MAX,
    }),
  ),
});

export const programs = mapOf(program, {
  json: { propertyNames: NAME_JSON, maxProperties: PROGRAMS_MAX },
});
export type Programs = TypeOf<typeof programs>;

/** Checks names and number, which the schema does not. Throws BAD_NAME or BAD_OPTION. */
export function checkPrograms(registered: Programs): Programs {
  const names = Object.keys(registered);
  for (const name of names) checkName('program', name);
  if (names.length <= PROGRAMS_MAX) return registered;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${names.length} programs are registered; at most ${PROGRAMS_MAX} are possible`,
  );
}
