/**
 * What app servers of the same application on other hosts may ask of this one. The host servers put
 * the calling host in front.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import type { StatisticsCollector } from '../statistics.js';
import type { FlowControl } from '../clients/flow-control.js';
import type { CallOrigin } from '../handlers.js';
import { deliverHere, requestHere, type MessageDependencies } from '../clients/messages.js';
import type { Programs } from '../children/programs.js';
import type { RemoteFlows } from './remote-flows.js';
import type { RemoteHosts } from './remote-hosts.js';

interface ServedToOthers extends MessageDependencies {
  readonly flowControl: FlowControl;
  readonly collection: StatisticsCollector;
  readonly programs: Programs;
  readonly hosts: RemoteHosts;
  readonly remoteFlows: RemoteFlows;
}

export function remoteHandlersOf(served: ServedToOthers): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  const { hosts, remoteFlows, flowControl, collection, programs } = served;
  return {
    'app.hosts': ([own, others]) => {
      hosts.update(own, others);
      return true;
    },
    'remote.inquire': ([, flow, hops]) => remoteFlows.inquire(flow, hops),
    'remote.serve': ([, flow, hops]) => remoteFlows.serve(flow, hops),
    'remote.provided': ([from, flow]) => remoteFlows.provided(from, flow),
    'remote.send': ([, sender, to, message]) =>
      deliverHere(served, { kind: 'message', from: sender, message }, to),
    'remote.tellProvider': ([, flow, delivery, hops]) => flowControl.tell(flow, delivery, hops),
    'remote.marks': ([, flow]) => flowControl.marks(flow),
    'remote.request': ([, client]) => requestHere(served, client),
    'remote.run': ([, program]) => programs.run(program),
    'remote.network': () => collection.network(),
    'remote.statistics': () => collection.application(),
  };
}
