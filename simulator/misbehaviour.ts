/**
 * The faults that a SpecTcl simulator can show, for tests of clients: options of main.ts, applied
 * by the mirror and the REST service. Types and constants only; simulator.ts passes them on.
 */

/**
 * - `hang`: answers only when the misbehaviour has ended
 * - `stall`: never answers
 * - `stall-inside`: stops in the middle of the body
 * - `cut`: closes in the middle of the body
 * - `garbage`: random bytes instead of a reply
 * - `short-length`, `huge-length`: a reply whose header gives a size of 3 bytes, or of 4 GiB
 * - `bad-header`: a full update whose spectra lie beyond the end of the storage
 * - `slow`: sends `slowBytesPerSecond`
 */
export const MIRROR_MISBEHAVIOURS = [
  'none',
  'hang',
  'stall',
  'stall-inside',
  'cut',
  'garbage',
  'short-length',
  'huge-length',
  'bad-header',
  'slow',
] as const;
export type MirrorMisbehaviour = (typeof MIRROR_MISBEHAVIOURS)[number];

/**
 * `hang`: answers only when the misbehaviour has ended; `status`: an error of the service; `html`:
 * a web page; `silent`: no answer; `http-500`: an HTTP error.
 */
export const REST_MISBEHAVIOURS = ['none', 'hang', 'status', 'html', 'silent', 'http-500'] as const;
export type RestMisbehaviour = (typeof REST_MISBEHAVIOURS)[number];

export interface Misbehaviour {
  mirror: MirrorMisbehaviour;
  rest: RestMisbehaviour;
  /** Speed of `slow`, bytes per second. */
  slowBytesPerSecond: number;
}

export const GOOD_BEHAVIOUR: Readonly<Misbehaviour> = {
  mirror: 'none',
  rest: 'none',
  slowBytesPerSecond: 1_000_000,
};
