/**
 * A spectrum as files have it: name, axes in units, counts without under- and overflow channels.
 * The writers and readers of this folder use it, for `mirrorflow save`, the web server and the
 * page. Pure.
 */

export interface SavedAxis {
  /** Parameter or text of the axis, such as `ge.energy [keV]`; may be empty. */
  readonly label: string;
  /** Limits in units. */
  readonly low: number;
  readonly high: number;
  readonly channels: number;
}

export interface SavedSpectrum {
  readonly name: string;
  /** As SpecTcl stores it: `1D long`, `2D word`, … */
  readonly type: string;
  readonly x: SavedAxis;
  /** The y axis of a spectrum of two dimensions. */
  readonly y?: SavedAxis;
  /** Row by row, x fastest. */
  readonly counts: Readonly<ArrayLike<number>>;
  /** Milliseconds since 1970 of the publication; 0 where the file has none. */
  readonly atMs: number;
}

/** Most channels of one spectrum that a reader accepts. */
export const CHANNELS_MAX = 2 ** 24;

/** Channels of both axes; throws RangeError for numbers that no spectrum has. */
export function checkedChannels(name: string, xchans: number, ychans = 1): number {
  const channels = xchans * ychans;
  const isValid = Number.isInteger(xchans) && Number.isInteger(ychans) && xchans > 0 && ychans > 0;
  if (!isValid || channels > CHANNELS_MAX) {
    throw new RangeError(
      `the spectrum ${name} has ${xchans} × ${ychans} channels; a file may have 1 to ${CHANNELS_MAX}`,
    );
  }
  return channels;
}
