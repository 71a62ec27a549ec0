/**
 * `mirrorflow recordings list|info|verify|repair`: shows, checks and repairs recordings.
 *
 * Reads MCAP files; `repair` completes one whose recorder was killed. Needs no server.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { RecordingInfo } from '../../recorder/read/verify.js';
import { command } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Output } from '../output.js';

const ACTIONS = ['list', 'info', 'verify', 'repair'] as const;

export const recordingsCommand = command({
  name: 'recordings',
  summary: 'list, describe, verify or repair recordings',
  positionals: {
    action: { type: 'string', choices: ACTIONS, describe: 'what to do', demandOption: true },
    paths: {
      type: 'string',
      array: true,
      describe: 'files or directories; default: this directory',
      completes: 'file',
    },
  },
  options: {},
  examples: [
    ['recordings list /data/recordings', 'time, size and state of each'],
    ['recordings repair e1-20270301T120000Z.mcap', 'completes a file whose recorder was killed'],
  ],
  epilogue:
    'verify reads every chunk and ends with 6 when a repair would complete the file, and with 1 when a chunk is damaged. A file that is being recorded can be listed, verified and played.',
  async run({ output }, { action, paths }) {
    const { recordingPaths } = await import('../../recorder/read/verify.js');
    const given = paths === undefined || paths.length === 0 ? ['.'] : paths;
    const files = given.flatMap(recordingPaths);
    switch (action) {
      case 'list':
        return list(output, files);
      case 'info':
        return info(output, files);
      case 'verify':
        return verify(output, files);
      case 'repair':
        return repair(output, files);
    }
  },
});

async function list(output: Output, files: readonly string[]): Promise<ExitCode> {
  const { describeRecording } = await import('../../recorder/read/verify.js');
  const infos: RecordingInfo[] = [];
  let code: ExitCode = EXIT.success;
  for (const path of files) {
    try {
      infos.push(describeRecording(path));
    } catch (error) {
      if (!(error instanceof MirrorflowError)) throw error;
      code = EXIT.failed;
      output.failure(error);
    }
  }
  if (output.json) output.value(infos);
  else
    output.table(
      [
        { header: 'file' },
        { header: 'state', align: 'left' },
        { header: 'from', align: 'left' },
        { header: 'to', align: 'left' },
        { header: 'messages', align: 'right' },
        { header: 'bytes', align: 'right' },
      ],
      infos.map(({ path, status, startNs, endNs, messages, bytes }) => [
        path,
        status,
        timeOf(startNs),
        timeOf(endNs),
        messages,
        bytes,
      ]),
      'No recordings.',
    );
  return code;
}

async function info(output: Output, files: readonly string[]): Promise<void> {
  const { describeRecording } = await import('../../recorder/read/verify.js');
  for (const path of files) {
    const recording = describeRecording(path);
    if (output.json) {
      output.value(recording);
      continue;
    }
    const {
      status,
      application = 'unknown',
      host = 'unknown',
      bytes,
      chunks,
      startNs,
      endNs,
      flows,
    } = recording;
    output.lines([
      path,
      `  ${status}, application ${application}, host ${host}, ${bytes} bytes in ${chunks} chunks`,
      `  from ${timeOf(startNs)} to ${timeOf(endNs)}`,
      ...flows.map(
        ({ flow, kind, type, messages }) => `  ${flow}: ${kind} of type ${type}, ${messages} messages`,
      ),
    ]);
  }
}

async function verify(output: Output, files: readonly string[]): Promise<ExitCode> {
  const { verifyRecording } = await import('../../recorder/read/verify.js');
  let code: ExitCode = EXIT.success;
  for (const path of files) {
    const verified = verifyRecording(path);
    const { status, defects, messages, cutBytes } = verified;
    if (defects.length > 0) code = EXIT.failed;
    else if (status === 'cut' && code === EXIT.success) code = EXIT.repairable;
    if (output.json) output.value({ path, ...verified });
    else
      output.lines([
        `${path}: ${defects.length === 0 ? 'sound' : 'damaged'}, ${status}, ${messages} messages${cutBytes > 0 ? `, ${cutBytes} bytes behind the last whole chunk` : ''}`,
        ...defects.map((defect) => `  ${defect}`),
      ]);
  }
  return code;
}

async function repair(output: Output, files: readonly string[]): Promise<void> {
  const { repairRecording } = await import('../../recorder/read/verify.js');
  for (const path of files) {
    const removed = repairRecording(path);
    if (output.json) output.value({ path, repaired: removed !== undefined, removedBytes: removed ?? 0 });
    else
      output.lines([
        removed === undefined
          ? `${path} is complete: nothing to repair`
          : `${path} is complete now; ${removed} bytes behind its last whole chunk were removed`,
      ]);
  }
}

function timeOf(ns: number | undefined): string {
  return ns === undefined ? '' : new Date(ns / 1e6).toISOString();
}
