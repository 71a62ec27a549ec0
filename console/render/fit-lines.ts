/**
 * A fit as lines of text: its parameters with errors, and how well it fits.
 *
 * `mirrorflow fit` prints them. Pure: no I/O.
 */
import type { FitResult, FittedParameter } from '../../analysis/fit/fit-spectrum.js';
import { measuredText } from '../../plotting/measured.js';
import { formatCount } from '../../plotting/numbers.js';

const NAME_COLUMNS = 14;
const VALUE_COLUMNS = 14;
/** Parameters that are shown before all others: those that most users need. */
const SHOWN_FIRST = /^(area|centroid|fwhm)\d*$/;

export function fitLines(name: string, unit: string, fit: FitResult): string[] {
  const { range, channels, counts, model, background, converged, peaks } = fit;
  const names = Object.keys(fit.parameters).sort((one, other) => {
    return Number(SHOWN_FIRST.test(other)) - Number(SHOWN_FIRST.test(one));
  });
  return [
    `${name}: ${model} on background ${background}, ${range.low} to ${range.high}${unit === '' ? '' : ` ${unit}`}, ` +
      `${channels} channels, ${formatCount(counts)} counts`,
    ...names.map((parameter) => parameterLine(parameter, fit.parameters[parameter])),
    goodness(fit),
    ...peaks.flatMap(({ areaUpperLimit, significance }, index) =>
      areaUpperLimit === undefined
        ? []
        : [
            `peak ${index + 1} is not significant (${significance.deviations.toFixed(1)} standard deviations): ` +
              `area below ${measuredText(areaUpperLimit).value} with 95 % confidence`,
          ],
    ),
    ...(converged ? [] : ['the fit did not converge: choose another range, model or start (--at, --set)']),
  ];
}

function parameterLine(name: string, parameter: FittedParameter | undefined): string {
  if (parameter === undefined) return name;
  const { value, error, state, low, high } = parameter;
  const text = measuredText(value, error);
  const cells = [name.padEnd(NAME_COLUMNS), text.value.padStart(VALUE_COLUMNS)];
  if (text.error !== '') cells.push(`± ${text.error}`);
  if (state !== 'fitted' && state !== 'derived') cells.push(`(${state})`);
  // The interval of 68.3 %, where it was asked for.
  if (low !== undefined && high !== undefined) {
    cells.push(`[${measuredText(low, error).value}, ${measuredText(high, error).value}]`);
  }
  return cells.join(' ');
}

function goodness({ deviance, degreesOfFreedom, pValue }: FitResult): string {
  const p = pValue === undefined ? '' : `, p-value ${Number(pValue.toPrecision(3))}`;
  return `deviance ${deviance.toFixed(1)} for ${degreesOfFreedom} degrees of freedom${p}`;
}
