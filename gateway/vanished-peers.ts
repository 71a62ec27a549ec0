/**
 * Finds connections whose other host has vanished: switched off, or cut from the network.
 *
 * `mirror-service.ts` asks it once a second. Node sets no limit on unacknowledged data, for which
 * Linux waits some 15 minutes, so the kernel's table of TCP connections is read: it shows the
 * repetitions and keepalive probes that the other host has not acknowledged. Reads `/proc/net`.
 */
import { readFile } from 'node:fs/promises';

/** Time without any acknowledgement after which a host has vanished; an entry ends within 10 s. */
export const VANISHED_AFTER_MS = 6_000;
/** Idle time after which a connection is probed. */
export const PROBE_AFTER_MS = 1_000;
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** Both ends of a connection: `local port, remote address, remote port`. */
export function connectionId(localPort: number, remoteAddress: string, remotePort: number): string {
  return `${localPort} ${remoteAddress} ${remotePort}`;
}

export class VanishedPeers {
  readonly #readTables: () => Promise<string[]>;
  /** Since when a connection has something unacknowledged, by its id, milliseconds. */
  #since = new Map<string, number>();

  constructor(readTables = readKernelTables) {
    this.#readTables = readTables;
  }

  /** Ids of the connections whose peer acknowledged nothing for `VANISHED_AFTER_MS`. */
  async find(nowMs: number): Promise<ReadonlySet<string>> {
    const since = new Map<string, number>();
    const vanished = new Set<string>();
    for (const table of await this.#readTables()) {
      for (const id of unacknowledged(table)) {
        const firstMs = this.#since.get(id) ?? nowMs;
        since.set(id, firstMs);
        if (nowMs - firstMs >= VANISHED_AFTER_MS) vanished.add(id);
      }
    }
    this.#since = since;
    return vanished;
  }
}

/** Ids of the connections in one of the kernel's tables that wait for an acknowledgement. */
export function* unacknowledged(table: string): Generator<string> {
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', , , , repetitions, , probes] = line.trim().split(/\s+/);
    if (Number.parseInt(repetitions ?? '0', 16) === 0 && Number(probes ?? 0) === 0) continue;
    const [address = '', port = ''] = remote.split(':');
    const localPort = Number.parseInt(local.split(':')[1] ?? '', 16);
    yield connectionId(localPort, addressText(address), Number.parseInt(port, 16));
  }
}

/** The kernel writes addresses as 32-bit words of the machine's (little-endian) byte order. */
function addressText(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.byteLength % 4 !== 0) return '';
  bytes.swap32();
  const isMapped =
    bytes.byteLength === 16 && bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff';
  if (bytes.byteLength === 4 || isMapped) return [...bytes.subarray(-4)].join('.');
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  // The URL parser shortens an IPv6 address as Node does.
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1);
}

async function readKernelTables(): Promise<string[]> {
  return Promise.all(TABLES.map((path) => readFile(path, 'latin1').catch(() => '')));
}
