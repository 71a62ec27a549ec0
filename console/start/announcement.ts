/** What `mirrorflow start` says when the mirror stands, and while it runs. Pure. */
import type { TextStyle } from '../render/colour.js';
import { formatByteRate, formatBytes, formatCount, formatRate } from '../../plotting/numbers.js';

export interface MirrorFacts {
  readonly app: string;
  readonly source: string;
  readonly simulator: boolean;
  readonly spectra: number;
  readonly memoryBytes: number;
  readonly image: string | undefined;
  readonly hostPid: number;
  readonly ownHost: boolean;
  /** What the commands of another terminal need in order to find it: `--directory …`, `--app …`. */
  readonly options: readonly string[];
  /** Address of the web viewer; undefined when there is none. */
  readonly web?: string | undefined;
  /** A spectrum worth looking at. */
  readonly spectrum: string | undefined;
}

export function announcement(
  facts: MirrorFacts,
  styled: (text: string, style: TextStyle) => string,
): string[] {
  const what = facts.simulator ? 'a SpecTcl simulator (invented events)' : 'SpecTcl';
  const row = (name: string, value: string): string => `  ${name.padEnd(13)}${value}`;
  const commands = [
    ['spectra'],
    ...(facts.spectrum === undefined ? [] : [['show', quoted(facts.spectrum), '--watch']]),
    ['stats', '--watch'],
  ];
  return [
    `${styled('mirrorflow', 'bold')} mirrors ${what} as application ${styled(facts.app, 'bold')}`,
    row('source', facts.source),
    row('spectra', `${facts.spectra} in ${formatBytes(facts.memoryBytes)} of shared memory`),
    ...(facts.image === undefined ? [] : [row('memory', facts.image)]),
    row(
      'host server',
      `process ${facts.hostPid}, ${facts.ownHost ? 'ends with this command' : 'ran already'}`,
    ),
    '',
    ...(facts.web === undefined ? [] : [`See the spectra in a browser: ${styled(facts.web, 'cyan')}`, '']),
    'Try in another terminal:',
    ...commands.map(
      (words) => `  ${styled(['npx mirrorflow', ...words, ...facts.options].join(' '), 'cyan')}`,
    ),
    '',
  ];
}

export interface Pulse {
  readonly state: string;
  readonly published: number;
  /** Per second; undefined before the second look. */
  readonly updates: number | undefined;
  readonly bytes: number | undefined;
}

/** One line: state, publications, rates. */
export function pulseLine({ state, published, updates, bytes }: Pulse): string {
  const rates =
    updates === undefined
      ? ''
      : `  ${formatRate(updates).replace('/s', ' updates/s')}  ${formatByteRate(bytes ?? 0)}`;
  return `${state}  ${formatCount(published)} published${rates}  (Ctrl-C ends)`;
}

/** A name as a shell takes it. */
function quoted(name: string): string {
  return /^[\w./:@%+-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}
