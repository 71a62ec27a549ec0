/** The details of what was clicked on the network page, as names and values. */
import { lagOf, rateOf, troubleOf, usageLong } from '../view/network-words.js';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
} from '../../plotting/numbers.js';
import type { NetworkApplication, NetworkClient, NetworkFlow } from '../wire/messages.js';

export type Facts = readonly (readonly [name: string, value: string | undefined])[];

export function appFacts(app: NetworkApplication): Facts {
  return [
    ['state', app.state],
    ['source', app.source],
    ['restarts', String(app.restarts)],
    ['process', app.pid === undefined ? undefined : String(app.pid)],
    ['port', app.port === undefined ? undefined : String(app.port)],
    ['clients', String(app.clients.length)],
    ['cause', app.cause],
    ['problem', app.problem],
  ];
}

export function clientFacts(client: NetworkClient): Facts {
  return [
    ['program', client.program],
    ['process', client.pid === 0 ? undefined : String(client.pid)],
    ['connected', client.connected ? (client.answered ? 'yes' : 'yes, does not answer') : 'no'],
    ...client.flows.map(
      (usage) =>
        [`${usage.direction === 'input' ? 'reads' : 'writes'} ${usage.flow}`, usageLong(usage)] as const,
    ),
  ];
}

export function flowFacts(flow: NetworkFlow, clients: readonly NetworkClient[]): Facts {
  const users = clients.flatMap(({ name, flows }) =>
    flows
      .filter((usage) => usage.flow === flow.flow)
      .map(
        (usage) =>
          [`${usage.direction === 'input' ? 'read' : 'written'} by ${name}`, usageLong(usage)] as const,
      ),
  );
  return [
    ['state', flow.sourceState === undefined ? flow.state : `${flow.state}, ${flow.sourceState}`],
    ['trouble', troubleOf(flow)],
    ['rate', rateOf(flow)],
    ['newest buffer', flow.quietS === undefined ? undefined : `${formatDuration(flow.quietS * 1_000)} ago`],
    ['held back by', flow.holding.length === 0 ? 'nobody' : flow.holding.join(', ')],
    ['readers', lagOf(flow)],
    ['fullest history', flow.fill === undefined ? undefined : `${Math.round(flow.fill * 100)} %`],
    ...users,
    ['type', flow.type],
    ['source', flow.source],
    [
      'ring',
      flow.buffers === undefined
        ? undefined
        : `${formatCount(flow.buffers)} × ${formatBytes(flow.bufferSize ?? 0)}`,
    ],
    ['duplicator', flow.pid === undefined ? undefined : `process ${flow.pid}`],
    ['restarts', String(flow.restarts)],
    ['cause', flow.cause],
    ...counterFacts(flow),
  ];
}

function counterFacts({ counters, rates }: NetworkFlow): Facts {
  const counted = Object.entries(counters).filter(([name, value]) => value !== 0 || name === 'published');
  return counted.map(([name, value]) => {
    const rate = rates[name];
    const bytes = name.endsWith('Bytes');
    if (name.endsWith('Ns')) return [spaced(name), formatDuration(value / 1e6)];
    const perSecond = rate === undefined ? '' : ` · ${bytes ? formatByteRate(rate) : formatRate(rate)}`;
    return [spaced(name), (bytes ? formatBytes(value) : formatCount(value)) + perSecond];
  });
}

/** Counters keep their own name apart from the facts above: `published data`, `update time`. */
function spaced(name: string): string {
  return name
    .replace(/Bytes$/, ' data')
    .replace(/Ns$/, ' time')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
