/**
 * The XML-RPC contract: every method of every server with its parameters, result and documentation.
 * Each server serves the methods for which it has handlers; callers are typed by the contract;
 * `docs/xml-rpc-methods.md` is generated from it. Pure data.
 */
import { defineContract } from '../xml-rpc/contract.js';
import { APP_METHODS } from './methods/app.js';
import { CHILD_METHODS } from './methods/children.js';
import { CLIENT_METHODS } from './methods/client.js';
import { FLOW_METHODS } from './methods/flow.js';
import { HOST_METHODS } from './methods/host.js';
import { REMOTE_METHODS } from './methods/remote.js';
import { SITE_METHODS_OF_CONTRACT } from './methods/sites.js';

export const CONTRACT = defineContract({
  ...HOST_METHODS,
  ...APP_METHODS,
  ...REMOTE_METHODS,
  ...CLIENT_METHODS,
  ...FLOW_METHODS,
  ...CHILD_METHODS,
  ...SITE_METHODS_OF_CONTRACT,
});

export type MirrorflowContract = typeof CONTRACT;
