/**
 * The mirror directory of a SpecTcl simulator: the registered mirror clients by host and memory
 * key. Removes more entries than necessary, as SpecTcl does. Used by the mirror and the REST
 * service. Pure.
 */
export interface MirrorEntry {
  readonly host: string;
  readonly shmkey: string;
}

export class MirrorDirectory {
  #entries: MirrorEntry[] = [];

  list(): readonly MirrorEntry[] {
    return this.#entries;
  }

  /** False when the host has registered the key already. */
  register(host: string, shmkey: string): boolean {
    if (this.#entries.some((entry) => entry.host === host && entry.shmkey === shmkey)) return false;
    this.#entries.push({ host, shmkey });
    return true;
  }

  /** Called when any connection of the host closes, even one that never registered a key. */
  removeHost(host: string): void {
    this.#entries = this.#entries.filter((entry) => entry.host !== host);
  }
}

/** The directory's host name of a peer with this address. */
export function hostOf(address: string | undefined): string {
  const plain = (address ?? '').replace(/^::ffff:/, '');
  return plain === '127.0.0.1' || plain === '::1' ? 'localhost' : plain;
}
