/**
 * The texts that `mirrorflow start` prints: an announcement when the mirror is up, then a status
 * line.
 *
 * `session.ts` prints them. Pure: no I/O.
 */
import type { TextStyle } from '../render/colour.js';
import { formatByteRate, formatBytes, formatCount, formatRate } from '../../plotting/numbers.js';

export interface MirrorFacts {
  readonly app: string;
  readonly source: string;
  readonly simulator: boolean;
  readonly spectra: number;
  readonly memoryBytes: number;
  readonly image: string | undefined;
  /** Where the spectra are recorded; undefined where they are not. */
  readonly recordings?: string | undefined;
  readonly hostPid: number;
  readonly ownHost: boolean;
  /**
   * Options with which commands in another terminal find the mirror: `--directory …`, `--app …`.
   */
  readonly options: readonly string[];
  /** Address of the web viewer; undefined when there is none. */
  readonly web?: string | undefined;
  /** Log file of the host server, which has the reason when a wanted viewer did not start. */
  readonly log?: string | undefined;
  /** Name of a spectrum to suggest. */
  readonly spectrum: string | undefined;
}

export function announcement(
  facts: MirrorFacts,
  styled: (text: string, style: TextStyle) => string,
): string[] {
  const what = facts.simulator ? 'a SpecTcl simulator (generated events)' : 'SpecTcl';
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
    ...(facts.recordings === undefined ? [] : [row('recorded', `into ${facts.recordings}`)]),
    row(
      'host server',
      `process ${facts.hostPid}, ${facts.ownHost ? 'stops with this command' : 'ran already'}`,
    ),
    '',
    ...viewerLines(facts, styled),
    'Try in another terminal:',
    ...commands.map(
      (words) => `  ${styled(['npx mirrorflow', ...words, ...facts.options].join(' '), 'cyan')}`,
    ),
    '',
  ];
}

function viewerLines(
  { web, log }: MirrorFacts,
  styled: (text: string, style: TextStyle) => string,
): string[] {
  if (web !== undefined) return [`See the spectra in a browser: ${styled(web, 'cyan')}`, ''];
  return log === undefined ? [] : [`The web viewer did not start; the reason is in ${log}`, ''];
}

/** The status of a running mirror. */
export interface Pulse {
  readonly state: string;
  readonly published: number;
  /** Updates per second; undefined before the second sample. */
  readonly updates: number | undefined;
  /** Bytes per second; undefined before the second sample. */
  readonly bytes: number | undefined;
}

/** The status line: state, publications, rates. */
export function pulseLine({ state, published, updates, bytes }: Pulse): string {
  const rates =
    updates === undefined
      ? ''
      : `  ${formatRate(updates).replace('/s', ' updates/s')}  ${formatByteRate(bytes ?? 0)}`;
  return `${state}  ${formatCount(published)} published${rates}  (Ctrl-C stops)`;
}

/** A name quoted for a shell. */
function quoted(name: string): string {
  return /^[\w./:@%+-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}
