/**
 * What runs in a chaos run: applications, flows with their providers, and readers. Constants only,
 * read by `ChaosSystem`, the faults and the memory samples.
 */

export interface FlowPlan {
  readonly app: string;
  readonly flow: string;
  /** Bytes of a buffer. */
  readonly size: number;
  /** Buffers of the ring. */
  readonly buffers: number;
  /** Buffers that are written every five milliseconds. */
  readonly batch: number;
}

export interface ReaderPlan {
  readonly name: string;
  readonly app: string;
  readonly flow: string;
  /** Delivery of a provider's flow, or the publications or the image of a mirror. */
  readonly mode: 'lossless' | 'lossy' | 'publications' | 'image';
}

/** The application that mirrors a SpecTcl. */
export const MIRRORED = 'alpha';
/**
 * The application whose processes are stopped and flooded, but never killed, so that their memory
 * can be watched over the whole run.
 */
export const STEADY = 'steady';
export const APPLICATIONS: readonly string[] = [MIRRORED, 'beta', STEADY];

export const FLOWS: readonly FlowPlan[] = [
  { app: MIRRORED, flow: 'fast', size: 128, buffers: 1024, batch: 8 },
  { app: 'beta', flow: 'events', size: 4096, buffers: 64, batch: 2 },
  { app: STEADY, flow: 'calm', size: 1024, buffers: 128, batch: 2 },
];

export const READERS: readonly ReaderPlan[] = [
  { name: 'fast-lossless', app: MIRRORED, flow: 'fast', mode: 'lossless' },
  { name: 'fast-lossy', app: MIRRORED, flow: 'fast', mode: 'lossy' },
  { name: 'events-one', app: 'beta', flow: 'events', mode: 'lossless' },
  { name: 'events-two', app: 'beta', flow: 'events', mode: 'lossless' },
  { name: 'calm-reader', app: STEADY, flow: 'calm', mode: 'lossless' },
  { name: 'display-publications', app: MIRRORED, flow: 'spectra', mode: 'publications' },
  { name: 'display-image', app: MIRRORED, flow: 'spectra', mode: 'image' },
];
