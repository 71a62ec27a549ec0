/**
 * The details of a selected application, source, flow (a ring of buffers in shared memory) or
 * client (a program that reads or writes flows), as names and values. `NetworkView` shows them.
 * Pure.
 */
import { flowLagText, flowRateText, flowProblem, usageDetails } from '../view/network-words.js';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
} from '../../plotting/numbers.js';
import type { NetworkApplication, NetworkClient, NetworkFlow, NetworkRecorder } from '../wire/network.js';

/** Rows with an undefined value are left out. */
export type DetailRows = readonly (readonly [name: string, value: string | undefined])[];

/** `state`: of its data, as the picture has it. */
export function applicationDetails(app: NetworkApplication, state: string): DetailRows {
  return [
    ['state', state === app.state ? state : `${app.state}, ${state}`],
    ['source', app.source],
    ['restarts', String(app.restarts)],
    ['process', app.pid === undefined ? undefined : String(app.pid)],
    ['port', app.port === undefined ? undefined : String(app.port)],
    ['clients', String(app.clients.length)],
    ['recorder', app.recorder === undefined ? undefined : recorderText(app.recorder)],
    ['cause', app.cause],
    ['problem', app.problem],
  ];
}

/** `waiting: waiting for the source of spectra, which is stale`, or `recording · 12 buffers`. */
function recorderText({ state, cause, buffers, lost }: NetworkRecorder): string {
  const losses = lost === 0 ? '' : ` · ${formatCount(lost)} lost`;
  const counts = `${formatCount(buffers)} buffers${losses}`;
  return cause === undefined ? `${state} · ${counts}` : `${state}: ${cause} · ${counts}`;
}

export function sourceDetails(flow: NetworkFlow): DetailRows {
  const { receivedBytes } = flow.counters;
  const rate = flow.rates['receivedBytes'];
  const perSecond = rate === undefined ? '' : ` · ${formatByteRate(rate)}`;
  return [
    ['address', flow.source],
    ['state', flow.sourceState ?? flow.state],
    ['problem', flowProblem(flow)],
    ['cause', flow.cause],
    ['received', receivedBytes === undefined ? undefined : formatBytes(receivedBytes) + perSecond],
    ['newest buffer', flow.quietS === undefined ? undefined : `${formatDuration(flow.quietS * 1_000)} ago`],
    ['mirrored into', `flow ${flow.flow}`],
  ];
}

export function clientDetails(client: NetworkClient): DetailRows {
  return [
    ['program', client.program],
    ['process', client.pid === 0 ? undefined : String(client.pid)],
    ['connected', client.connected ? (client.answered ? 'yes' : 'yes, does not answer') : 'no'],
    ...client.flows.map(
      (usage) =>
        [`${usage.direction === 'input' ? 'reads' : 'writes'} ${usage.flow}`, usageDetails(usage)] as const,
    ),
  ];
}

export function flowDetails(flow: NetworkFlow, clients: readonly NetworkClient[]): DetailRows {
  const users = clients.flatMap(({ name, flows }) =>
    flows
      .filter((usage) => usage.flow === flow.flow)
      .map(
        (usage) =>
          [`${usage.direction === 'input' ? 'read' : 'written'} by ${name}`, usageDetails(usage)] as const,
      ),
  );
  return [
    ['state', flow.sourceState === undefined ? flow.state : `${flow.state}, ${flow.sourceState}`],
    ['problem', flowProblem(flow)],
    ['rate', flowRateText(flow)],
    ['newest buffer', flow.quietS === undefined ? undefined : `${formatDuration(flow.quietS * 1_000)} ago`],
    ['held back by', flow.holding.length === 0 ? 'none' : flow.holding.join(', ')],
    ['readers', flowLagText(flow)],
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
    ...counterRows(flow),
  ];
}

function counterRows({ counters, rates }: NetworkFlow): DetailRows {
  const counted = Object.entries(counters).filter(([name, value]) => value !== 0 || name === 'published');
  return counted.map(([name, value]) => {
    const rate = rates[name];
    const bytes = name.endsWith('Bytes');
    if (name.endsWith('Ns')) return [counterName(name), formatDuration(value / 1e6)];
    const perSecond = rate === undefined ? '' : ` · ${bytes ? formatByteRate(rate) : formatRate(rate)}`;
    return [counterName(name), (bytes ? formatBytes(value) : formatCount(value)) + perSecond];
  });
}

/** `publishedBytes` as `published data`, `updateNs` as `update time`. */
function counterName(name: string): string {
  return name
    .replace(/Bytes$/, ' data')
    .replace(/Ns$/, ' time')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
