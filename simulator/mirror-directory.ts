/** Who mirrors, as SpecTcl keeps it, with its habit to remove too much. */
export interface MirrorEntry {
  readonly host: string;
  readonly shmkey: string;
}

export class MirrorDirectory {
  #entries: MirrorEntry[] = [];

  list(): readonly MirrorEntry[] {
    return this.#entries;
  }

  /** False when the host has registered that key already. */
  register(host: string, shmkey: string): boolean {
    if (this.#entries.some((entry) => entry.host === host && entry.shmkey === shmkey)) return false;
    this.#entries.push({ host, shmkey });
    return true;
  }

  /**
   * Every entry of the host goes when any of its connections closes, also one that never
   * registered.
   */
  removeHost(host: string): void {
    this.#entries = this.#entries.filter((entry) => entry.host !== host);
  }
}

/** The name a peer gets in the directory. */
export function hostOf(address: string | undefined): string {
  const plain = (address ?? '').replace(/^::ffff:/, '');
  return plain === '127.0.0.1' || plain === '::1' ? 'localhost' : plain;
}
