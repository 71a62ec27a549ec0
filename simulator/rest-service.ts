/**
 * The REST service of a SpecTcl simulator: a table of request handlers over the simulator's
 * spectra, mirror directory and traces, with SpecTcl's envelope `{status, detail}`. Faulty
 * behaviour can be configured. Used by simulator.ts. Listens on a TCP port until `close`.
 */
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SPECTRUM_TYPES } from '../protocol/spectcl/display-memory.js';
import {
  applyGate,
  deleteGate,
  editGate,
  listApplications,
  listGates,
  ungate,
  type GateServices,
} from './gate-requests.js';
import type { Runs } from './runs.js';
import { queryOf, ServiceError, type Query } from './service-error.js';
import {
  createSpectrum,
  deleteSpectrum,
  integrate,
  project,
  zeroSpectra,
  type SpectrumServices,
} from './spectrum-requests.js';
import { globMatcher } from '../protocol/spectcl/glob.js';
import type { MirrorDirectory } from './mirror-directory.js';
import { HANG_POLL_MS } from './mirror-service.js';
import type { Misbehaviour } from './misbehaviour.js';
import type { ServerThreads } from './server-threads.js';
import type { DefinedSpectrum, SpectrumStore } from './spectrum-store.js';
import { CHANNEL_TYPE_NAMES, type Flavour } from './spectrum-definition.js';
import type { TraceLog } from './trace-log.js';

export interface RestServiceOptions extends GateServices, SpectrumServices {
  readonly flavour: Flavour;
  readonly store: SpectrumStore;
  readonly directory: MirrorDirectory;
  readonly traces: TraceLog;
  readonly threads: ServerThreads;
  readonly misbehaviour: Readonly<Misbehaviour>;
  readonly counters: { restRequests: number };
  readonly runs: Runs;
  /** SpecTcl variables that change while the simulator runs. */
  readonly variables: () => Readonly<Record<string, string>>;
}

/** Shown to users of the simulator's data, so that they do not take them for real ones. */
export const SIMULATOR_NOTE =
  'This is the SpecTcl simulator of mirrorflow: not SpecTcl, no detector, invented events';

/** Returns the answer's detail, undefined for none. Throws ServiceError. */
type Handler = (options: RestServiceOptions, query: Query) => unknown;

const HANDLERS: Readonly<Record<string, Handler>> = {
  version: ({ flavour }) =>
    flavour === 'spectcl'
      ? { major: 5, minor: 13, editlevel: 12 }
      : { major: 1, minor: 1, editlevel: 1, program_name: 'Rustogramer' },
  'shmem/key': ({ flavour }) => (flavour === 'spectcl' ? 'XAff' : 'file:/mirrorflow-simulator'),
  'shmem/size': ({ store }) => String(store.channelBytes),
  'shmem/variables': variables,
  mirror: ({ directory, flavour }, query) => {
    const pattern = flavour === 'spectcl' ? (query.get('pattern') ?? '*') : '*';
    const isSelected = globMatcher(pattern);
    return directory.list().filter(({ host }) => isSelected(host));
  },
  'spectrum/list': (options, query) =>
    matching(options, query.get('filter')).map((spectrum) => describe(spectrum, options.flavour)),
  'spectrum/zero': zeroSpectra,
  'spectrum/create': createSpectrum,
  'spectrum/delete': deleteSpectrum,
  integrate,
  project,
  start: ({ runs }) => runs.start(),
  stop: ({ runs }) => runs.stop(),
  'sbind/list': (options, query) =>
    matching(options, query.get('pattern')).map(({ id, slot, definition }) => ({
      spectrumid: id,
      name: definition.name,
      binding: slot,
    })),
  specstats: (options, query) =>
    matching(options, query.get('pattern')).map(({ definition, overflows, underflows }) => ({
      name: definition.name,
      underflows: underflows.slice(0, definition.axes.length),
      overflows: overflows.slice(0, definition.axes.length),
    })),
  'gate/list': listGates,
  'gate/edit': editGate,
  'gate/delete': deleteGate,
  'apply/list': listApplications,
  'apply/apply': applyGate,
  ungate,
  'trace/establish': ({ traces }, query) => {
    const retention = Number(query.get('retention'));
    if (!(retention > 0)) throw new ServiceError('trace/establish needs a retention in seconds');
    return traces.establish(retention);
  },
  'trace/fetch': ({ traces }, query) => {
    const changes = traces.fetch(Number(query.get('token')));
    if (changes === undefined) throw new ServiceError('Invalid trace token');
    return changes;
  },
  'trace/done': ({ traces }, query) => {
    if (!traces.done(Number(query.get('token')))) throw new ServiceError('Invalid trace token');
  },
};

export class RestService {
  readonly #options: RestServiceOptions;
  readonly #server: Server;

  constructor(options: RestServiceOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      options.counters.restRequests++;
      this.#handle(request, response);
    });
    this.#server.on('connection', () => options.threads.accepted());
  }

  /** Returns the port. */
  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    switch (this.#options.misbehaviour.rest) {
      case 'hang':
        setTimeout(() => {
          if (!response.destroyed) this.#handle(request, response);
        }, HANG_POLL_MS).unref();
        return;
      case 'silent':
        return;
      case 'html':
        response.setHeader('content-type', 'text/html').end('<html><body>It works!</body></html>');
        return;
      case 'http-500':
        response.writeHead(500, { 'content-type': 'text/html' }).end('<html>Internal Server Error</html>');
        return;
      case 'status':
        send(response, { status: 'The simulator is configured to refuse requests' });
        return;
      case 'none':
        this.#dispatch(request, response);
    }
  }

  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    const path = /^\/spectcl\/([^?]*)(?:\?(.*))?$/.exec(request.url ?? '');
    const name = path?.[1] ?? '';
    const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
    if (request.method !== 'GET' || handler === undefined) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Not Found</html>');
      return;
    }
    try {
      send(response, { status: 'OK', detail: handler(this.#options, queryOf(path?.[2] ?? '')) });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const { message: status, detail } = error;
      send(response, detail === undefined ? { status } : { status, detail });
    }
  }
}

function send(response: ServerResponse, envelope: { status: string; detail?: unknown }): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(envelope));
}

function matching({ store }: RestServiceOptions, pattern = '*'): DefinedSpectrum[] {
  const isSelected = globMatcher(pattern);
  return store.spectra.filter(({ definition }) => isSelected(definition.name));
}

function variables({ flavour, store, variables }: RestServiceOptions): Readonly<Record<string, string>> {
  const common = { DisplayMegabytes: String(store.channelBytes / 1024 ** 2), Simulator: SIMULATOR_NOTE };
  if (flavour === 'spectcl') return { ...common, ...variables() };
  const undefinedVariables = Object.keys(variables()).map((name) => [name, '-undefined-']);
  return { ...common, ...(Object.fromEntries(undefinedVariables) as Record<string, string>) };
}

function describe({ definition, id, type }: DefinedSpectrum, flavour: Flavour): unknown {
  const axes = definition.axes.map(({ low, high, bins }) => ({ low, high, bins }));
  const common = {
    name: definition.name,
    type: String(SPECTRUM_TYPES[type].dimensions),
    parameters: definition.axes.map(({ parameter }) => parameter),
    axes,
    chantype: CHANNEL_TYPE_NAMES[type],
    gate: definition.gate ?? null,
  };
  if (flavour === 'rustogramer') return common;
  return { id, ...common, xaxis: axes[0], yaxis: axes[1] ?? null };
}
