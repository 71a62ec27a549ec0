/**
 * The cells of the table of other sites: site, host, applications, flows. Used by the network page.
 * Pure.
 */
import type { FarHost } from '../wire/network.js';

/** In the order of site and host; what does not run is named with its state. */
export function farHostRows(hosts: readonly FarHost[]): string[][] {
  return hosts
    .toSorted((a, b) => compare(a.site, b.site) || compare(a.name, b.name))
    .map(({ site, name, applications, flows }) => [
      site,
      name,
      listed(applications.map((app) => withState(app.name, app.state))),
      listed(flows.map(({ app, flow, state }) => withState(`${app}/${flow}`, state))),
    ]);
}

function withState(name: string, state: string): string {
  return state === 'running' ? name : `${name} (${state})`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '–' : names.join(', ');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
