/** One connection to a SpecTcl: its services looked up, its REST asked for size and kind, its mirror service connected. */
import type { AddressOf } from '../../protocol/address.js';
import type { Clock } from '../../protocol/clock.js';
import { MirrorflowError } from '../../protocol/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { BindingWatch } from './binding-watch.js';
import { MirrorConnection } from './mirror-connection.js';

export interface SourceConnection {
  readonly rest: SpecTclRest;
  readonly mirror: MirrorConnection;
  /** Undefined for a server that sends a new header by itself when it changes (Rustogramer). */
  readonly bindings: BindingWatch | undefined;
  /** Bytes of channel storage, from REST. */
  readonly channelBytes: number;
}

export interface SourceTimes {
  /** Longest wait for REST and for the connection, milliseconds. */
  readonly answerMs: number;
  /** Longest silence in the middle of an update, milliseconds. */
  readonly silenceMs: number;
}

/** A program whose mirror service sends FULL again when its header has changed. */
const ANNOUNCES_HEADERS = 'Rustogramer';

/** Throws SOURCE_UNREACHABLE, SOURCE_PROTOCOL or SOURCE_REFUSED with what was asked and found; nothing stays open then. */
export async function connectSource(
  address: AddressOf<'spectcl'>,
  times: SourceTimes,
  clock: Clock,
): Promise<SourceConnection> {
  const { host } = address;
  const [restPort, mirrorPort] = await Promise.all([
    portOf(host, address.rest, address.user, times.answerMs),
    portOf(host, address.mirror, address.user, times.answerMs),
  ]);
  const rest = new SpecTclRest({ host, port: restPort }, { timeoutMs: times.answerMs });
  // Both at once: a cold start waits for the slower of the two, not for their sum.
  const mirrorOpening = MirrorConnection.open({
    host,
    port: mirrorPort,
    connectMs: times.answerMs,
    silenceMs: times.silenceMs,
    clock,
  });
  mirrorOpening.catch(() => undefined);
  try {
    const [channelBytes, bindings] = await Promise.all([rest.shmemSize(), watchBindings(rest)]);
    if (channelBytes < 1) {
      throw new MirrorflowError(
        'SOURCE_PROTOCOL',
        `the REST service at ${host}:${restPort} says its display memory has ${channelBytes} bytes`,
      );
    }
    return { rest, mirror: await mirrorOpening, bindings, channelBytes };
  } catch (error) {
    rest.close();
    void mirrorOpening.then(
      (mirror) => mirror.destroy(),
      () => undefined,
    );
    throw error;
  }
}

export async function closeSource(source: SourceConnection): Promise<void> {
  source.mirror.destroy();
  await source.bindings?.end();
  source.rest.close();
}

async function watchBindings(rest: SpecTclRest): Promise<BindingWatch | undefined> {
  const { programName } = await rest.version();
  return programName === ANNOUNCES_HEADERS ? undefined : BindingWatch.begin(rest);
}

async function portOf(
  host: string,
  service: number | string,
  user: string | undefined,
  timeoutMs: number,
): Promise<number> {
  return typeof service === 'number' ? service : lookUpService(host, service, user, { timeoutMs });
}
