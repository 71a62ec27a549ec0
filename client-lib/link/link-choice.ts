/**
 * Chooses the kind of signal link over which a client joins a flow: datagrams where the flow has
 * them and this process can use them, else streams. Used by consumers and providers before they
 * join. Reads the status of a socket file; opens nothing.
 */
import { statSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { datagramLink } from '../../protocol/flow/signal-link/datagram-link.js';
import type { LinkTransport } from '../../protocol/flow/signal-link/link.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import type { LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';

/** Where a flow can be joined on this host. */
type LinkPlaces = Pick<OpenedFlow, 'link' | 'datagrams'>;

interface ChosenLink {
  readonly path: string;
  readonly transport: LinkTransport;
}

/** One for the program: its links share a socket. Made at the first use, in the main thread. */
let datagrams: LinkTransport | undefined;

/**
 * `signal`: what the caller asked for; undefined for what is possible. Throws BAD_OPTION or
 * NOT_PERMITTED with the reason when it asked for datagrams and they cannot be used.
 */
export function chooseLink(places: LinkPlaces, signal: LinkSignal | undefined, clock: Clock): ChosenLink {
  const stream = { path: places.link, transport: streamLink(clock) };
  const path = places.datagrams;
  if (signal === 'stream') return stream;
  const obstacle = obstacleTo(path);
  if (path === undefined || obstacle !== undefined) {
    if (signal === 'datagram' && obstacle !== undefined) throw obstacle;
    return stream;
  }
  datagrams ??= datagramLink();
  return { path, transport: datagrams };
}

/**
 * Throws BAD_OPTION for `datagram` in a worker thread, before the flow is opened: the addon aborts
 * the process there.
 */
export function checkSignal(signal: LinkSignal | undefined): void {
  if (signal === 'datagram' && !isMainThread) throw inWorkerThread();
}

/** Why this process cannot use the datagram link; undefined when it can. */
function obstacleTo(path: string | undefined): MirrorflowError | undefined {
  if (path === undefined) {
    const message = "the flow has no datagram link: its provider must open it with signal: 'datagram'";
    return new MirrorflowError('BAD_OPTION', message, { option: 'signal' });
  }
  if (!isMainThread) return inWorkerThread();
  // A missing socket is that of a duplicator that restarts: joining reports it.
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined || status.uid === process.geteuid?.()) return undefined;
  const message = `the datagram link ${path} serves the user of its duplicator only (user id ${status.uid}): leave signal out`;
  return new MirrorflowError('NOT_PERMITTED', message, { path });
}

function inWorkerThread(): MirrorflowError {
  return new MirrorflowError(
    'BAD_OPTION',
    "signal is 'datagram' in a worker thread, in which the addon unix-dgram aborts the process; open the flow in the main thread, or leave signal out",
    { option: 'signal' },
  );
}
