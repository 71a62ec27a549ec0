/**
 * Parses the command line of the recorder program: the application, and the document of `--options`
 * with what it records, where, and the socket of its app server. `main.ts` calls it once. Reads the
 * environment for default directories; no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../../protocol/base/paths.js';
import {
  helpOfTable,
  readDocument,
  readOptionTable,
  type OptionTable,
} from '../../protocol/host/process-kit/option-table.js';
import {
  RECORDER_MEMBERS,
  checkRecordOptions,
  recorderDocument,
  type RecordOptions,
} from '../../protocol/rpc/contract/recorder.js';

const TABLE = {
  name: { value: 'NAME', help: 'application' },
  options: { value: 'JSON', help: 'all else, one JSON document' },
} as const satisfies OptionTable;

export interface RecorderProgramOptions {
  readonly app: string;
  readonly record: RecordOptions;
  /** The directory of the files. */
  readonly recordings: string;
  /** Session socket of the app server. */
  readonly parent: string;
  readonly directory: string;
  readonly flowDirectory: string;
}

export function recorderHelp(): string {
  return helpOfTable(['recorder --name NAME --options JSON'], TABLE, RECORDER_MEMBERS);
}

/** Throws BAD_OPTION or BAD_NAME with the name of the option. */
export function parseOptions(args: readonly string[], env: Environment): RecorderProgramOptions {
  const { name, options } = readOptionTable(TABLE, args);
  const uid = process.geteuid?.() ?? 0;
  if (name === undefined || options === undefined) {
    throw new MirrorflowError('BAD_OPTION', '--name and --options are required');
  }
  const { record, recordings, parent, directory, ...flows } = readDocument(recorderDocument, options);
  checkRecordOptions(record);
  return {
    app: checkName('application', name),
    record,
    recordings: record.directory ?? recordings,
    parent,
    directory: runtimeDirectory({ env, uid, directory }),
    flowDirectory: flowDirectory({ env, uid, directory: flows.flowDirectory }),
  };
}
