/**
 * One connection to a SpecTcl: its services looked up, its REST asked for size and kind, its mirror
 * service connected.
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
  /** Undefined for a server that sends a new header by itself when it changes (Rustogramer). */
  readonly bindings: BindingWatch | undefined;
  /** Bytes of channel storage, from REST. */
  readonly channelBytes: number;
  /** Ends what REST holds; see closeSource. */
  readonly close: () => void;
}

export interface SourceTimes {
  /** Longest wait for REST and for the connection, milliseconds. */
  readonly answerMs: number;
  /**
   * Longest silence of a source that answered before, milliseconds: in the middle of an update, or
   * to a question about its bindings.
   */
  readonly silenceMs: number;
}

/** A program whose mirror service sends FULL again when its header has changed. */
const ANNOUNCES_HEADERS = 'Rustogramer';

/**
 * Throws SOURCE_UNREACHABLE, SOURCE_PROTOCOL or SOURCE_REFUSED with what was asked and found,
 * CLOSED when given up by `signal`; nothing stays open then.
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
  const at = { host, port: restPort };
  const hasty = new SpecTclRest(at, { timeoutMs: times.answerMs, agent, clock });
  const rest = new SpecTclRest(at, { timeoutMs: times.silenceMs, agent, clock });
  const giveUp = (): void => {
    hasty.close();
    rest.close();
    agent.destroy();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp(); // while the ports were looked up
  const close = (): void => {
    signal.removeEventListener('abort', giveUp);
    giveUp();
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
    const [channelBytes, bindings] = await Promise.all([hasty.shmemSize(), watchBindings(hasty, rest)]);
    if (channelBytes < 1) {
      throw new MirrorflowError(
        'SOURCE_PROTOCOL',
        `the REST service at ${host}:${restPort} says its display memory has ${channelBytes} bytes`,
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
 * The mirror connection ends at once; the promise is that of the last word to REST, for which
 * nobody needs to wait. Never rejects.
 */
export async function closeSource(source: SourceConnection): Promise<void> {
  source.mirror.destroy();
  await source.bindings?.end();
  source.close();
}

async function watchBindings(hasty: SpecTclRest, rest: SpecTclRest): Promise<BindingWatch | undefined> {
  const { programName } = await hasty.version();
  return programName === ANNOUNCES_HEADERS ? undefined : BindingWatch.begin(hasty, rest);
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
