/** Methods of an app server that are about the whole application. */
import { method, optionalParam, param } from '../../xml-rpc/contract.js';
import { arrayOf, boolean, date, int, name, optional, string, struct } from '../../xml-rpc/schema.js';
import { applicationStatistics, networkStatus, programInfo } from '../figures.js';
import { hostOfApplication } from '../hosts.js';
import { address, gatewayInfo } from '../shapes.js';
import { done } from './recurring.js';

export const APP_METHODS = {
  'app.info': method({
    doc: 'What this app server is and what it serves.',
    params: [],
    returns: struct({
      name: name('application'),
      version: string(),
      protocol: int(),
      pid: int(),
      port: int(),
      socket: string(),
      source: optional(address),
      via: optional(name('host')),
      startedAt: date(),
      hostServer: boolean(),
      gateway: optional(gatewayInfo),
    }),
  }),
  'app.hosts': method({
    doc: 'Host server to app server: the other hosts on which the same application runs now, and how they are reached.',
    params: [
      param('own', name('host'), 'the name of this host'),
      param('hosts', arrayOf(hostOfApplication), 'all others'),
    ],
    returns: done,
  }),
  'app.quit': method({
    doc: 'Ends the app server and its duplicators. Answers before it ends.',
    params: [],
    returns: done,
  }),
  'app.statistics': method({
    doc:
      'Statistics of all clients and flows, collected now from clients and duplicators. Who does not answer within a second is marked; ' +
      'rates are known from the second time on.',
    params: [optionalParam('everywhere', boolean(), 'also those of the other hosts, as `elsewhere`')],
    returns: applicationStatistics,
  }),
  'app.network': method({
    doc: 'Network status: clients, flows and duplicators, who provides and who consumes, and who holds whom back.',
    params: [optionalParam('everywhere', boolean(), 'also that of the other hosts, as `elsewhere`')],
    returns: networkStatus,
  }),
  'app.programs': method({
    doc: 'The programs that are registered with this application.',
    params: [],
    returns: arrayOf(programInfo),
  }),
  'app.run': method({
    doc: 'Network request: runs a registered program, apart from the app server. Answers with its process id when it has started.',
    params: [
      param('program', name('program'), 'the registered name'),
      optionalParam(
        'host',
        name('host'),
        'another host with the same application, where it is registered too; this one when left out',
      ),
    ],
    returns: int({ min: 1, doc: 'the process id' }),
  }),
};
