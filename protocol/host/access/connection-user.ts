/**
 * The user of the process at the other end of a TCP connection from this machine. Linux tells it to
 * everyone: to a question about one connection (socket-diagnosis.ts), else in the table of all
 * connections, /proc/net/tcp. audience.ts calls it. Reads the kernel's tables.
 */
import { readFileSync } from 'node:fs';
import { isIPv4, type Socket } from 'node:net';
import { isLoopback } from '../../rpc/security/listening.js';
import { diagnose, type ConnectionEnd, type Diagnosis } from './socket-diagnosis.js';

/** Fields of a line of proc_net_tcp(5), and the state of an established connection. */
const FIELDS = { local: 1, remote: 2, state: 3, uid: 7 } as const;
const ESTABLISHED = '01';
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const IPV6_LOOPBACK = '00000000000000000000000001000000';
const MAPPED_PREFIX = '0000000000000000FFFF0000';

export class ConnectionUsers {
  readonly #diagnose: (local: ConnectionEnd, remote: ConnectionEnd) => Diagnosis;

  constructor(question: (local: ConnectionEnd, remote: ConnectionEnd) => Diagnosis = diagnose) {
    this.#diagnose = question;
  }

  /**
   * The user of each of these sockets' other ends; undefined where unknown: on another machine, or
   * closed. The tables, where they are needed, are read once for all.
   */
  of(sockets: Iterable<Socket>): Map<Socket, number | undefined> {
    const tables = new Map<string, string>();
    const readOnce = (table: string): string => {
      const text = tables.get(table) ?? textOf(table);
      tables.set(table, text);
      return text;
    };
    const users = new Map<Socket, number | undefined>();
    for (const socket of sockets) users.set(socket, this.#userOf(socket, readOnce));
    return users;
  }

  #userOf(socket: Socket, read: (table: string) => string): number | undefined {
    const { remotePort, localPort } = socket;
    const address = plainAddress(socket.remoteAddress);
    const ownAddress = plainAddress(socket.localAddress);
    if (!isLoopback(address) || remotePort === undefined || localPort === undefined) return undefined;
    const diagnosis = this.#diagnose({ address, port: remotePort }, { address: ownAddress, port: localPort });
    return diagnosis.kind === 'found' ? diagnosis.uid : userInTables(address, remotePort, localPort, read);
  }
}

function plainAddress(address: string | undefined): string {
  return address?.replace('::ffff:', '') ?? '';
}

function userInTables(
  address: string,
  remotePort: number,
  localPort: number,
  read: (table: string) => string,
): number | undefined {
  const host = isIPv4(address) ? hexOfIpv4(address) : IPV6_LOOPBACK;
  const port = hexOfPort(remotePort);
  const local = [`${host}:${port}`, `${MAPPED_PREFIX}${host}:${port}`];
  const remoteEnd = `:${hexOfPort(localPort)}`;
  for (const table of TABLES) {
    for (const line of linesWith(local, read(table))) {
      const fields = line.trim().split(/\s+/);
      if (fields[FIELDS.state] !== ESTABLISHED || !local.includes(fields[FIELDS.local] ?? '')) continue;
      if (fields[FIELDS.remote]?.endsWith(remoteEnd) === true) return Number(fields[FIELDS.uid]);
    }
  }
  return undefined;
}

/**
 * The lines of a table that contain one of these addresses. Splitting the whole table would cost
 * more than all else: it has every connection of the machine.
 */
function* linesWith(addresses: readonly string[], table: string): Generator<string> {
  for (const address of addresses) {
    for (let at = table.indexOf(address); at >= 0; at = table.indexOf(address, at + 1)) {
      const end = table.indexOf('\n', at);
      yield table.slice(table.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end);
    }
  }
}

function textOf(table: string): string {
  try {
    return readFileSync(table, 'latin1');
  } catch {
    return '';
  }
}

/** As the kernel prints it: the address as one number of this little-endian machine. */
function hexOfIpv4(address: string): string {
  return Buffer.from(address.split('.').toReversed().map(Number)).toString('hex').toUpperCase();
}

function hexOfPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
