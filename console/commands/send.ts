/**
 * `mirrorflow send`: writes standard input or a file to a flow.
 *
 * Opens the flow as its provider through the app server and writes to its flow file, no faster than
 * its lossless consumers read.
 */
import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Client, OutputFlow } from '../../client-lib/index.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { interruptible, pause } from '../interruption.js';
import { bytesValue, numberValue } from '../option-values.js';
import { withClient } from '../servers.js';
import { BlockPacker, LinePacker, type Packer } from '../transfer/pieces.js';
import { showProgress } from '../transfer/progress.js';
import { FlowSender } from '../transfer/send-stream.js';

const DEFAULT_BUFFER_BYTES = 64 * 1024;
const DEFAULT_BUFFERS = 64;
const POLL_INTERVAL_MS = 20;
/** A killed duplicator is replaced within a second; a requested restart takes longer. */
const REATTACHMENT_MS = 10_000;

interface SendOptions {
  readonly flow: string;
  readonly file: string | undefined;
  readonly lines: boolean;
  readonly split: boolean;
  readonly blockBytes: number | undefined;
  readonly bufferSize: number | undefined;
  readonly buffers: number | undefined;
  readonly type: string | undefined;
  readonly consumers: number;
}

export const sendCommand = command({
  name: 'send',
  summary: 'write standard input or a file to a flow, no faster than its consumers read',
  positionals: {
    flow: { type: 'string', describe: 'name of the flow', demandOption: true, completes: 'flow' },
    file: { type: 'string', describe: 'file to send; default: standard input', completes: 'file' },
  },
  options: {
    app: APP_OPTION,
    lines: { type: 'boolean', describe: 'fill buffers with whole lines, as many as have arrived and fit' },
    split: { type: 'boolean', describe: 'cut a line that does not fit a buffer, with --lines' },
    block: {
      type: 'string',
      describe: 'fill buffers of exactly this size, such as 64KiB; the last one holds the rest',
    },
    buffers: {
      type: 'string',
      describe: `number of buffers of the ring; default: the flow's, or ${DEFAULT_BUFFERS}`,
    },
    'buffer-size': { type: 'string', describe: "bytes of a buffer; default: the flow's, or 64KiB" },
    type: { type: 'string', describe: "flow type; default: the flow's, or bytes" },
    'wait-for-consumer': {
      type: 'string',
      describe: 'number of consumers to wait for before sending; default: 0',
    },
  },
  examples: [
    [
      'send events run7.dat --wait-for-consumer 1',
      'a file, as soon as the first consumer has opened the flow',
    ],
    ['send log --lines', 'standard input, line by line'],
  ],
  epilogue:
    'Without --lines and --block data are sent as they are read, cut where buffers end. A flow without consumers keeps the newest buffers, as many as its ring has. A duplicator that dies is replaced, and sending continues.',
  async run(context, values) {
    const count = { min: LIMITS.slotCountMin, max: LIMITS.slotCountMax };
    const size = { min: 1, max: LIMITS.mappedBytesMax };
    const { buffers, block } = values;
    const bufferSize = values['buffer-size'];
    const options: SendOptions = {
      flow: values.flow,
      file: values.file,
      lines: values.lines === true,
      split: values.split === true,
      blockBytes: block === undefined ? undefined : bytesValue('block', block, size),
      bufferSize: bufferSize === undefined ? undefined : bytesValue('buffer-size', bufferSize, size),
      buffers: buffers === undefined ? undefined : numberValue('buffers', buffers, count),
      type: values.type,
      consumers: numberValue('wait-for-consumer', values['wait-for-consumer'] ?? '0', {
        min: 0,
        max: LIMITS.linkClients,
      }),
    };
    checkOptions(options, context);
    return withClient(context, values.app, (client) => send(context, client, options), {
      live: true,
      as: 'send',
    });
  },
});

