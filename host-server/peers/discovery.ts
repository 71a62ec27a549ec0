/**
 * Finds other host servers on the local network by DNS-SD (RFC 6763) over multicast, service type
 * `_mirrorflow._tcp`, and announces this one. It supplies addresses to try and nothing more: every
 * host must prove the shared secret. Started by `host-server.ts`; opens the multicast DNS port. A
 * network without multicast is logged and changes nothing.
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
  /** Runs for every announcement of another host, repeated ones included. */
  readonly onAddress: (address: PeerAddress) => void;
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
    const { hostName, version, scheme, port, onAddress, log } = options;
    const failed = (error: unknown): void =>
      log.warn('hosts of the local network cannot be discovered', { error: describeError(error) });
    try {
      const { Bonjour } = await import('bonjour-service');
      const bonjour = new Bonjour({}, failed);
      handleErrors(bonjour, failed);
      const txt = { version, tls: scheme === 'tls' ? '1' : '0' };
      bonjour.publish({ name: hostName, type: TYPE, port, txt, probe: false });
      const announced = (service: Announcement): void => {
        const address = service.name === hostName ? undefined : addressOf(service);
        if (address !== undefined) onAddress(address);
      };
      // A killed host server cannot withdraw its announcement, and may return with another port.
      bonjour.find({ type: TYPE }, announced).on('srv-update', announced);
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

  /** Withdraws the announcement and closes the port. */
  close(): Promise<void> {
    return this.#end();
  }
}

/**
 * The address of an announced host; undefined when the announcement is incomplete. The sender's
 * address is used: announced addresses may belong to networks that only the sender reaches, and
 * those of tunnels are missing. TLS takes the name, which the certificate is for.
 */
export function addressOf({ port, addresses, host, txt, referer }: Announcement): PeerAddress | undefined {
  const isTls = typeof txt === 'object' && txt !== null && 'tls' in txt && txt.tls === '1';
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
