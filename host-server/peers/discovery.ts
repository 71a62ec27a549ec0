/**
 * Finds other host servers on the local network by DNS-SD (RFC 6763) over multicast, service type
 * `_mirrorflow._tcp`, and announces this one. It supplies addresses to try and nothing more: every
 * host must prove the shared secret, and on a host with certificates an announcement without TLS is
 * ignored. Started by `host-server.ts`; opens the multicast DNS port. A network without multicast
 * is logged and changes nothing.
 */
import { isIPv4 } from 'node:net';
import type { Service } from 'bonjour-service';
import { describeError } from '../../protocol/base/errors.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import type { PeerAddress } from './peer-address.js';

const TYPE = 'mirrorflow';
/**
 * The search begins again after this time: hosts answer it again, and the library drops those that
 * were only invented.
 */
const SEARCH_AGAIN_MS = 5 * 60_000;

export interface DiscoveryOptions {
  readonly hostName: string;
  readonly version: string;
  readonly scheme: 'tcp' | 'tls';
  readonly port: number;
  /** Whether this host connects with TLS only. */
  readonly tlsOnly: boolean;
  /** Runs for every announcement of another host; `sender`: IP address that it came from. */
  readonly onAddress: (address: PeerAddress, sender: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The members of an announcement that are read here. */
type Announcement = Partial<Pick<Service, 'name' | 'port' | 'addresses' | 'host'>> & {
  readonly txt?: unknown;
  /** The host that sent the packet. */
  readonly referer?: { readonly address: string };
};

export class Discovery {
  readonly #end: () => Promise<void>;

  /** Announces this host and discovers others from now on; undefined when that is impossible. */
  static async start(options: DiscoveryOptions): Promise<Discovery | undefined> {
    const { hostName, version, scheme, port, tlsOnly, onAddress, clock, log } = options;
    const failed = (error: unknown): void =>
      log.warn('hosts of the local network cannot be discovered', { error: describeError(error) });
    try {
      const { Bonjour } = await import('bonjour-service');
      const bonjour = new Bonjour({}, failed);
      handleErrors(bonjour, failed);
      const txt = { version, tls: scheme === 'tls' ? '1' : '0' };
      bonjour.publish({ name: hostName, type: TYPE, port, txt, probe: false });
      const announced = (service: Announcement): void => {
        const address = service.name === hostName ? undefined : addressOf(service, tlsOnly);
        if (address !== undefined) onAddress(address, service.referer?.address ?? address.host);
      };
      // A killed host server cannot withdraw its announcement, and may return with another port.
      const search = () => bonjour.find({ type: TYPE }, announced).on('srv-update', announced);
      let browser = search();
      let cancel: () => void = () => undefined;
      const searchAgain = (): void => {
        cancel = clock.after(
          SEARCH_AGAIN_MS,
          () => {
            browser.stop();
            browser = search();
            searchAgain();
          },
          true,
        );
      };
      searchAgain();
      return new Discovery(
        () =>
          new Promise((resolve) => {
            cancel();
            bonjour.unpublishAll(() => bonjour.destroy(() => resolve()));
          }),
      );
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  private constructor(end: () => Promise<void>) {
    this.#end = end;
  }

  /** Withdraws the announcement and closes the port. */
  close(): Promise<void> {
    return this.#end();
  }
}

/**
 * The address of an announced host; undefined when the announcement is incomplete, or without TLS
 * on a host that uses TLS only. The sender's address is used: announced addresses may belong to
 * networks that only the sender reaches, and those of tunnels are missing. TLS takes the name,
 * which the certificate is for.
 */
export function addressOf(
  { port, addresses, host, txt, referer }: Announcement,
  tlsOnly = false,
): PeerAddress | undefined {
  const isTls = typeof txt === 'object' && txt !== null && 'tls' in txt && txt.tls === '1';
  if (tlsOnly && !isTls) return undefined;
  const ip = referer?.address ?? addresses?.find((address) => isIPv4(address)) ?? addresses?.[0];
  const target = isTls ? host?.replace(/\.$/, '') : ip;
  if (target === undefined || target === '' || port === undefined) return undefined;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { scheme: isTls ? 'tls' : 'tcp', host: target, port };
}

/**
 * The library emits errors, such as a multicast DNS port that is taken, on an inner object without
 * a listener, which would end the process.
 */
function handleErrors(bonjour: object, failed: (error: unknown) => void): void {
  const server: unknown = Reflect.get(bonjour, 'server');
  if (typeof server !== 'object' || server === null || !('mdns' in server)) return;
  const { mdns } = server as { mdns: { on(event: string, listener: (error: unknown) => void): void } };
  mdns.on('error', failed);
}
