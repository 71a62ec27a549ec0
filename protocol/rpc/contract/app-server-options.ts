/**
 * The command line of an app server: its name and port, as the Smartflow note lists them, and one
 * JSON document, `--options`, for all else. The host server writes it, the app server reads it
 * (app-server/options.ts). Pure.
 */
import { optional, string, struct, type TypeOf } from '../xml-rpc/schema.js';
import { DIRECTORIES, LINK_SETTINGS, SECURITY_FILES } from './option-members.js';
import { APPLICATION_SETTINGS, type ApplicationOptions } from './shapes.js';

export const APP_SERVER_MEMBERS = {
  ...APPLICATION_SETTINGS,
  dataListen: optional(
    string({
      maxCharacters: 1024,
      doc: 'where data for other hosts are served, tcp://HOST:PORT or tls://HOST:PORT; needs a secret',
    }),
  ),
  dataPorts: optional(
    string({
      maxCharacters: 11,
      doc: 'ports that data for other hosts are served on, LOW-HIGH; any free ones when left out',
    }),
  ),
  ...LINK_SETTINGS,
  ...SECURITY_FILES,
  ...DIRECTORIES,
};

export const appServerDocument = struct(APP_SERVER_MEMBERS);
export type AppServerDocument = TypeOf<typeof appServerDocument>;

/**
 * The words of the command line. The port is always stated: the environment's is the host server's
 * own. Members of `own` that are undefined are left out.
 */
export function appServerArguments(
  { name, port = 0, ...settings }: ApplicationOptions,
  own: { readonly [Member in keyof AppServerDocument]?: AppServerDocument[Member] | undefined } = {},
): string[] {
  const place = { method: '--options', root: 'options', path: [], unknownMembers: 'refuse' } as const;
  const document = appServerDocument.check({ ...settings, ...own }, { ...place, path: [] });
  return ['--name', name, '--port', String(port), '--options', JSON.stringify(document)];
}
