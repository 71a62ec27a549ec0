/**
 * The duplicator program: serves one flow (a stream of buffers under a name) on this host, as the
 * only owner of its flow file (the buffers in shared memory), which it creates or takes over and
 * removes at its end. Started by an app server, which it outlives, or by hand.
 *
 *   MirrorFlow   filled by a SpecTcl     LocalFlow   by a program of this host
 *   RemoteFlow   by another host         Parent      the connection to the app server
 *
 * Ends on SIGTERM, on duplicator.quit, and after the linger time (no client meanwhile). Exits with
 * code 1 when it cannot start, or when a new duplicator must replace the flow file.
 */
import { stat } from 'node:fs/promises';
import { loadMmapIo } from '../protocol/base/files/mmap-binding.js';
import { printableText } from '../protocol/base/printable.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import { HOLDING_MAX } from '../protocol/rpc/contract/shapes.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { parseAddress } from '../protocol/base/address.js';
import { systemClock } from '../protocol/base/clock.js';
import { isMirrorflowError, type MirrorflowError } from '../protocol/base/errors.js';
import { Logger } from '../protocol/base/log.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { appTokenPath } from '../protocol/base/paths.js';
import { awaitAssignment, isSpare } from '../protocol/host/process-kit/assignment.js';
import { LAUNCH_VARIABLE } from '../protocol/host/process-kit/child.js';
import type { ParentServer } from '../protocol/host/process-kit/start-report.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { settle } from '../protocol/host/process-kit/settle.js';
import { readProgramOptions } from '../protocol/host/process-kit/usage.js';
import type { DuplicatedFlow } from './serving/duplicated-flow.js';
import { Linger } from './serving/linger.js';
import { LocalFlow } from './local/local-flow.js';
import { MirrorFlow } from './mirror/mirror-flow.js';
import { duplicatorHelp, parseOptions, type DuplicatorOptions } from './options.js';
import type { Parent, ParentHooks } from './parent.js';
import { RemoteFlow } from './remote/remote-flow.js';

/** Longest cause in a report; longer ones are cut off. */
const CAUSE_CHARACTERS = 4096;
/** A restarted app server is reached within this time. */
const ABANDONED_MS = 5_000;
/** Readers hold a flow back for moments all the time; which do so now is looked up this often. */
const HOLDING_INTERVAL_MS = 500;

/** State of the source, which the app server gets with the counts of the flow. */
interface Status {
  /** Why the source is stale. */
  cause: MirrorflowError | undefined;
  /** Address of the source as given; undefined for a local flow. */
  source: string | undefined;
}

function createFlow(options: DuplicatorOptions, log: Logger): DuplicatedFlow {
  switch (options.direction) {
    case 'input':
      return new MirrorFlow(options, systemClock, log);
    case 'output':
      return new LocalFlow(options, log);
    case 'remote':
      return new RemoteFlow(options, systemClock, log);
  }
}

function parentOf({ parent, directory, app }: DuplicatorOptions): ParentServer | undefined {
  if (parent === undefined) return undefined;
  return { socket: parent, childToken: appTokenPath(directory, app, 'child') };
}

function quit(): void {
  process.kill(process.pid, 'SIGTERM');
}

/** `started` resolves when the flow has started, or never. */
function parentHooks(
  options: DuplicatorOptions,
  flow: DuplicatedFlow,
  status: Status,
  started: Promise<void>,
): ParentHooks {
  const launch = process.env[LAUNCH_VARIABLE];
  return {
    ready: () => ({
      ...(launch === undefined ? {} : { launch }),
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      application: options.app,
      flow: options.flow,
      type: flow.type,
      ...(status.source === undefined ? {} : { source: status.source }),
      ...flow.layout,
    }),
    report: () => ({
      sourceState: flow.sourceState,
      ...(status.cause === undefined
        ? {}
        : { cause: printableText(status.cause.message).slice(0, CAUSE_CHARACTERS) }),
      published: flow.published,
      clients: flow.clientCount,
      ...(flow.provider === undefined ? {} : { provider: flow.provider }),
      ...(flow.holding.length === 0 ? {} : { holding: flow.holding.slice(0, HOLDING_MAX) }),
    }),
    statistics: () => ({ published: flow.published, links: flow.links, remotes: flow.remotes }),
    serve: ({ listen }) => flow.serve(parseAddress(listen, { schemes: ['tcp', 'tls'], listening: true })),
    redirect: (source) => {
      if (flow.redirect === undefined) return false;
      flow.redirect(parseAddress(source, { schemes: ['tcp', 'tls'] }));
      status.source = source;
      return true;
    },
    quit,
    started,
    consumers: (count) => flow.expectConsumersAtMost(count),
  };
}

/** Reports when other readers hold the flow back than at the last check. */
function followHolding(flow: DuplicatedFlow, parent: Parent): void {
  let before = '[]';
  const check = (): void => {
    const now = JSON.stringify(flow.holding);
    if (now !== before) parent.report();
    before = now;
    systemClock.after(HOLDING_INTERVAL_MS, check, true);
  };
  check();
}