function checkOptions(
  { lines, split, blockBytes, bufferSize, file }: SendOptions,
  context: CommandContext,
): void {
  let problem: string | undefined;
  if (lines && blockBytes !== undefined) problem = '--lines and --block exclude each other: give one of them';
  else if (split && !lines) problem = '--split needs --lines';
  else if (blockBytes !== undefined && bufferSize !== undefined && blockBytes > bufferSize)
    problem = `--block ${blockBytes} does not fit --buffer-size ${bufferSize}; give a larger buffer size`;
  else if (file === undefined && context.atPrompt)
    problem = 'send needs a file at the prompt, which uses standard input itself';
  if (problem !== undefined) throw new MirrorflowError('BAD_OPTION', problem);
}

async function send(context: CommandContext, client: Client, options: SendOptions): Promise<ExitCode> {
  const { signal } = context;
  // The file is opened before the flow: a missing file must not create a flow.
  const input = options.file === undefined ? context.stdin : await openFile(options.file);
  const output = await interruptible(signal, openFlow(client, options));
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  signal.addEventListener('abort', interrupt, { once: true });
  output.once('end', () => stop.abort(duplicatorLost(options.flow)));
  let cancelWait = (): void => undefined;
  output.on('detached', () => {
    const timer = setTimeout(() => stop.abort(duplicatorLost(options.flow)), REATTACHMENT_MS);
    cancelWait = () => clearTimeout(timer);
  });
  output.on('reattached', () => cancelWait());
  const sender = new FlowSender(output);
  let endProgress = (): void => undefined;
  try {
    await waitForConsumers(output, options.consumers, stop.signal);
    endProgress = showProgress(process.stderr, () => sender);
    addAbortSignal(stop.signal, input);
    await sender.run(input, packerFor(options, output.bufferSize), stop.signal);
    await interruptible(stop.signal, output.close());
  } catch (error) {
    // `destroy`, not `close`: consumers must not take the failure for the end of the data.
    output.destroy();
    if (signal.aborted) return EXIT.interrupted;
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    endProgress();
    cancelWait();
    signal.removeEventListener('abort', interrupt);
    input.destroy();
  }
  const { buffers, bytes } = sender;
  if (context.output.json) context.output.value({ flow: options.flow, buffers, bytes });
  return EXIT.success;
}

/**
 * Opens the flow as its provider. Options that are not given are taken from an existing flow, whose
 * consumers would refuse a change.
 */
async function openFlow(client: Client, options: SendOptions): Promise<OutputFlow> {
  const existing = (await client.flows()).find(({ flow }) => flow === options.flow);
  const existingBytes = Math.max(existing?.bufferSize ?? DEFAULT_BUFFER_BYTES, 1);
  const bufferSize =
    options.bufferSize ??
    (existing === undefined || (options.blockBytes ?? 0) > existingBytes ? options.blockBytes : undefined) ??
    existingBytes;
  return client.openOutput(options.flow, {
    bufferSize,
    buffers: options.buffers ?? existing?.buffers ?? DEFAULT_BUFFERS,
    type: options.type ?? existing?.type ?? 'bytes',
  });
}

function packerFor({ lines, split, blockBytes }: SendOptions, bufferSize: number): Packer {
  return lines
    ? new LinePacker(bufferSize, split)
    : new BlockPacker(blockBytes ?? bufferSize, blockBytes !== undefined);
}

async function waitForConsumers(output: OutputFlow, count: number, signal: AbortSignal): Promise<void> {
  while (output.consumers < count) {
    signal.throwIfAborted();
    await pause(POLL_INTERVAL_MS, signal);
  }
}

function openFile(path: string): Promise<Readable> {
  const file = createReadStream(path);
  return new Promise((resolve, reject) => {
    file.once('open', () => resolve(file));
    file.once('error', (error) => {
      const message = `${path} cannot be read: ${describeError(error)}`;
      reject(new MirrorflowError('SYSTEM_ERROR', message, { path }, error));
    });
  });
}

function duplicatorLost(flow: string): MirrorflowError {
  return new MirrorflowError(
    'CLOSED',
    `the duplicator of flow ${flow} has stopped; consumers may not have received all data`,
    { flow },
  );
}
