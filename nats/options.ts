/**
 * The command line of the NATS process, and the options that its host server has left for it. Read
 * by `main.ts`. Reads the options file of the runtime directory.
 */
import { MirrorflowError } from '../protocol/base/errors.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { helpOfTable, readOptionTable, type OptionTable } from '../protocol/host/process-kit/option-table.js';
import { readNatsOptions, type NatsOptions } from '../protocol/nats/options.js';

const TABLE = {
  directory: { value: 'DIR', help: 'runtime directory of the host server' },
  'flow-dir': { value: 'DIR', help: 'directory of the flow files' },
} as const satisfies OptionTable;

export interface NatsProgramOptions {
  readonly directory: string;
  readonly flowDirectory: string;
  readonly nats: NatsOptions;
}

export function natsHelp(): string {
  return helpOfTable(['nats --directory DIR --flow-dir DIR'], TABLE);
}

/** Throws BAD_OPTION, BAD_CONFIGURATION. */
export function parseOptions(args: readonly string[], env: Environment): NatsProgramOptions {
  const given = readOptionTable(TABLE, args);
  const uid = process.geteuid?.() ?? 0;
  const directory = runtimeDirectory({ env, uid, directory: given.directory });
  const nats = readNatsOptions(directory);
  if (nats === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the host server of ${directory} takes part in no collaboration over NATS: state nats in its configuration`,
      { directory },
    );
  }
  return { directory, flowDirectory: flowDirectory({ env, uid, directory: given['flow-dir'] }), nats };
}
