/**
 * The channels of a stored axis that are neither under- nor overflow. The console and the web
 * server use it for every figure in units of an axis. Pure.
 */

/**
 * First channel in range, and the channel behind the last one. SpecTcl 5 stores under- and overflow
 * as first and last channel; only its REST service reports it, by two bins fewer than channels.
 * `bins`: undefined without an answer of the service.
 */
export function inRangeChannels(channels: number, bins: number | undefined): readonly [number, number] {
  return bins === channels - 2 && channels > 2 ? [1, channels - 1] : [0, Math.max(1, channels)];
}
