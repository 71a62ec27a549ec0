/**
 * The labels of an axis of counts or a colour key: a logarithmic scale with a high top has powers
 * of ten, all others the labels of `plotting/scale.ts`. Used by the plots of the page. Pure.
 */
import type { CountScale, CountTick } from '../../plotting/scale.js';

/** From this top on, the zeros of plain numbers are hard to count. */
const POWERS_FROM = 1e5;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

export function countLabel({ count, label }: CountTick, { name, top }: CountScale): string {
  if (name !== 'log' || top < POWERS_FROM || count === 0) return label;
  const exponent = Math.floor(Math.log10(count) + 1e-9);
  const factor = Math.round(count / 10 ** exponent);
  const digits = String(exponent).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? '');
  return `${factor === 1 ? '' : `${factor}·`}10${digits}`;
}
