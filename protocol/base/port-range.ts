/**
 * Parses and formats a range of TCP ports, such as `7400-7499`: the ports on which servers listen
 * for other hosts, so that a firewall can be opened for exactly these. Used by the options of host
 * servers and app servers. Pure.
 */
import { MirrorflowError } from './errors.js';

export interface PortRange {
  readonly low: number;
  readonly high: number;
}

const PORT_MAX = 65_535;

/**
 * A single port is a range too. Throws BAD_OPTION, naming `option`, for anything else than a range
 * of ports from 1 to 65535.
 */
export function parsePortRange(option: string, text: unknown): PortRange {
  const match = typeof text === 'string' ? /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) : null;
  const low = Number(match?.[1]);
  const high = Number(match?.[2] ?? match?.[1]);
  if (low >= 1 && low <= high && high <= PORT_MAX) return { low, high };
  const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 80)) : typeof text;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${option} is ${shown}; it must be a range of ports such as 7400-7499`,
    { option },
  );
}

export function formatPortRange({ low, high }: PortRange): string {
  return `${low}-${high}`;
}
