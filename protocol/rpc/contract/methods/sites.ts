/**
 * The methods `site.*` between a host server and its NATS process, which meets the hosts of other
 * sites. Part of the contract; pure.
 */
import { method, param } from '../../xml-rpc/contract.js';
import { any, boolean, name, struct } from '../../xml-rpc/schema.js';
import { natsReady, siteCall, siteReport } from '../sites.js';
import { done } from './recurring.js';

const site = param('site', name('host'), 'the site');
const host = param('host', name('host'), 'the host there');
const call = param('call', siteCall, 'the call');

export const SITE_METHODS_OF_CONTRACT = {
  'site.subscribe': method({
    right: 'child',
    doc: 'NATS process to host server: it runs, after its start or after a reconnection. Only on a permanent connection.',
    params: [param('ready', natsReady, 'the NATS process')],
    returns: struct({ adopted: boolean() }),
  }),
  'site.report': method({
    right: 'child',
    doc: 'NATS process to host server: whether its NATS server is connected, and the hosts of other sites. The list ends with the connection.',
    params: [param('report', siteReport, 'the present state')],
    returns: done,
  }),
  'site.call': method({
    right: 'child',
    doc: 'Host server to NATS process: a call to a host of another site.',
    params: [site, host, call],
    returns: any(),
  }),
  'site.answer': method({
    right: 'child',
    doc: 'NATS process to host server: a call of a host of another site, answered within what that site may do here.',
    params: [site, host, call],
    returns: any(),
  }),
};
