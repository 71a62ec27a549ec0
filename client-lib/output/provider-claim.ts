/**
 * Taking the provider's seat at a duplicator: the link, the flow file that it serves, and the
 * generation that this provider has.
 */
import { systemClock } from '../../protocol/base/clock.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, unpackRefusal } from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import type { OutputRules } from './output-options.js';

/**
 * The app server gives the seat away when its provider has gone; the duplicator may hear of that a
 * little later.
 */
const SEAT_ATTEMPTS = 50;
const SEAT_RETRY_MS = 20;
/** A duplicator that does not answer a provider within this time is given up. */
const SEAT_TIMEOUT_MS = 5_000;

export interface Seat {
  readonly file: FlowFile;
  readonly link: LinkConnection;
  readonly generation: number;
}

/**
 * Connects and takes the seat, which a provider that has just gone may still have. Throws
 * FLOW_BUSY, TIMED_OUT, CLOSED.
 */
export async function sitDown(opened: OpenedFlow, { stallTimeoutMs }: OutputRules): Promise<Seat> {
  for (let attempt = 1; ; attempt += 1) {
    const link = await streamLink().connect(opened.link);
    try {
      const seat = await takeSeat(link, opened);
      if (stallTimeoutMs !== undefined) link.signal(MessageKind.STALL, Math.round(stallTimeoutMs));
      return seat;
    } catch (error) {
      link.destroy();
      if (!isMirrorflowError(error, 'FLOW_BUSY') || attempt === SEAT_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, SEAT_RETRY_MS));
    }
  }
}

/**
 * Says HELLO as the provider; resolves when the seat is taken, with the file that this duplicator
 * serves.
 */
async function takeSeat(link: LinkConnection, opened: OpenedFlow): Promise<Seat> {
  const cancel = systemClock.after(SEAT_TIMEOUT_MS, () => {
    const what = `the duplicator of flow ${opened.flow} did not answer in ${SEAT_TIMEOUT_MS} ms`;
    link.destroy(new MirrorflowError('TIMED_OUT', what, { flow: opened.flow }));
  });
  try {
    const { epoch, generation } = await welcome(link, opened);
    const file = openFlowFile(opened.file, 'read-write');
    if (file.epoch === epoch) return { file, link, generation };
    throw new MirrorflowError(
      'CLOSED',
      `the duplicator of flow ${opened.flow} was replaced while its provider attached`,
      { flow: opened.flow },
    );
  } finally {
    cancel();
  }
}

function welcome(
  link: LinkConnection,
  { flow, handle }: OpenedFlow,
): Promise<{ readonly epoch: number; readonly generation: number }> {
  return new Promise((resolve, reject) => {
    let epoch = 0;
    link.onMessage((kind, value, detail) => {
      if (kind === MessageKind.WELCOME) epoch = value;
      if (kind === MessageKind.BEGIN) resolve({ epoch, generation: detail });
      if (kind === MessageKind.REFUSED) {
        const code = unpackRefusal(detail);
        const why =
          code === 'FLOW_BUSY'
            ? 'it has a provider already'
            : `the duplicator refused this provider (${code})`;
        reject(new MirrorflowError(code, `the flow ${flow} cannot be provided: ${why}`, { flow }));
      }
    });
    link.onClose((end) => {
      reject(
        end.by === 'failure'
          ? end.error
          : new MirrorflowError('CLOSED', 'the duplicator ended while this provider attached'),
      );
    });
    link.signal(
      MessageKind.HELLO,
      handle,
      packHello({ role: 'provider', delivery: 'lossless', start: 'latest' }),
    );
  });
}
