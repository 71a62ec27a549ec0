/**
 * Parses the command line of the gateway program: the application, and the document of `--options`
 * with the services it offers and the socket of its app server.
 *
 * `main.ts` calls it once. Reads the environment for default directories. Pure: no I/O.
 */
import { GATEWAY_MEMBERS, gatewayDocument } from '../protocol/rpc/contract/gateway-options.js';
import type { GatewayOptions } from '../protocol/rpc/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { checkName } from '../protocol/base/names.js';
import {
  helpOfTable,
  readDocument,
  readOptionTable,
  type OptionTable,
} from '../protocol/host/process-kit/option-table.js';

const DEFAULT_MODE = 0o600;

const TABLE = {
  name: { value: 'NAME', help: 'application' },
  options: { value: 'JSON', help: 'all else, one JSON document' },
} as const satisfies OptionTable;

export interface GatewayProgramOptions {
  readonly app: string;
  readonly gateway: GatewayOptions;
  /** Session socket of the app server. */
  readonly parent: string;
  /** Files of the certificate of this host and its key. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly directory: string;
  readonly flowDirectory: string;
}

export function gatewayHelp(): string {
  return helpOfTable(['gateway --name NAME --options JSON'], TABLE, GATEWAY_MEMBERS);
}

/** Throws BAD_OPTION or BAD_NAME with the name of the option. */
export function parseOptions(args: readonly string[], env: Environment): GatewayProgramOptions {
  const { name, options } = readOptionTable(TABLE, args);
  const uid = process.geteuid?.() ?? 0;
  if (name === undefined || options === undefined) {
    throw new MirrorflowError('BAD_OPTION', '--name and --options are required');
  }
  const document = readDocument(gatewayDocument, options);
  const { gateway, parent, tlsCert, tlsKey, directory, flowDirectory: flows } = document;
  return {
    app: checkName('application', name),
    gateway,
    parent,
    tlsCert,
    tlsKey,
    directory: runtimeDirectory({ env, uid, directory }),
    flowDirectory: flowDirectory({ env, uid, directory: flows }),
  };
}

/** Permission bits of the shared memory; default: its owner only. */
export function memoryMode({ sharedMemoryMode }: GatewayOptions): number {
  return sharedMemoryMode === undefined ? DEFAULT_MODE : Number.parseInt(sharedMemoryMode, 8);
}
