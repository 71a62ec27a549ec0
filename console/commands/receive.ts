/**
 * `mirrorflow receive`: writes the buffers of a flow to standard output.
 *
 * Opens the flow as a consumer through the app server and reads its flow file. A slow reader of
 * standard output slows the flow's provider down, unless `--lossy` is given.
 */
import type { Client, InputFlow, InputFlowOptions } from '../../client-lib/index.js';
import { MirrorflowError, isMirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { interruptible, pause } from '../interruption.js';
import { numberValue } from '../option-values.js';
import { withClient } from '../servers.js';
import { showProgress } from '../transfer/progress.js';
import { FlowReceiver, type Sink } from '../transfer/receive-stream.js';

const STARTS = ['oldest', 'newest', 'next'] as const;
const POLL_INTERVAL_MS = 50;

interface ReceiveOptions {
  readonly flow: string;
  readonly start: NonNullable<InputFlowOptions['start']>;
  readonly count: number;
  /** Undefined: as the kind of the flow has it. */
  readonly delivery: 'lossless' | 'lossy' | undefined;
  readonly follow: boolean;
  readonly wait: boolean;
  readonly type: string | undefined;
}

export const receiveCommand = command({
  name: 'receive',
  summary: 'write a flow to standard output; a slow reader holds its provider back',
  positionals: {
    flow: { type: 'string', describe: 'name of the flow', demandOption: true, completes: 'flow' },
  },
  options: {
    app: APP_OPTION,
    from: {
      type: 'string',
      default: 'oldest',
      describe:
        'the first buffer: the oldest in the ring, the newest, the next to come, or a sequence number',
    },
    count: { type: 'string', describe: 'end after this number of buffers' },
    lossy: {
      type: 'boolean',
      describe: 'lose buffers rather than hold the provider back; default of a mirror',
    },
    lossless: { type: 'boolean', describe: 'hold a mirror back rather than lose buffers' },
    follow: { type: 'boolean', describe: 'continue with the next provider when one leaves, until Ctrl-C' },
    wait: { type: 'boolean', describe: 'wait for the flow and for a provider' },
    type: { type: 'string', describe: 'refuse a flow of another type' },
  },
  examples: [
    ['receive events --wait', 'everything that the next provider sends'],
    ['receive log --follow --from next', 'everything from now on'],
  ],
  epilogue:
    'Exit code 0 when the provider closed the flow, 1 when it died: then everything that it had published was written; 1 too when buffers were lost without --lossy. A duplicator that dies is replaced, and the reception continues. Buffers that earlier providers left in the ring are skipped, except with --follow.',
  async run(context, values) {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
    const { from, count } = values;
    const start = STARTS.find((name) => name === from) ?? Math.floor(numberValue('from', from, bounds));
    if (values.lossy === true && values.lossless === true) {
      throw new MirrorflowError('BAD_OPTION', '--lossy and --lossless exclude each other: give one of them');
    }
    const options: ReceiveOptions = {
      flow: checkName('flow', values.flow),
      start,
      count: count === undefined ? Number.POSITIVE_INFINITY : numberValue('count', count, bounds),
      delivery: values.lossy === true ? 'lossy' : values.lossless === true ? 'lossless' : undefined,
      follow: values.follow === true,
      wait: values.wait === true,
      type: values.type,
    };
    return withClient(context, values.app, (client) => receive(context, client, options), {
      live: true,
      as: 'receive',
    });
  },
});

async function receive(context: CommandContext, client: Client, options: ReceiveOptions): Promise<ExitCode> {
  const { signal } = context;
  const { follow, wait, count } = options;
  const flow = await openFlow(client, options, signal);
  const mayLose = flow.delivery === 'lossy';
  const receiver = new FlowReceiver(flow, toStandardOutput(signal), { follow, wait, count, signal });
  client.on('status', ({ flow: name, status }) => {
    if (name === options.flow && status === 'reattached') receiver.reattached();
  });
  const endProgress = showProgress(process.stderr, () => receiver);
  const end = await receiver.run().finally(endProgress);
  const { lost } = receiver;
  if (lost > 0 && mayLose) context.output.note(`${lost} buffers were lost`);
  else if (lost > 0) throw brokenOff(options.flow, `${lost} buffers were lost`);
  switch (end) {
    case 'ended':
    case 'count':
    case 'unread':
      return EXIT.success;
    case 'interrupted':
      return follow ? EXIT.success : EXIT.interrupted;
    case 'died':
      throw brokenOff(options.flow, 'its provider died without closing it');
    case 'detached':
      throw brokenOff(options.flow, 'its duplicator has stopped, or has replaced its file');
  }
}

async function openFlow(
  client: Client,
  { flow, start, delivery, type, wait }: ReceiveOptions,
  signal: AbortSignal,
): Promise<InputFlow> {
  for (;;) {
    try {
      const options = { inline: true, start, ...(delivery === undefined ? {} : { delivery }) } as const;
      return await interruptible(
        signal,
        client.openInput(flow, { ...options, ...(type === undefined ? {} : { type }) }),
      );
    } catch (error) {
      if (!wait || !isMirrorflowError(error, 'UNKNOWN_FLOW')) throw error;
      await pause(POLL_INTERVAL_MS, signal);
    }
  }
}

/** The returned sink resolves when the bytes are written, and at once when `signal` is aborted. */
function toStandardOutput(signal: AbortSignal): Sink {
  return (bytes) =>
    new Promise((resolve, reject) => {
      const end = (): void => resolve(false);
      signal.addEventListener('abort', end, { once: true });
      process.stdout.write(bytes, (error) => {
        signal.removeEventListener('abort', end);
        const failed = error !== undefined && error !== null;
        if (failed && systemCode(error) !== 'EPIPE' && systemCode(error) !== 'EIO') reject(error);
        else resolve(!failed);
      });
    });
}

function brokenOff(flow: string, cause: string): MirrorflowError {
  return new MirrorflowError('CLOSED', `flow ${flow} broke off: ${cause}`, { flow });
}
