/**
 * The text below a plot about its region of interest, the range of channels that the user marked:
 * limits, sum, centroid, width. `Plot` shows it. Pure: text out, no document.
 */
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
  oneDimensional: boolean,
  inChannels: boolean,
): string {
  const parts = [`Region ${limits(axes.x, region.x, inChannels)}`];
  if (!oneDimensional && region.y !== undefined) parts[0] += ` × ${limits(axes.y, region.y, inChannels)}`;
  parts.push(`sum ${formatCount(statistics.sum)}`);
  const { xmean, xsigma, ymean, ysigma } = statistics;
  if (xmean === null || xsigma === null) return parts.join(' · ');
  const name = oneDimensional ? '' : 'x ';
  parts.push(`${name}centroid ${placeText(axes.x, xmean, inChannels)}`);
  parts.push(`${name}FWHM ${widthText(axes.x, xsigma, inChannels)}`);
  if (!oneDimensional && ymean !== null && ysigma !== null) {
    parts.push(
      `y centroid ${placeText(axes.y, ymean, inChannels)}`,
      `y FWHM ${widthText(axes.y, ysigma, inChannels)}`,
    );
  }
  return parts.join(' · ');
}

function limits(axis: Axis, range: ChannelRange, inChannels: boolean): string {
  return `${placeText(axis, range[0], inChannels)} – ${placeText(axis, range[1], inChannels)}`;
}

/** A position on the axis, in units or as channel number. */
function placeText(axis: Axis, channel: number, inChannels: boolean): string {
  if (inChannels) return (channel - axis.inRange[0]).toFixed(1);
  return formatAxisValue(toUnits(axis, channel), channelWidth(axis) / 2);
}

/** The FWHM from the second moment: too large for a peak on a background. */
function widthText(axis: Axis, sigma: number, inChannels: boolean): string {
  const channels = sigma * FWHM_PER_SIGMA;
  if (inChannels) return channels.toFixed(1);
  return formatAxisValue(channels * channelWidth(axis), channelWidth(axis) / 2);
}
