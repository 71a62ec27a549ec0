/**
 * The duplicator program: one flow on this host, the only owner and creator of its flow file.
 *
 * options → MirrorFlow, LocalFlow or RemoteFlow (flow file, clients, and what fills it) → Parent
 * (the app server) → Linger (when to end)
 *
 * It outlives its app server; it ends when it was told to, by SIGTERM or duplicator.quit, or when
 * nobody needs it any more.
 */
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { parseAddress } from '../protocol/base/address.js';
import { systemClock } from '../protocol/base/clock.js';
import { isMirrorflowError, type MirrorflowError } from '../protocol/base/errors.js';
import { Logger } from '../protocol/base/log.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { LAUNCH_VARIABLE } from '../protocol/host/process-kit/child.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { limitYoungGeneration } from '../protocol/host/process-kit/young-generation.js';
import { reportBadUsage, printHelpIfAsked } from '../protocol/host/process-kit/usage.js';
import type { DuplicatedFlow } from './serving/duplicated-flow.js';
import { Linger } from './serving/linger.js';
import { LocalFlow } from './local/local-flow.js';
import { MirrorFlow } from './mirror/mirror-flow.js';
import { duplicatorHelp, parseOptions, type DuplicatorOptions } from './options.js';
import type { Parent } from './parent.js';
import { RemoteFlow } from './remote/remote-flow.js';

function makeFlow(options: DuplicatorOptions, log: Logger): DuplicatedFlow {
  switch (options.direction) {
    case 'input':
      return new MirrorFlow(options, systemClock, log);
    case 'output':
      return new LocalFlow(options, log);
    case 'remote':
      return new RemoteFlow(options, systemClock, log);
  }
}

async function run(options: DuplicatorOptions): Promise<void> {
  const log = new Logger(`duplicator:${options.app}/${options.flow}`);
  const flow = makeFlow(options, log);
  let cause: MirrorflowError | undefined;
  /** What is there beside the flow once it is ready; a signal may come before. */
  const beside: { parent: Parent | undefined; linger: Linger | undefined } = {
    parent: undefined,
    linger: undefined,
  };
  endOnSignals(log, async () => {
    beside.linger?.stop();
    await flow.close();
    await beside.parent?.close();
  });
  const starting = flow.start();
  starting.catch(() => undefined);
  // XML-RPC is loaded while the source is waited for, and by hand not at all: it takes as long as
  // reaching the source.
  const family = options.parent === undefined ? undefined : await import('./parent.js');
  const started = new Promise<void>((resolve) => {
    starting.then(resolve, () => undefined);
  });
  const launch = process.env[LAUNCH_VARIABLE];
  const quit = (): void => void process.kill(process.pid, 'SIGTERM');
  let source = 'sourceText' in options ? options.sourceText : undefined;
  const parent =
    family === undefined || options.parent === undefined
      ? undefined
      : new family.Parent(
          options.parent,
          {
            ready: () => ({
              ...(launch === undefined ? {} : { launch }),
              version: PROTOCOL_VERSION,
              identity: identityToWire(ownIdentity()),
              application: options.app,
              flow: options.flow,
              type: flow.type,
              ...(source === undefined ? {} : { source }),
              ...flow.places,
            }),
            report: () => ({
              sourceState: flow.sourceState,
              ...(cause === undefined ? {} : { cause: cause.message.slice(0, 4096) }),
              published: flow.published,
              clients: flow.clientCount,
            }),
            statistics: () => ({ published: flow.published, links: flow.links, remotes: flow.remotes }),
            serve: ({ listen }) =>
              flow.serve(parseAddress(listen, { schemes: ['tcp', 'tls'], listening: true })),
            redirect: (to) => {
              if (flow.redirect === undefined) return false;
              flow.redirect(parseAddress(to, { schemes: ['tcp', 'tls'] }));
              source = to;
              return true;
            },
            quit,
            started,
            consumers: (count) => flow.expectAtMost(count),
          },
          log,
        );
  beside.parent = parent;
  parent?.start();
  try {
    await starting;
    if (options.serve !== undefined) await flow.serve(options.serve);
  } catch (error) {
    if (isMirrorflowError(error, 'STOPPED')) return; // by a signal, which ends the process when all is closed
    log.error('not started', { error });
    await flow.close(); // it may be that only the place to serve it at was not to be had
    await parent?.close();
    await family?.reportFailedStart(options.parent, error, log);
    process.exitCode = 1;
    return;
  }
  const linger = new Linger(systemClock, options.lingerMs, () => {
    void (parent?.mayEnd() ?? Promise.resolve(true)).then((mayEnd) => {
      if (!mayEnd) linger.clients(flow.clientCount);
      else {
        log.info('no client any more', { lingerMs: options.lingerMs });
        quit();
      }
    });
  });
  flow.on('clients', (count) => {
    linger.clients(count);
    parent?.report();
  });
  flow.on('state', (state, why) => {
    cause = why;
    if (why === undefined) log.info('source', { state });
    else log.warn('source', { state, error: why });
    parent?.report();
  });
  flow.on('demoted', (client) => parent?.demoted(client));
  const makeAnew = (): void => {
    process.exitCode = 1;
    void flow.close().then(() => process.exit(1));
  };
  flow.on('outgrown', (neededBytes) => {
    log.warn('the source has a larger memory now; the flow is made anew', { neededBytes });
    makeAnew();
  });
  flow.on('replaced', (why) => {
    log.warn('the flow is made anew', { reason: why });
    makeAnew();
  });
  beside.linger = linger;
  linger.clients(flow.clientCount);
  log.info('ready', {
    file: flow.places.file,
    buffers: flow.places.buffers,
    bufferSize: flow.places.bufferSize,
  });
  limitYoungGeneration();
}

function readOptions(): DuplicatorOptions | undefined {
  const args = process.argv.slice(2);
  if (printHelpIfAsked(args, duplicatorHelp)) return undefined;
  try {
    return parseOptions(args, process.env);
  } catch (error) {
    reportBadUsage('duplicator', error);
    return undefined;
  }
}

const options = readOptions();
if (options !== undefined) void run(options);
