/**
 * Handlers of the XML-RPC methods `flow.*`: a client lists, opens, closes and inspects flows and
 * sends flow control marks. Part of the handler table that `services.ts` puts together; touches
 * nothing but the objects that it is given.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import type { CallOrigin } from '../clients/call-origin.js';
import type { Clients } from '../clients/clients.js';
import type { FlowControl } from '../flows/flow-control.js';
import type { Flows } from '../flows/flows.js';
import { consumersOf } from './flow-consumers.js';
import type { RemoteFlows } from '../remote/remote-flows.js';
import type { RemoteHosts } from '../remote/remote-hosts.js';

export function flowCalls(
  clients: Clients,
  flows: Flows,
  flowControl: FlowControl,
  hosts: RemoteHosts,
  remoteFlows: RemoteFlows,
): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  const { table, openings } = flows;
  return {
    'flow.list': () => table.list(),
    'flow.inquire': ([flow]) => table.inquire(flow),
    'flow.open': async ([session, request]) => {
      const { name } = clients.calling(session).presentation;
      const finish = await remoteFlows.prepare(name, request);
      let opened = false;
      try {
        // Checked again: an opening for a session that has ended meanwhile would never be closed.
        const answer = await flows.open(clients.calling(session), request);
        opened = true;
        return answer;
      } finally {
        finish(opened);
      }
    },
    'flow.close': ([session, handle]) => flows.close(clients.calling(session), handle),
    'flow.control': ([session, handle, mark]) =>
      flowControl.passMark(openings.consumer(clients.calling(session), handle), mark),
    'flow.marks': async ([flow]) => {
      const marks = flowControl.marks(table.find(flow).name);
      return [...marks, ...(await hosts.all('remote.marks', [flow])).flatMap(({ result }) => result)];
    },
    'flow.consumers': ([flow]) => consumersOf(table.consumers(flow), openings.ofFlow(flow)),
    'flow.statistics': ([flow]) => table.statistics(flow),
  };
}
