/** `mirrorflow send`: standard input or a file into a flow. */
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
import { Sending } from '../transfer/send-stream.js';

const DEFAULT_BUFFER_BYTES = 64 * 1024;
const DEFAULT_BUFFERS = 64;
const CONSUMERS_LOOK_MS = 20;

interface Wishes {
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
  summary: 'writes standard input or a file to a flow, no faster than its consumers read',
  positionals: {
    flow: { type: 'string', describe: 'name of the flow', demandOption: true, completes: 'flow' },
    file: { type: 'string', describe: 'what to send; left out: standard input' },
  },
  options: {
    app: APP_OPTION,
    lines: { type: 'boolean', describe: 'buffers of whole lines, as many as have come and fit' },
    split: { type: 'boolean', describe: 'with --lines: cut a line that does not fit a buffer' },
    block: {
      type: 'string',
      describe: 'buffers of exactly that size, such as 64KiB, and the rest at the end',
    },
    buffers: { type: 'string', describe: `buffers of the ring; default: the flow's, or ${DEFAULT_BUFFERS}` },
    'buffer-size': { type: 'string', describe: "bytes of a buffer; default: the flow's, or 64KiB" },
    type: { type: 'string', describe: "flow type; default: the flow's, or bytes" },
    'wait-for-consumer': {
      type: 'string',
      describe: 'send when so many consumers are there; 0, the default, sends at once',
    },
  },
  examples: [
    ['send events run7.dat --wait-for-consumer 1', 'a file, from its first byte to whoever reads first'],
    ['send log --lines', 'standard input, line by line'],
  ],
  epilogue:
    'Without --lines and --block what is read goes out at once, cut where buffers end. A flow without consumers keeps what its ring holds.',
  async run(context, given) {
    const count = { min: LIMITS.slotCountMin, max: LIMITS.slotCountMax };
    const size = { min: 1, max: LIMITS.mappedBytes };
    const { buffers, block } = given;
    const bufferSize = given['buffer-size'];
    const wishes: Wishes = {
      flow: given.flow,
      file: given.file,
      lines: given.lines === true,
      split: given.split === true,
      blockBytes: block === undefined ? undefined : bytesValue('block', block, size),
      bufferSize: bufferSize === undefined ? undefined : bytesValue('buffer-size', bufferSize, size),
      buffers: buffers === undefined ? undefined : numberValue('buffers', buffers, count),
      type: given.type,
      consumers: numberValue('wait-for-consumer', given['wait-for-consumer'] ?? '0', {
        min: 0,
        max: LIMITS.linkClients,
      }),
    };
    checkWishes(wishes, context);
    return withClient(context, given.app, (client) => send(context, client, wishes), {
      live: true,
      as: 'send',
    });
  },
});

function checkWishes({ lines, split, blockBytes, bufferSize, file }: Wishes, context: CommandContext): void {
  let wrong: string | undefined;
  if (lines && blockBytes !== undefined) wrong = '--lines and --block exclude each other';
  else if (split && !lines) wrong = '--split goes with --lines';
  else if (blockBytes !== undefined && bufferSize !== undefined && blockBytes > bufferSize)
    wrong = `--block ${blockBytes} does not fit --buffer-size ${bufferSize}`;
  else if (file === undefined && context.atPrompt)
    wrong = 'send needs a file here: standard input is the prompt';
  if (wrong !== undefined) throw new MirrorflowError('BAD_OPTION', wrong);
}

async function send(context: CommandContext, client: Client, wishes: Wishes): Promise<ExitCode> {
  const { signal, output: told } = context;
  // Opened before the flow, so that a file that is not there leaves no flow behind.
  const input = wishes.file === undefined ? context.stdin : await openFile(wishes.file);
  const output = await interruptible(signal, openFlow(client, wishes));
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  signal.addEventListener('abort', interrupt, { once: true });
  output.once('lost', () => stop.abort(lost(wishes.flow)));
  const sending = new Sending(output);
  let done = (): void => undefined;
  try {
    await enoughConsumers(output, wishes.consumers, stop.signal);
    done = showProgress(process.stderr, () => sending);
    addAbortSignal(stop.signal, input);
    await sending.run(input, packerFor(wishes, output.bufferSize), stop.signal);
    await interruptible(stop.signal, output.close());
  } catch (error) {
    // Consumers learn that this was no end.
    output.destroy();
    if (signal.aborted) return EXIT.interrupted;
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    done();
    signal.removeEventListener('abort', interrupt);
    input.destroy();
  }
  const { buffers, bytes } = sending;
  if (told.json) told.value({ flow: wishes.flow, buffers, bytes });
  return EXIT.success;
}

/**
 * What is not stated is as the flow has it, if there is one: whoever reads it already would not let
 * it be changed.
 */
async function openFlow(client: Client, wishes: Wishes): Promise<OutputFlow> {
  const found = (await client.flows()).find(({ flow }) => flow === wishes.flow);
  const ofFlow = Math.max(found?.bufferSize ?? DEFAULT_BUFFER_BYTES, 1);
  const bufferSize =
    wishes.bufferSize ??
    (found === undefined || (wishes.blockBytes ?? 0) > ofFlow ? wishes.blockBytes : undefined) ??
    ofFlow;
  return client.openOutput(wishes.flow, {
    bufferSize,
    buffers: wishes.buffers ?? found?.buffers ?? DEFAULT_BUFFERS,
    type: wishes.type ?? found?.type ?? 'bytes',
  });
}

function packerFor({ lines, split, blockBytes }: Wishes, bufferSize: number): Packer {
  return lines
    ? new LinePacker(bufferSize, split)
    : new BlockPacker(blockBytes ?? bufferSize, blockBytes !== undefined);
}

async function enoughConsumers(output: OutputFlow, count: number, signal: AbortSignal): Promise<void> {
  while (output.consumers < count) {
    signal.throwIfAborted();
    await pause(CONSUMERS_LOOK_MS, signal);
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

function lost(flow: string): MirrorflowError {
  return new MirrorflowError(
    'CLOSED',
    `the duplicator of flow ${flow} has gone; consumers may not have all that was sent`,
    { flow },
  );
}
