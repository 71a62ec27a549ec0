/**
 * The command line of a gateway: the name of its application, as of an app server, and one JSON
 * document, `--options`, for all else. The app server writes it, the gateway reads it
 * (gateway/options.ts). Pure.
 */
import { string, struct, type TypeOf } from '../xml-rpc/schema.js';
import { DIRECTORIES, SECURITY_FILES } from './option-members.js';
import { gatewayOptions } from './shapes.js';

export const GATEWAY_MEMBERS = {
  gateway: gatewayOptions,
  parent: string({ maxCharacters: 4096, doc: 'session socket of the app server' }),
  tlsCert: SECURITY_FILES.tlsCert,
  tlsKey: SECURITY_FILES.tlsKey,
  ...DIRECTORIES,
};

export const gatewayDocument = struct(GATEWAY_MEMBERS);

export function gatewayArguments(name: string, document: TypeOf<typeof gatewayDocument>): string[] {
  return ['--name', name, '--options', JSON.stringify(document)];
}
