/**
 * `npm run bench -- growth [NAME=VALUE …] [FILE]`: what a laboratory of hosts and viewers needs,
 * and where each arrangement stops, from the parameters of `growth-model.ts` and changes of them; a
 * simulation beside it. With a file of `--json` that has rows of `hosts` it shows how far the model
 * is from what was measured. `main.ts` calls it. Measures nothing; reads the file.
 */
import { rowsIn } from './compare.js';
import { ARRANGEMENTS, GROWTH_DEFAULTS, needOf, type GrowthParameters, type Need } from './growth-model.js';
import { simulate, type Simulated } from './growth-simulation.js';
import { formatFigure, type Row } from './report.js';

/** A minute of publications at the default rate. */
const PUBLICATIONS = 600;
const SEED = 1;

/** The text of the tables. Throws for an argument that is neither a parameter nor such a file. */
export function growth(args: readonly string[]): string {
  const files = args.filter((arg) => !arg.includes('='));
  const parameters = parseParameters(args.filter((arg) => arg.includes('=')));
  const needs = ARRANGEMENTS.map((arrangement) => needOf(arrangement, parameters));
  const checks = files.map((file) => checkTable(rowsIn(file), parameters, file));
  const simulated = ARRANGEMENTS.map((one) => simulate(one, parameters, PUBLICATIONS, SEED));
  const values = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return [values.join(' '), needTable(needs), placeTable(needs, simulated), ...checks].join('\n\n');
}

/** Throws RangeError for an unknown name or a value that is no number. */
export function parseParameters(args: readonly string[]): GrowthParameters {
  const changed: Record<string, number> = {};
  for (const arg of args) {
    const [name = '', value = ''] = arg.split('=');
    if (!Object.hasOwn(GROWTH_DEFAULTS, name))
      throw new RangeError(
        `growth has no parameter ${name}: choose from ${Object.keys(GROWTH_DEFAULTS).join(', ')}`,
      );
    if (value.trim() === '' || !Number.isFinite(Number(value)))
      throw new RangeError(`${name} is ${value}: it must be a number`);
    changed[name] = Number(value);
  }
  return { ...GROWTH_DEFAULTS, ...changed };
}

export interface CheckedPoint {
  readonly receivers: number;
  /** To all of them together, for a publication. */
  readonly sentKib: number;
  readonly measuredMs: number;
  readonly modelMs: number;
}

/**
 * Processor time of the source per publication, by the number of receiving hosts. The model gets
 * the bytes that were sent: hosts that fall behind receive more for a publication.
 */
export function checkedPoints(
  rows: readonly Row[],
  { sourceMs, sendMsPerKib }: GrowthParameters,
): CheckedPoint[] {
  const ofHosts = rows.filter(({ bench }) => bench === 'hosts');
  return ofHosts.flatMap(({ case: title, value: measuredMs }) => {
    const [, name, count] = /^((\d+) receiving hosts?): CPU of the source per publication$/.exec(title) ?? [];
    if (count === undefined) return [];
    const sent = ofHosts.find((row) => row.case === `${name}: sent by the source per publication`);
    const sentKib = sent?.value ?? 0; // no host: nothing is sent, and there is no such row
    const modelMs = sourceMs + sentKib * sendMsPerKib;
    return [{ receivers: Number(count), sentKib, measuredMs, modelMs }];
  });
}

function needTable(needs: readonly Need[]): string {
  const head = ['all hosts together', 'MB/s', 'cores', 'wake-ups/s', 'hops'];
  return table([
    head,
    ...needs.map(({ arrangement, bytesPerSecond, cores, wakeUpsPerSecond, hops }) => [
      arrangement,
      formatFigure(bytesPerSecond / 1e6),
      formatFigure(cores),
      formatFigure(wakeUpsPerSecond),
      String(hops),
    ]),
  ]);
}

function placeTable(needs: readonly Need[], simulated: readonly Simulated[]): string {
  const head = [
    'the busiest place',
    '',
    'of its cores',
    'MB/s',
    'most hosts',
    'stops at',
    'seen/s',
    'age ms',
    'p99',
  ];
  const rows = needs.map(({ arrangement, busiest, hostsMax, stopsAt }, index) => [
    arrangement,
    busiest.name,
    `${formatFigure(busiest.coreShare * 100)} %`,
    formatFigure(busiest.bytesPerSecond / 1e6),
    formatFigure(hostsMax),
    stopsAt,
    formatFigure(simulated[index]?.fewestPerSecond ?? Number.NaN),
    formatFigure(simulated[index]?.ageMs.median ?? Number.NaN),
    formatFigure(simulated[index]?.ageMs.p99 ?? Number.NaN),
  ]);
  return table([head, ...rows]);
}

function checkTable(rows: readonly Row[], parameters: GrowthParameters, file: string): string {
  const points = checkedPoints(rows, parameters);
  if (points.length === 0) throw new RangeError(`${file} has no rows of the benchmark hosts`);
  const head = ['receiving hosts', 'sent KiB', 'measured ms', 'model ms', 'measured / model'];
  return table([
    head,
    ...points.map(({ receivers, sentKib, measuredMs, modelMs }) => [
      String(receivers),
      formatFigure(sentKib),
      formatFigure(measuredMs),
      formatFigure(modelMs),
      formatFigure(measuredMs / modelMs),
    ]),
  ]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
