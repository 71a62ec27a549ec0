/**
 * Finding other host servers on the local network by DNS-SD (RFC 6763): `_mirrorflow._tcp`, with
 * the version and whether TLS is spoken. It gives addresses to try and nothing more: whoever is
 * found there has to prove the shared secret as everybody else. A network without multicast is told
 * in the log and changes nothing.
 */
import { isIPv4 } from 'node:net';
import type { Service } from 'bonjour-service';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { PeerAddress } from './peer-address.js';

const TYPE = 'mirrorflow';

export interface DiscoveryOptions {
  readonly hostName: string;
  readonly version: string;
  readonly scheme: 'tcp' | 'tls';
  readonly port: number;
  readonly found: (address: PeerAddress) => void;
  readonly log: Logger;
}

/** What a service announces, as far as it matters here. */
type Announced = Partial<Pick<Service, 'name' | 'port' | 'addresses' | 'host'>> & {
  readonly txt?: unknown;
  /** Whom the announcement came from. */
  readonly referer?: { readonly address: string };
};

export class Discovery {
  readonly #end: () => Promise<void>;

  /** Announces this host and looks for others from now on. */
  static async start(options: DiscoveryOptions): Promise<Discovery | undefined> {
    const { hostName, version, scheme, port, found, log } = options;
    const failed = (error: unknown): void =>
      log.warn('hosts of the local network are not found', { error: describeError(error) });
    try {
      const { Bonjour } = await import('bonjour-service');
      const bonjour = new Bonjour({}, failed);
      survive(bonjour, failed);
      const txt = { version, tls: scheme === 'tls' ? '1' : '0' };
      bonjour.publish({ name: hostName, type: TYPE, port, txt, probe: false });
      const met = (service: Announced): void => {
        const address = service.name === hostName ? undefined : addressOf(service);
        if (address !== undefined) found(address);
      };
      // One that was killed says no farewell, and may be back at another port.
      bonjour.find({ type: TYPE }, met).on('srv-update', met);
      return new Discovery(
        () =>
          new Promise((resolve) => {
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

  /** Takes the announcement back. */
  close(): Promise<void> {
    return this.#end();
  }
}

/**
 * Where an announced host is; undefined when it does not say so properly. It is the address that it
 * spoke from: of those it announces some belong to networks that only it sees, and those of tunnels
 * are missing. Certificates are for names, so TLS takes that.
 */
export function addressOf({ port, addresses, host, txt, referer }: Announced): PeerAddress | undefined {
  const isTls = typeof txt === 'object' && txt !== null && 'tls' in txt && txt.tls === '1';
  const digits = referer?.address ?? addresses?.find((address) => isIPv4(address)) ?? addresses?.[0];
  const reached = isTls ? host?.replace(/\.$/, '') : digits;
  if (reached === undefined || reached === '' || port === undefined) return undefined;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { scheme: isTls ? 'tls' : 'tcp', host: reached, port };
}

/**
 * The library throws where nobody listens for its errors, such as a port of multicast DNS that is
 * taken.
 */
function survive(bonjour: object, failed: (error: unknown) => void): void {
  const server: unknown = Reflect.get(bonjour, 'server');
  if (typeof server !== 'object' || server === null || !('mdns' in server)) return;
  const { mdns } = server as { mdns: { on(event: string, listener: (error: unknown) => void): void } };
  mdns.on('error', failed);
}
