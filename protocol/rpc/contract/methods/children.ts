/** What the children of a server say to it, and what a duplicator is told. */
import { method, param } from '../../xml-rpc/contract.js';
import { boolean, int, optional, struct } from '../../xml-rpc/schema.js';
import { duplicatorFigures } from '../figures.js';
import {
  address,
  childAddress,
  duplicatorReady,
  duplicatorReport,
  gatewayReady,
  serveRequest,
  served,
  startFailure,
} from '../shapes.js';
import { done } from './recurring.js';

export const CHILD_METHODS = {
  'child.ready': method({
    doc: 'A child without a permanent connection, the web viewer, reports the address that it serves. Returns false when it is not the current child.',
    params: [param('served', childAddress, 'the child and its address')],
    returns: boolean(),
  }),
  'child.failed': method({
    doc: 'A child that could not become ready says why, before it ends.',
    params: [param('failure', startFailure, 'what went wrong')],
    returns: done,
  }),
  'duplicator.subscribe': method({
    doc: 'A duplicator says that it is ready: after its start, or when it found its app server again. Only on a permanent connection. To one that follows another it is told how many consumers still have the flow open.',
    params: [param('ready', duplicatorReady, 'the duplicator')],
    returns: struct({
      adopted: boolean(),
      consumers: optional(int({ min: 0, doc: 'consumers of the one before that still have the flow open' })),
    }),
  }),
  'duplicator.report': method({
    doc: 'A duplicator tells a change of its source or its clients.',
    params: [param('report', duplicatorReport, 'what it is now')],
    returns: done,
  }),
  'duplicator.release': method({
    doc: 'A duplicator without clients asks whether it may end; after true the app server sends nobody to it any more.',
    params: [],
    returns: boolean(),
  }),
  'duplicator.demoted': method({
    doc: 'A duplicator tells that a lossless consumer held its flow back for the stall timeout and is lossy from now on.',
    params: [param('client', int({ min: 0 }), 'what the consumer said in its HELLO')],
    returns: done,
  }),
  'duplicator.statistics': method({
    doc: 'App server to duplicator: how far everybody on its signal link is.',
    params: [],
    returns: duplicatorFigures,
  }),
  'duplicator.serve': method({
    doc:
      'App server to duplicator: listen for duplicators of other hosts, which must prove that they know the secret. Answers where it listens; ' +
      'the same when it listens already, whatever was asked for. REFUSED without a secret.',
    params: [param('request', serveRequest, 'where to listen')],
    returns: served,
  }),
  'duplicator.redirect': method({
    doc: 'App server to duplicator of a flow that comes from another host: the duplicator there listens somewhere else now. False when the flow comes from elsewhere.',
    params: [param('source', address, 'tcp://host:port or tls://host:port')],
    returns: boolean(),
  }),
  'duplicator.quit': method({
    doc: 'App server to duplicator: end. Answers before it ends.',
    params: [],
    returns: done,
  }),
  'gateway.subscribe': method({
    doc: 'A gateway says that it listens: after its start, or when it found its app server again. Only on a permanent connection.',
    params: [param('ready', gatewayReady, 'the gateway')],
    returns: struct({ adopted: boolean() }),
  }),
};
