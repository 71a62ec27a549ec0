/**
 * Finds the services of a SpecTcl: looks up their ports, asks REST for the size of the display
 * memory and the kind of server, and connects to the mirror service when the caller is ready to
 * request updates. Made and closed by SpecTclSource. Opens TCP connections and sends HTTP requests.
 */
import { Agent } from 'node:http';
import type { AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { BindingWatch } from './binding-watch.js';
import { MirrorConnection, type MirrorConnectionOptions } from './mirror-connection.js';

/** A SpecTcl whose REST service has answered. */
export interface SourceServices {
  /** Bytes of channel storage. */
  readonly channelBytes: number;
  /** Undefined for a server that sends a changed header by itself (Rustogramer). */
  readonly bindings: BindingWatch | undefined;
  readonly rest: SpecTclRest;
  /** Connects to the mirror service; throws SOURCE_UNREACHABLE. `silent`: see MirrorConnection. */
  connectMirror(silent: MirrorConnectionOptions['silent']): Promise<MirrorConnection>;
  /** Whether REST answers now. Never rejects. */
  answers(): Promise<boolean>;
  /**
   * Closes the REST connections; resolves when the trace is released, for which a reconnection does
   * not have to wait. Never rejects. `releaseTrace` is false when the source failed: tokens restart
   * with each SpecTcl, so a successor may have given this token to another client. A trace that is
   * not released expires.
   */
  close(releaseTrace: boolean): Promise<void>;
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

/** The program whose mirror service sends FULL again when its header has changed. */
const SELF_ANNOUNCING_PROGRAM = 'Rustogramer';

/**
 * Asks REST first: a SpecTcl that hangs then gets no mirror connection, which it could only lose
 * again. Throws SOURCE_UNREACHABLE, SOURCE_PROTOCOL or SOURCE_REFUSED with what was asked and what
 * was received, CLOSED when aborted by `signal`; nothing stays open then.
 */
export async function openServices(
  address: AddressOf<'spectcl'>,
  times: SourceTimes,
  clock: Clock,
  signal: AbortSignal,
): Promise<SourceServices> {
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
  try {
    const [channelBytes, bindings] = await Promise.all([
      openingRest.shmemSize(),
      watchBindings(openingRest, rest, clock),
    ]);
    if (channelBytes < 1) {
      throw new MirrorflowError(
        'SOURCE_PROTOCOL',
        `the REST service at ${host}:${restPort} reports a display memory of ${channelBytes} bytes; ` +
          'check that it is the REST port of a SpecTcl',
      );
    }
    return {
      channelBytes,
      bindings,
      rest,
      connectMirror: (silent) =>
        MirrorConnection.open({
          host,
          port: mirrorPort,
          connectMs: times.answerMs,
          silenceMs: times.silenceMs,
          silent,
          clock,
          signal,
        }),
      answers: () =>
        openingRest.version().then(
          () => true,
          () => false,
        ),
      close: async (releaseTrace) => {
        if (releaseTrace) await bindings?.end();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function watchBindings(
  openingRest: SpecTclRest,
  rest: SpecTclRest,
  clock: Clock,
): Promise<BindingWatch | undefined> {
  const { programName } = await openingRest.version();
  return programName === SELF_ANNOUNCING_PROGRAM ? undefined : BindingWatch.start(openingRest, rest, clock);
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
