/**
 * Handlers of the XML-RPC methods that child processes of the app server call: duplicators (owners
 * of flow files), the gateway (SpecTcl's services) and the recorder. Part of the handler table that
 * `services.ts` puts together; touches nothing but the objects that it is given.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import type { GatewayProcess } from '../children/gateway-process.js';
import type { RecorderProcess } from '../children/recorder-process.js';
import { requirePermanent, type CallOrigin } from '../clients/call-origin.js';
import type { Duplicators } from '../flows/duplicators.js';
import type { FlowControl } from '../flows/flow-control.js';

export function childCalls(
  duplicators: Duplicators,
  flowControl: FlowControl,
  gateway: GatewayProcess,
  recorder: RecorderProcess,
): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  return {
    'duplicator.subscribe': ([ready], origin) => duplicators.subscribe(ready, requirePermanent(origin)),
    'duplicator.report': ([report], origin) => duplicators.report(report, requirePermanent(origin)),
    'duplicator.demoted': ([link], origin) => {
      const opening = duplicators.consumerOfLink(requirePermanent(origin), link);
      if (opening !== undefined) flowControl.demoted(opening);
      return opening !== undefined;
    },
    'duplicator.release': (_params, origin) => duplicators.mayEnd(requirePermanent(origin)),
    'gateway.subscribe': ([ready], origin) => gateway.subscribe(ready, requirePermanent(origin)),
    'recorder.subscribe': ([ready], origin) => recorder.subscribe(ready, requirePermanent(origin)),
    'recorder.report': ([report], origin) => recorder.report(report, requirePermanent(origin)),
    'child.failed': ([failure]) =>
      duplicators.startFailed(failure) || gateway.startFailed(failure) || recorder.startFailed(failure),
  };
}
