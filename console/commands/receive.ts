/** `mirrorflow receive`: a flow to standard output. */
import type { Client, InputFlow, InputFlowOptions } from '../../client-lib/index.js';
import { MirrorflowError, isMirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { interruptible, pause } from '../interruption.js';
import { numberValue } from '../option-values.js';
import { withClient } from '../servers.js';
import { showProgress } from '../transfer/progress.js';
import { Reception, type Sink } from '../transfer/receive-stream.js';

const STARTS = ['oldest', 'newest', 'next'] as const;
const FLOW_LOOK_MS = 50;

interface Wishes {
  readonly flow: string;
  readonly start: NonNullable<InputFlowOptions['start']>;
  readonly count: number;
  readonly lossy: boolean;
  readonly follow: boolean;
  readonly wait: boolean;
  readonly type: string | undefined;
}

export const receiveCommand = command({
  name: 'receive',
  summary: 'writes a flow to standard output, and holds its provider back when nobody reads on',
  positionals: {
    flow: { type: 'string', describe: 'name of the flow', demandOption: true, completes: 'flow' },
  },
  options: {
    app: APP_OPTION,
    from: {
      type: 'string',
      default: 'oldest',
      describe: 'the first buffer: oldest still there, newest, next to come, or a sequence',
    },
    count: { type: 'string', describe: 'end after so many buffers' },
    lossy: { type: 'boolean', describe: 'never hold the provider back: lose buffers instead' },
    follow: { type: 'boolean', describe: 'go on with the next provider when one leaves, until Ctrl-C' },
    wait: { type: 'boolean', describe: 'wait for the flow, and for a provider of it' },
    type: { type: 'string', describe: 'refuse a flow of another type' },
  },
  examples: [
    ['receive events --wait', 'all that the next provider sends'],
    ['receive log --follow --from next', 'what comes from now on'],
  ],
  epilogue:
    'Ends with 0 when the provider has ended the flow, and with 1 when it went without that: what was written then is all of it that had been sent. Buffers that earlier providers left in the ring are passed over, except with --follow.',
  async run(context, given) {
    const whole = { min: 0, max: Number.MAX_SAFE_INTEGER };
    const { from, count } = given;
    const start = STARTS.find((name) => name === from) ?? Math.floor(numberValue('from', from, whole));
    const wishes: Wishes = {
      flow: checkName('flow', given.flow),
      start,
      count: count === undefined ? Number.POSITIVE_INFINITY : numberValue('count', count, whole),
      lossy: given.lossy === true,
      follow: given.follow === true,
      wait: given.wait === true,
      type: given.type,
    };
    return withClient(context, given.app, (client) => receive(context, client, wishes), {
      live: true,
      as: 'receive',
    });
  },
});

async function receive(context: CommandContext, client: Client, wishes: Wishes): Promise<ExitCode> {
  const { signal } = context;
  const { follow, wait, count } = wishes;
  const flow = await openFlow(client, wishes, signal);
  const reception = new Reception(flow, toStandardOutput(signal), { follow, wait, count, signal });
  const done = showProgress(process.stderr, () => reception);
  const end = await reception.run().finally(done);
  if (reception.lost > 0) context.output.note(`${reception.lost} buffers were lost`);
  switch (end) {
    case 'ended':
    case 'count':
    case 'unread':
      return EXIT.success;
    case 'interrupted':
      return follow ? EXIT.success : EXIT.interrupted;
    case 'died':
      throw broken(wishes.flow, 'its provider has gone without ending it');
    case 'gone':
      throw broken(wishes.flow, 'its duplicator has gone');
  }
}

async function openFlow(client: Client, wishes: Wishes, signal: AbortSignal): Promise<InputFlow> {
  const { flow, start, lossy, type, wait } = wishes;
  for (;;) {
    try {
      const options = { inline: true, start, delivery: lossy ? 'lossy' : 'lossless' } as const;
      return await interruptible(
        signal,
        client.openInput(flow, { ...options, ...(type === undefined ? {} : { type }) }),
      );
    } catch (error) {
      if (!wait || !isMirrorflowError(error, 'UNKNOWN_FLOW')) throw error;
      await pause(FLOW_LOOK_MS, signal);
    }
  }
}

/** Resolves when the bytes are out, and at once when the command is ended meanwhile. */
function toStandardOutput(signal: AbortSignal): Sink {
  return (bytes) =>
    new Promise((resolve, reject) => {
      const end = (): void => resolve(false);
      signal.addEventListener('abort', end, { once: true });
      process.stdout.write(bytes, (error) => {
        signal.removeEventListener('abort', end);
        const gone = error !== undefined && error !== null;
        if (gone && systemCode(error) !== 'EPIPE' && systemCode(error) !== 'EIO') reject(error);
        else resolve(!gone);
      });
    });
}

function broken(flow: string, why: string): MirrorflowError {
  return new MirrorflowError('CLOSED', `flow ${flow} broke off: ${why}`, { flow });
}
