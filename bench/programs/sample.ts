/**
 * What a program that moves buffers answers to `sample`: how many it has moved by now, on its own
 * clock.
 */
export interface Sample {
  readonly buffers: number;
  readonly bytes: number;
  readonly atMs: number;
  readonly cpuMs: number;
}

export class Tally {
  buffers = 0;
  bytes = 0;

  sample(): Sample {
    const { user, system } = process.cpuUsage();
    return {
      buffers: this.buffers,
      bytes: this.bytes,
      atMs: performance.now(),
      cpuMs: (user + system) / 1000,
    };
  }
}
