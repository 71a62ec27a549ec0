/**
 * Parses the command line of the gateway program: application, app server, gateway options.
 *
 * `main.ts` calls it. Reads the environment for default directories. Pure: no I/O.
 */
import { gatewayOptions, type GatewayOptions } from '../protocol/rpc/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { MirrorflowError, describeError } from '../protocol/base/errors.js';
import { checkName } from '../protocol/base/names.js';
import { helpOfTable, readOptionTable, type OptionTable } from '../protocol/host/process-kit/option-table.js';

const DEFAULT_MODE = 0o600;

const TABLE = {
  app: { value: 'NAME', help: 'application' },
  options: { value: 'JSON', help: "gateway options, as host.run's member gateway" },
  parent: { value: 'PATH', help: 'session socket of the app server' },
  directory: { value: 'DIR', help: 'runtime directory' },
  'flow-dir': { value: 'DIR', help: 'directory of the flow files' },
} as const satisfies OptionTable;

export interface GatewayProgramOptions {
  readonly app: string;
  readonly gateway: GatewayOptions;
  /** Session socket of the app server. */
  readonly parent: string;
  readonly directory: string;
  readonly flowDirectory: string;
}

export function gatewayHelp(): string {
  return helpOfTable(['gateway --app NAME --options JSON --parent PATH'], TABLE);
}

/** Throws BAD_OPTION or BAD_NAME with the name of the option. */
export function parseOptions(args: readonly string[], env: Environment): GatewayProgramOptions {
  const values = readOptionTable(TABLE, args);
  const uid = process.geteuid?.() ?? 0;
  const { app, options, parent } = values;
  if (app === undefined || options === undefined || parent === undefined) {
    throw new MirrorflowError('BAD_OPTION', '--app, --options and --parent are required');
  }
  return {
    app: checkName('application', app),
    gateway: readGatewayOptions(options),
    parent,
    directory: runtimeDirectory({ env, uid, directory: values.directory }),
    flowDirectory: flowDirectory({ env, uid, directory: values['flow-dir'] }),
  };
}

/** Permission bits of the shared memory; default: its owner only. */
export function memoryMode({ sharedMemoryMode }: GatewayOptions): number {
  return sharedMemoryMode === undefined ? DEFAULT_MODE : Number.parseInt(sharedMemoryMode, 8);
}

function readGatewayOptions(text: string): GatewayOptions {
  try {
    const place = { method: '--options', root: 'options', unknownMembers: 'refuse' } as const;
    return gatewayOptions.check(JSON.parse(text), { ...place, path: [] });
  } catch (error) {
    throw new MirrorflowError('BAD_OPTION', describeError(error), { option: 'options' }, error);
  }
}
