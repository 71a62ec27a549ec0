/** What the host server answers: its part of the contract, over sessions and HTTP alike. */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Applications } from '../applications/applications.js';
import type { HostContext, HostSession } from './host-context.js';
import type { WebProcess } from './web-process.js';
import type { Network } from '../peers/network.js';
import type { Peers } from '../peers/peers.js';

interface HostFacts {
  /** The name of this host on its network. */
  readonly host: string;
  readonly version: string;
  readonly directory: string;
  readonly flowDirectory: string;
  readonly startedAt: Date;
  /** Of XML-RPC over HTTP; known when it listens. */
  port(): number;
  /** The web viewer; undefined when there is none. */
  web(): WebProcess | undefined;
}

export interface Served {
  readonly applications: Applications;
  readonly network: Network;
  readonly peers: Peers;
}

/**
 * What other hosts may call; they have proved the shared secret, and all else is this machine's own
 * affair.
 */
const OF_PEERS = new Set<string>([
  'host.info',
  'host.applications',
  'host.run',
  'host.stop',
  'host.introduce',
  'host.running',
  'host.forward',
] satisfies (keyof MirrorflowContract)[]);
const OF_PEERS_ONLY = new Set<string>(['host.introduce', 'host.running', 'host.forward']);

/** Refuses other hosts what is not theirs, and everybody else what is. Throws NOT_PERMITTED. */
export function authorizeHost(method: string, { peerAddress }: HostContext): void {
  if (peerAddress === undefined ? !OF_PEERS_ONLY.has(method) : OF_PEERS.has(method)) return;
  const who = peerAddress === undefined ? 'host servers of other hosts' : 'callers on this machine';
  throw new MirrorflowError('NOT_PERMITTED', `${method} is for ${who} only`, { method });
}

/** `quit` resolves when the host server is about to end. */
export function hostHandlers(
  { applications, network, peers }: Served,
  facts: HostFacts,
  quit: (everything: boolean) => Promise<void>,
): Partial<Handlers<MirrorflowContract, HostContext>> {
  return {
    'host.info': () => {
      const web = facts.web()?.address;
      return {
        version: facts.version,
        protocol: PROTOCOL_VERSION,
        pid: process.pid,
        host: facts.host,
        directory: facts.directory,
        flowDirectory: facts.flowDirectory,
        port: facts.port(),
        startedAt: facts.startedAt,
        ...(web === undefined ? {} : { web }),
      };
    },
    'host.applications': () => applications.list(),
    'host.run': ([options, host]) => {
      refuseConfiguredOnly(options);
      return network.run(options, host);
    },
    'host.restart': ([options]) => {
      refuseConfiguredOnly(options);
      return applications.restart(options);
    },
    'host.stop': ([name, host]) => network.stop(name, host),
    'host.network': () => network.hosts(),
    'host.introduce': ([host], { session, peerAddress = '' }) => {
      return peers.introduced(permanent('host.introduce', session), host, peerAddress);
    },
    'host.running': ([names], { session }) => {
      peers.tells(permanent('host.running', session), names);
      return true;
    },
    'host.relay': ([host, call], { session }) => {
      const application = session === undefined ? undefined : applications.ofSession(session);
      if (application === undefined) {
        throw new MirrorflowError('NOT_PERMITTED', 'host.relay is for the app servers of this host only');
      }
      return network.relay(application, host, call);
    },
    'host.forward': ([application, call], { session }) => {
      const from = peers.nameOf(permanent('host.forward', session));
      return network.forward(from, application, call);
    },
    'host.quit': async ([everything]) => {
      await quit(everything ?? false);
      return true;
    },
    'host.subscribe': ([ready], { session }) => {
      const adopted = applications.subscribe(ready, permanent('host.subscribe', session));
      // Behind the answer: it is told on every connection, since what it knew may be old.
      setImmediate(() => network.tellApplication(ready.name));
      return { adopted };
    },
    'child.ready': ([served]) => facts.web()?.reportReady(served) ?? false,
    'child.failed': ([failure]) => {
      if (facts.web()?.startFailed(failure) !== true) applications.childFailed(failure);
      return true;
    },
  };
}

/**
 * Whoever may call may not therefore run any program as the user of this server, or let others in.
 */
function refuseConfiguredOnly(options: ApplicationOptions): void {
  for (const what of ['programs', 'access'] as const) {
    if (options[what] === undefined) continue;
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `the ${what} of ${options.name} can be stated in the configuration file of the host server only`,
    );
  }
}

/** For what a connection is part of. Throws REFUSED over HTTP. */
function permanent(method: string, session: HostSession | undefined): HostSession {
  if (session !== undefined) return session;
  throw new MirrorflowError(
    'REFUSED',
    `${method} is taken on a permanent connection only: it is the life line of the caller`,
  );
}
