/** What a region of interest holds, in words: limits, sum, centroid, width. */
import { formatCount } from '../../plotting/numbers.js';
import { formatAxisValue } from '../../plotting/ticks.js';
import { channelWidth, toUnits, type Axis } from '../view/axis.js';
import type { RegionStatistics } from '../wire/frame.js';
import type { ChannelRange, Region } from '../wire/messages.js';

/** FWHM of a Gaussian in standard deviations: 2 √(2 ln 2). */
const FWHM_PER_SIGMA = 2.3548;

export function regionText(
  region: Region,
  statistics: RegionStatistics,
  axes: { readonly x: Axis; readonly y: Axis },
  flat: boolean,
  inChannels: boolean,
): string {
  const parts = [`Region ${limits(axes.x, region.x, inChannels)}`];
  if (!flat && region.y !== undefined) parts[0] += ` × ${limits(axes.y, region.y, inChannels)}`;
  parts.push(`sum ${formatCount(statistics.sum)}`);
  const { xmean, xsigma, ymean, ysigma } = statistics;
  if (xmean === null || xsigma === null) return parts.join(' · ');
  const name = flat ? '' : 'x ';
  parts.push(`${name}centroid ${place(axes.x, xmean, inChannels)}`);
  parts.push(`${name}FWHM ${width(axes.x, xsigma, inChannels)}`);
  if (!flat && ymean !== null && ysigma !== null) {
    parts.push(
      `y centroid ${place(axes.y, ymean, inChannels)}`,
      `y FWHM ${width(axes.y, ysigma, inChannels)}`,
    );
  }
  return parts.join(' · ');
}

function limits(axis: Axis, range: ChannelRange, inChannels: boolean): string {
  return `${place(axis, range[0], inChannels)} – ${place(axis, range[1], inChannels)}`;
}

function place(axis: Axis, channel: number, inChannels: boolean): string {
  if (inChannels) return (channel - axis.inside[0]).toFixed(1);
  return formatAxisValue(toUnits(axis, channel), channelWidth(axis) / 2);
}

/** By moments: of a peak on a flat background it is too wide. */
function width(axis: Axis, sigma: number, inChannels: boolean): string {
  const channels = sigma * FWHM_PER_SIGMA;
  if (inChannels) return channels.toFixed(1);
  return formatAxisValue(channels * channelWidth(axis), channelWidth(axis) / 2);
}