/** Reports the flow's changes to the app server and the log. */
function followFlow(flow: DuplicatedFlow, parent: Parent | undefined, log: Logger): void {
  flow.on('clients', () => parent?.report());
  flow.on('state', (state, cause) => {
    if (cause === undefined) log.info('source state changed', { state });
    else log.warn('source state changed', { state, error: cause });
    parent?.report();
  });
  flow.on('demoted', (client) => parent?.demoted(client));
  flow.on('outgrown', (neededBytes) => {
    log.warn('the memory of the source has grown; the flow is replaced', { neededBytes });
    endForReplacement(flow, parent, log);
  });
  flow.on('replaced', (reason) => {
    log.warn('the flow is replaced', { reason });
    endForReplacement(flow, parent, log);
  });
}

/** From the start on: files are in reach of other programs as soon as they exist. */
function endWhenDamaged(flow: DuplicatedFlow, parent: () => Parent | undefined, log: Logger): void {
  flow.on('damaged', (damage, file) => {
    log.warn('another program has damaged a file of the flow; the flow is replaced', { damage, file });
    if (damage === 'truncated') process.exit(1);
    endForReplacement(flow, parent(), log);
  });
}

/** Exit code 1: clients that have the flow open, or open it later, get a new duplicator. */
function endForReplacement(flow: DuplicatedFlow, parent: Parent | undefined, log: Logger): void {
  process.exitCode = 1;
  const reported = parent?.replaced();
  const closed = flow
    .close()
    .catch((error: unknown) => log.error('the files of the flow were not put back', { error }));
  void Promise.all([reported, closed]).finally(() => process.exit(1));
}

/**
 * Ends the process when the flow has had no client for `lingerMs`, unless the app server has just
 * sent a client to it (`mayEnd` false): then the linger time starts over.
 */
function lingerOn(flow: DuplicatedFlow, parent: Parent | undefined, lingerMs: number, log: Logger): Linger {
  const linger = new Linger(systemClock, lingerMs, () => {
    void (parent?.mayEnd() ?? Promise.resolve(true)).then((mayEnd) => {
      if (!mayEnd) linger.setClientCount(flow.clientCount);
      else {
        log.info('ending: no client for the linger time', { lingerMs });
        quit();
      }
    });
  });
  flow.on('clients', (count) => linger.setClientCount(count));
  linger.setClientCount(flow.clientCount);
  return linger;
}

/**
 * Ends a duplicator whose app server died while it started: no other process may know of it, since
 * it had no file then.
 */
function endWhenAbandoned(flow: DuplicatedFlow, parent: Parent, log: Logger): void {
  let hadClients = false;
  flow.on('clients', () => (hadClients = true));
  systemClock.after(ABANDONED_MS, () => {
    if (hadClients || flow.clientCount > 0 || parent.wasConnected) return;
    log.warn('ending: neither the app server nor a client has connected', { withinMs: ABANDONED_MS });
    quit();
  });
}

async function run(options: DuplicatorOptions): Promise<void> {
  const log = new Logger(`duplicator:${options.app}/${options.flow}`);
  const flow = createFlow(options, log);
  const source = 'sourceText' in options ? options.sourceText : undefined;
  const status: Status = { cause: undefined, source };
  let parent: Parent | undefined;
  let stopLinger = (): void => undefined;
  endOnSignals(log, async () => {
    stopLinger();
    await flow.close();
    await parent?.close();
  });
  endWhenDamaged(flow, () => parent, log);
  flow.on('state', (_state, cause) => (status.cause = cause)); // also while it starts
  const starting = flow.start();
  starting.catch(() => undefined); // handled below
  // Loading XML-RPC takes as long as reaching the source: both happen at the same time, and the
  // former not at all without an app server.
  const parentServer = parentOf(options);
  const parentModule = parentServer === undefined ? undefined : await import('./parent.js');
  if (parentModule !== undefined && parentServer !== undefined) {
    const started = new Promise<void>((resolve) => {
      starting.then(resolve, () => undefined);
    });
    const hooks = parentHooks(options, flow, status, started);
    parent = new parentModule.Parent(parentServer, hooks, log);
    parent.start();
  }
  try {
    await starting;
    if (options.serve !== undefined) await flow.serve(options.serve);
  } catch (error) {
    if (isMirrorflowError(error, 'STOPPED')) return; // by a signal, which ends the process itself
    log.error('could not start', { error });
    await flow.close(); // the flow may have started without the address to serve it at
    await parent?.close();
    await parentModule?.reportFailedStart(parentServer, error, log);
    process.exitCode = 1;
    return;
  }
  followFlow(flow, parent, log);
  if (parent !== undefined) {
    followHolding(flow, parent);
    endWhenAbandoned(flow, parent, log);
  }
  const linger = lingerOn(flow, parent, options.lingerMs, log);
  stopLinger = () => linger.stop();
  const { file, buffers, bufferSize } = flow.layout;
  log.info('ready', { file, buffers, bufferSize });
  settle();
}

async function main(): Promise<void> {
  if (isSpare()) {
    await loadAll();
    if (!awaitAssignment()) return;
  }
  const options = readProgramOptions('duplicator', duplicatorHelp, parseOptions);
  if (options !== undefined) await run(options);
}

/** What every flow needs before it is ready, and loads late: modules, Node's threads for files. */
async function loadAll(): Promise<void> {
  loadMmapIo();
  await Promise.all([import('./parent.js'), stat('/')]);
}

void main();
