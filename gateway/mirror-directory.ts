/**
 * The directory of mirrors that take their data from this gateway: host and memory key of each.
 *
 * The mirror service registers its clients in it; the REST service lists it. SpecTcl has the same
 * directory, but there a closing connection removes entries of other viewers too. Pure: no I/O.
 */

export interface MirrorEntry {
  readonly host: string;
  readonly shmkey: string;
}

export class MirrorDirectory {
  readonly #entries = new Set<MirrorEntry>();

  list(): MirrorEntry[] {
    return [...this.#entries];
  }

  /**
   * Adds an entry. Returns a function that removes it, or undefined when the host has registered
   * the key already.
   */
  register(host: string, shmkey: string): (() => void) | undefined {
    for (const entry of this.#entries) if (entry.host === host && entry.shmkey === shmkey) return undefined;
    const entry = { host, shmkey };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }
}

/** The name of a peer's address in the directory: `localhost` for this machine. */
export function hostOf(address: string | undefined): string {
  const plain = (address ?? '').replace(/^::ffff:/, '');
  return isLoopback(plain) ? 'localhost' : plain;
}

export function isLoopback(address: string | undefined): boolean {
  const plain = (address ?? '').replace(/^::ffff:/, '');
  return plain === '::1' || plain.startsWith('127.');
}
