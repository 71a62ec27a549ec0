/**
 * Who mirrors from this gateway, as SpecTcl keeps it: host and memory key. Unlike SpecTcl's, a
 * closing connection takes only its own entry away, so that one viewer's end does not hide
 * another's mirror. Pure.
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
   * What takes the entry away again, or undefined when that host has that key registered already.
   */
  register(host: string, shmkey: string): (() => void) | undefined {
    for (const entry of this.#entries) if (entry.host === host && entry.shmkey === shmkey) return undefined;
    const entry = { host, shmkey };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }
}

/** The name that a peer has in the directory. */
export function hostOf(address: string | undefined): string {
  const plain = (address ?? '').replace(/^::ffff:/, '');
  return isLoopback(plain) ? 'localhost' : plain;
}

export function isLoopback(address: string | undefined): boolean {
  const plain = (address ?? '').replace(/^::ffff:/, '');
  return plain === '::1' || plain.startsWith('127.');
}
