/**
 * Handlers of the XML-RPC methods that only the host server may call: which other hosts there are,
 * and the questions of this application's app servers on those hosts. The host servers fill in the
 * first parameter, the calling host. Part of the handler table that `services.ts` puts together;
 * touches nothing but the objects that it is given.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Programs } from '../children/programs.js';
import type { CallOrigin } from '../clients/call-origin.js';
import type { FlowControl } from '../flows/flow-control.js';
import type { RemoteFlows } from '../remote/remote-flows.js';
import type { RemoteHosts } from '../remote/remote-hosts.js';
import type { Messages } from './messages.js';
import type { StatisticsCollector } from './statistics.js';

export function hostCalls(
  hosts: RemoteHosts,
  remoteFlows: RemoteFlows,
  flowControl: FlowControl,
  messages: Messages,
  statistics: StatisticsCollector,
  programs: Programs,
): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  return {
    'app.hosts': ([own, others]) => {
      hosts.update(own, others);
      return true;
    },
    'remote.inquire': ([, flow, hops]) => remoteFlows.inquire(flow, hops),
    'remote.claim': ([from, flow, client]) => remoteFlows.claim(from, flow, client),
    'remote.serve': ([, flow, hops]) => remoteFlows.serve(flow, hops),
    'remote.provided': ([from, flow]) => remoteFlows.provided(from, flow),
    'remote.send': ([, sender, to, message]) =>
      messages.deliver({ kind: 'message', from: sender, message }, to),
    'remote.tellProvider': ([, flow, delivery, hops]) => flowControl.deliver(flow, delivery, hops),
    'remote.marks': ([, flow]) => flowControl.marks(flow),
    'remote.request': ([, client]) => messages.requestQuitHere(client),
    'remote.run': ([, program]) => programs.run(program),
    'remote.network': () => statistics.network(),
    'remote.statistics': () => statistics.application(),
  };
}
