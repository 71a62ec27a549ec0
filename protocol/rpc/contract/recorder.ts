/**
 * The recorder of an application, a child process of its app server: the options it is started
 * with, its command line, and what it reports. Part of the contract and of the options of
 * applications; the app server writes the command line, the recorder reads it
 * (recorder/service/options.ts). Pure.
 */
import { MirrorflowError } from '../../base/errors.js';
import {
  arrayOf,
  boolean,
  date,
  double,
  int,
  name,
  oneOf,
  optional,
  string,
  struct,
  type TypeOf,
} from '../xml-rpc/schema.js';
import { DIRECTORIES, durationMember, pathMember } from './option-members.js';
import { processIdentity } from './process-identity.js';
import { LIMITS } from '../../base/limits.js';

const FLOWS_MAX = 64;
const YEARS_MS = 3_660 * 86_400_000;
const MIB = 2 ** 20;

const count = (doc: string) => int({ min: 0, doc });
const path = (doc: string) => string({ maxCharacters: 4096, doc });
const sizeMember = (doc: string) => optional(int({ min: MIB, doc: `bytes ${doc}` }));

/** What the recorder of an application records, and where: see docs/recording.md. */
export const recordOptions = struct({
  flows: arrayOf(name('flow'), { maxCount: FLOWS_MAX }),
  directory: pathMember('the directory of the files; in the configuration file only'),
  everyMs: durationMember('from one recorded publication of a mirror to the next; default 5,000'),
  forMs: durationMember('after which the recording ends', 1, YEARS_MS),
  rotateMs: durationMember('after which a new file begins; default 3,600,000', 1_000, YEARS_MS),
  rotateBytes: sizeMember('after which a new file begins'),
  keepMs: durationMember('after which files of the application are removed', 1_000, YEARS_MS),
  keepBytes: sizeMember('of all files of the application, beyond which the oldest are removed'),
  compress: optional(oneOf(['none', 'zstd'])),
  hold: optional(boolean()),
  lossy: optional(boolean()),
});
export type RecordOptions = TypeOf<typeof recordOptions>;

/** Checks what the schema does not. Throws BAD_OPTION. */
export function checkRecordOptions(options: RecordOptions): RecordOptions {
  const { flows, directory, hold = false, lossy = false } = options;
  if (flows.length === 0) throw badOption('flows is empty; name a flow, such as "spectra"');
  const twice = flows.find((flow, index) => flows.indexOf(flow) !== index);
  if (twice !== undefined) throw badOption(`flows names ${JSON.stringify(twice)} twice; name it once`);
  if (directory !== undefined && (!directory.startsWith('/') || directory.includes('\0')))
    throw badOption(`directory is ${JSON.stringify(directory)}; it must be an absolute path`);
  if (hold && lossy) throw badOption('hold and lossy exclude each other; state one of them');
  return options;
}

function badOption(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', `record: ${message}`);
}

export const RECORDER_MEMBERS = {
  record: recordOptions,
  recordings: path('where the files go, when the options of the application name no directory'),
  parent: path('session socket of the app server'),
  ...DIRECTORIES,
};

export const recorderDocument = struct(RECORDER_MEMBERS);

export function recorderArguments(app: string, document: TypeOf<typeof recorderDocument>): string[] {
  return ['--name', app, '--options', JSON.stringify(document)];
}

/** The report of a recorder that runs; repeated to an app server that was restarted. */
export const recorderReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the launch token from its start' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  application: name('application'),
  options: recordOptions,
});
export type RecorderReady = TypeOf<typeof recorderReady>;

/**
 * `recording`: files grow. `waiting`: it has not begun, or no source of its flows is live. `full`:
 * the disk has no space; it begins again when there is. `faulty`: another fault, tried again.
 * `finished`: its time is over.
 */
const RECORDING_STATES = ['waiting', 'recording', 'full', 'faulty', 'finished'] as const;

const figures = {
  file: optional(path('the present file, or the last')),
  since: optional(date()),
  bytes: count('bytes of that file'),
  flows: arrayOf(
    struct({
      flow: name('flow'),
      buffers: count('buffers or publications that were recorded'),
      bytes: double({ min: 0, doc: 'their bytes' }),
      lost: count('buffers that were lost because the disk was slower'),
    }),
    { maxCount: FLOWS_MAX },
  ),
  cause: optional(
    string({ maxCharacters: LIMITS.causeCharacters, doc: 'why nothing is recorded, or which flow is not' }),
  ),
};

/** What a recorder reports to its app server when something has changed. */
export const recorderReport = struct({ state: oneOf(RECORDING_STATES), ...figures });
export type RecorderReport = TypeOf<typeof recorderReport>;

/** The recorder of an application in app.info. */
export const recorderInfo = struct({
  state: oneOf(['starting', ...RECORDING_STATES, 'failed', 'stopped']),
  directory: path('the directory of the files, APPLICATION-TIME.mcap'),
  pid: optional(int({ min: 1, doc: 'process id of the recorder' })),
  restarts: count('number of its restarts'),
  ...figures,
});
export type RecorderInfo = TypeOf<typeof recorderInfo>;
