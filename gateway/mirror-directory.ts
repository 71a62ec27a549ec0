/**
 * The directory of mirrors that take their data from this gateway: host and memory key of each.
 *
 * The mirror service registers its clients in it; the REST service lists it. SpecTcl has the same
 * directory, but there a closing connection removes entries of other viewers too. Pure: no I/O.
 */
import type { Socket } from 'node:net';
import { plainAddress } from '../protocol/rpc/security/peer-addresses.js';

export interface MirrorEntry {
  readonly host: string;
  readonly shmkey: string;
}

/** The other end of a connection. */
export interface Peer {
  /** Name of the viewer's host in the directory: `localhost` for this machine, else its address. */
  readonly host: string;
  readonly address: string;
  readonly local: boolean;
}

/** A client of the mirror service; without a key it has registered none yet. */
interface Entry {
  readonly peer: Peer;
  shmkey: string | undefined;
  readonly onReplaced: () => void;
}

/** A connected client, as the directory gives it to the mirror service. */
export interface Registration {
  /** Sets the memory key. An older connection of the same host with the same key is replaced. */
  register(shmkey: string): void;
  remove(): void;
}

export class MirrorDirectory {
  readonly #entries = new Set<Entry>();
  /** Entries with a key, by host and key, in the order of their registration. */
  readonly #registered = new Map<string, Entry>();

  /** Entries with a key. */
  list(): (MirrorEntry & { readonly peer: Peer })[] {
    return [...this.#registered.values()].flatMap(({ peer, shmkey }) =>
      shmkey === undefined ? [] : [{ host: peer.host, shmkey, peer }],
    );
  }

  /** All connected clients, with or without a key. */
  clients(): { readonly peer: Peer; readonly shmkey: string | undefined }[] {
    return [...this.#entries];
  }

  /**
   * Adds a client. `onReplaced` is called when a newer client of the same host registers its key: a
   * viewer host that vanished and returns must not be refused for its own earlier connection.
   */
  add(peer: Peer, onReplaced: () => void): Registration {
    const entry: Entry = { peer, shmkey: undefined, onReplaced };
    this.#entries.add(entry);
    return {
      register: (shmkey) => this.#register(entry, shmkey),
      remove: () => this.#remove(entry),
    };
  }

  #register(entry: Entry, shmkey: string): void {
    this.#forgetKey(entry);
    entry.shmkey = shmkey;
    const id = idOf(entry);
    const other = this.#registered.get(id);
    this.#registered.delete(id);
    this.#registered.set(id, entry);
    if (other === undefined) return;
    this.#entries.delete(other);
    other.onReplaced();
  }

  #remove(entry: Entry): void {
    this.#forgetKey(entry);
    this.#entries.delete(entry);
  }

  /** A key that a newer client has taken over stays with that client. */
  #forgetKey(entry: Entry): void {
    const id = idOf(entry);
    if (this.#registered.get(id) === entry) this.#registered.delete(id);
  }
}

/** Host names contain no spaces. */
function idOf({ peer, shmkey }: Entry): string {
  return `${peer.host} ${shmkey ?? ''}`;
}

/** The other end of a connection. One with the same address at both ends is on this machine. */
export function peerOf({
  remoteAddress,
  localAddress,
}: Pick<Socket, 'remoteAddress' | 'localAddress'>): Peer {
  const address = plainAddress(remoteAddress ?? '');
  const local =
    address === '::1' || address.startsWith('127.') || address === plainAddress(localAddress ?? '');
  return { host: local ? 'localhost' : address, address, local };
}
