/**
 * What a program that moves buffers replies to the request `sample`: the counts so far and the
 * program's own clock. The benchmark takes two samples and computes rates from them. Pure.
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
