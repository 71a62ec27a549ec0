/** The gateway's command line: which application, where its app server is, and the options that it was given. */
import { parseArgs } from 'node:util';
import { gatewayOptions, type GatewayOptions } from '../protocol/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/directories.js';
import { MirrorflowError, describeError } from '../protocol/errors.js';
import { checkName } from '../protocol/names.js';

const DEFAULT_MODE = 0o600;

export interface GatewayProgramOptions {
  readonly app: string;
  readonly gateway: GatewayOptions;
  /** Session socket of the app server. */
  readonly parent: string;
  readonly directory: string;
  readonly flowDirectory: string;
}

/** Throws BAD_OPTION or BAD_NAME naming the option. */
export function parseOptions(args: readonly string[], env: Environment): GatewayProgramOptions {
  const values = parse(args);
  const uid = process.geteuid?.() ?? 0;
  const { app, options, parent } = values;
  if (app === undefined || options === undefined || parent === undefined) {
    throw new MirrorflowError('BAD_OPTION', '--app, --options and --parent are needed');
  }
  return {
    app: checkName('application', app),
    gateway: readGatewayOptions(options),
    parent,
    directory: runtimeDirectory({ env, uid, directory: values.directory }),
    flowDirectory: flowDirectory({ env, uid, directory: values['flow-dir'] }),
  };
}

/** Permission bits of the shared memory: its owner's alone, unless stated otherwise. */
export function memoryMode({ sharedMemoryMode }: GatewayOptions): number {
  return sharedMemoryMode === undefined ? DEFAULT_MODE : Number.parseInt(sharedMemoryMode, 8);
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { app: text, options: text, parent: text, directory: text, 'flow-dir': text },
    }).values;
  } catch (error) {
    throw new MirrorflowError('BAD_OPTION', describeError(error), {}, error);
  }
}

function readGatewayOptions(text: string): GatewayOptions {
  try {
    const place = { method: '--options', root: 'options', unknownMembers: 'refuse' } as const;
    return gatewayOptions.check(JSON.parse(text), { ...place, path: [] });
  } catch (error) {
    throw new MirrorflowError('BAD_OPTION', describeError(error), { option: 'options' }, error);
  }
}
