/**
 * The methods `app.*` of an app server, which concern the whole application (one SpecTcl and its
 * flows and clients). Part of the contract; pure.
 */
import { method, optionalParam, param } from '../../xml-rpc/contract.js';
import {
  arrayOf,
  boolean,
  date,
  double,
  int,
  name,
  oneOf,
  optional,
  string,
  struct,
} from '../../xml-rpc/schema.js';
import { applicationStatistics, networkStatus, programInfo } from '../statistics.js';
import { fitAnswer, fitRequest, peakRequest, peaksAnswer, spectrumName } from '../fits.js';
import { hostOfApplication } from '../hosts.js';
import { applicationReaders } from '../access-options.js';
import { recorderInfo } from '../recorder.js';
import { address, gatewayInfo, hostOrSite } from '../shapes.js';
import { done } from './recurring.js';

const mirrorDirectory = oneOf(['spectcl', 'gateway']);
const mirrorEntry = struct({
  at: mirrorDirectory,
  host: string({ maxCharacters: 1024, doc: 'the host that has the mirror' }),
  key: string({
    maxCharacters: 4096,
    doc: 'its memory key, or `file:` and a path; empty when it has registered none',
  }),
  megabytes: optional(double({ min: 0, doc: 'channel storage, MiB' })),
});

export const APP_METHODS = {
  'app.info': method({
    right: 'read',
    doc: 'Information about this app server and its application.',
    params: [],
    returns: struct({
      name: name('application'),
      version: string(),
      protocol: int(),
      pid: int(),
      port: int(),
      socket: string(),
      source: optional(address),
      via: optional(hostOrSite),
      allowChanges: optional(boolean()),
      startedAt: date(),
      hostServer: boolean(),
      gateway: optional(gatewayInfo),
      recorder: optional(recorderInfo),
      readers: optional(applicationReaders),
    }),
  }),
  'app.hosts': method({
    right: 'child',
    doc: 'Host server to app server: the other hosts on which the same application runs, and their addresses.',
    params: [
      param('own', name('host'), 'the name of this host'),
      param('hosts', arrayOf(hostOfApplication), 'all other hosts'),
    ],
    returns: done,
  }),
  'app.mirrors': method({
    right: 'read',
    doc:
      'The mirrors of the SpecTcl of this application: those in the directory of SpecTcl itself, and those that take their data from the gateway ' +
      'of this host. SpecTcl removes too many entries, so that a live mirror may be missing there.',
    params: [],
    returns: struct({
      mirrors: arrayOf(mirrorEntry),
      unanswered: arrayOf(
        struct({ at: mirrorDirectory, cause: string({ maxCharacters: 4096, doc: 'why it has no answer' }) }),
      ),
    }),
  }),
  'app.quit': method({
    right: 'control',
    doc: 'Stops the app server and its duplicators. Returns before they stop.',
    params: [],
    returns: done,
  }),
  'app.statistics': method({
    right: 'read',
    doc:
      'Statistics of all clients and flows, collected from clients and duplicators during the call. A client or duplicator that does not answer ' +
      'within a second has `answered` false. Rates are those since the previous call.',
    params: [optionalParam('everywhere', boolean(), 'include the other hosts, as `elsewhere`')],
    returns: applicationStatistics,
  }),
  'app.network': method({
    right: 'read',
    doc: 'Network status: clients, flows and duplicators, with the provider and the consumers of each flow and the consumers that hold it back.',
    params: [optionalParam('everywhere', boolean(), 'include the other hosts, as `elsewhere`')],
    returns: networkStatus,
  }),
  'app.programs': method({
    right: 'read',
    doc: 'The programs that are registered for this application.',
    params: [],
    returns: arrayOf(programInfo),
  }),
  'app.run': method({
    right: 'control',
    doc: 'Network request: starts a registered program, which then runs independently of the app server. Returns its process id when it has started.',
    params: [
      param('program', name('program'), 'the registered name'),
      optionalParam(
        'host',
        name('host'),
        'another host with the same application and the program registered there; default: this host',
      ),
    ],
    returns: int({ min: 1, doc: 'the process id' }),
  }),
  'app.fit': method({
    right: 'read',
    doc:
      'Fits peaks and background to a part of a spectrum in the newest publication, as `mirrorflow fit` does, with the same numbers. ' +
      'Starts the mirror if it does not run.',
    params: [param('spectrum', spectrumName, 'the spectrum'), param('request', fitRequest, 'what to fit')],
    returns: fitAnswer,
  }),
  'app.peaks': method({
    right: 'read',
    doc:
      'Finds the peaks of a spectrum in the newest publication, as `mirrorflow peaks` does, with the same numbers. ' +
      'Starts the mirror if it does not run.',
    params: [
      param('spectrum', spectrumName, 'the spectrum'),
      optionalParam('request', peakRequest, 'where and how to search'),
    ],
    returns: peaksAnswer,
  }),
};
