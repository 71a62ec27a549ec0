/**
 * One connection to a SpecTcl: its service ports looked up, its REST service asked for the size of
 * the display memory and the kind of server, its mirror service connected. Made and closed by
 * SpecTclSource. Opens TCP connections and sends HTTP requests.
 */
import { Agent } from 'node:http';
import type { AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { BindingWatch } from './binding-watch.js';
import { MirrorConnection } from './mirror-connection.js';

export interface SourceConnection {
  readonly mirror: MirrorConnection;
  /** Undefined for a server that sends a changed header by itself (Rustogramer). */
  readonly bindings: BindingWatch | undefined;
  /** Bytes of channel storage, from REST. */
  readonly channelBytes: number;
  /** Closes the REST connections; see closeSource. */
  readonly close: () => void;
}

export interface SourceTimes {
  /**
   * Longest wait for an answer of REST and for the mirror connection at the start, milliseconds.
   */
  readonly answerMs: number;
  /**
   * Longest silence of a source that answered before, milliseconds: within an update, or after a
   * question about its bindings.
   */
  readonly silenceMs: number;
}

/** Its mirror service sends FULL again when its header has changed. */
const SELF_ANNOUNCING_PROGRAM = 'Rustogramer';

/**
 * Throws SOURCE_UNREACHABLE, SOURCE_PROTOCOL or SOURCE_REFUSED with what was asked and what was
 * received, CLOSED when aborted by `signal`; nothing stays open then.
 */
export async function connectSource(
  address: AddressOf<'spectcl'>,
  times: SourceTimes,
  clock: Clock,
  signal: AbortSignal,
): Promise<SourceConnection> {
  const { host } = address;
  const [restPort, mirrorPort] = await Promise.all([
    portOf(host, address.rest, address.user, times.answerMs, signal),
    portOf(host, address.mirror, address.user, times.answerMs, signal),
  ]);
  const agent = new Agent({ keepAlive: true });
  const restAddress = { host, port: restPort };
  const openingRest = new SpecTclRest(restAddress, { timeoutMs: times.answerMs, agent, clock });
  const rest = new SpecTclRest(restAddress, { timeoutMs: times.silenceMs, agent, clock });
  const closeRest = (): void => {
    openingRest.close();
    rest.close();
    agent.destroy();
  };
  signal.addEventListener('abort', closeRest, { once: true });
  if (signal.aborted) closeRest(); // aborted while the ports were looked up
  const close = (): void => {
    signal.removeEventListener('abort', closeRest);
    closeRest();
  };
  // Both at once: a cold start waits for the slower of the two, not for their sum.
  const mirrorOpening = MirrorConnection.open({
    host,
    port: mirrorPort,
    connectMs: times.answerMs,
    silenceMs: times.silenceMs,
    clock,
    signal,
  });
  mirrorOpening.catch(() => undefined);
  try {
    const [channelBytes, bindings] = await Promise.all([
      openingRest.shmemSize(),
      watchBindings(openingRest, rest),
    ]);
    if (channelBytes < 1) {
      throw new MirrorflowError(
        'SOURCE_PROTOCOL',
        `the REST service at ${host}:${restPort} reports a display memory of ${channelBytes} bytes; ` +
          'check that it is the REST port of a SpecTcl',
      );
    }
    return { mirror: await mirrorOpening, bindings, channelBytes, close };
  } catch (error) {
    close();
    void mirrorOpening.then(
      (mirror) => mirror.destroy(),
      () => undefined,
    );
    throw error;
  }
}

/**
 * Closes the mirror connection at once. The promise resolves when the trace at REST is released;
 * a reconnection does not have to wait for it. Never rejects.
 */
export async function closeSource(source: SourceConnection): Promise<void> {
  source.mirror.destroy();
  await source.bindings?.end();
  source.close();
}

async function watchBindings(openingRest: SpecTclRest, rest: SpecTclRest): Promise<BindingWatch | undefined> {
  const { programName } = await openingRest.version();
  return programName === SELF_ANNOUNCING_PROGRAM ? undefined : BindingWatch.start(openingRest, rest);
}

async function portOf(
  host: string,
  service: number | string,
  user: string | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  return typeof service === 'number' ? service : lookUpService(host, service, user, { timeoutMs, signal });
}
