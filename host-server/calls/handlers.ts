/**
 * Handlers of the XML-RPC methods of the host server (`host.*`, `site.*`, `child.failed`).
 * `host-server.ts` passes the table to its endpoints; touches nothing but the objects that it is
 * given.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { RelayedCall } from '../../protocol/rpc/contract/hosts.js';
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Applications } from '../applications/applications.js';
import type { CallOrigin, HostSession } from '../control/call-origin.js';
import type { WebProcess } from '../control/web-process.js';
import type { NatsProcess } from '../peers/nats-process.js';
import type { Peers } from '../peers/peers.js';
import type { Sites } from '../peers/sites.js';
import type { Network } from './network.js';
import type { SiteAnswers } from './site-answers.js';

/** The answer to host.info. */
export interface HostFacts {
  /** Name of this host on its network. */
  readonly host: string;
  /** Version of the package. */
  readonly version: string;
  readonly directory: string;
  readonly flowDirectory: string;
  readonly startedAt: Date;
  /** Port of XML-RPC over HTTP; 0 before the server listens. */
  port(): number;
  /** The web viewer; undefined when there is none. */
  web(): WebProcess | undefined;
}

/** What this host has of other sites. */
export interface FarSites {
  readonly sites: Sites;
  readonly process: NatsProcess;
  readonly answers: SiteAnswers;
}

/** `quit` resolves when the host server is about to end. */
export function hostHandlers(
  applications: Applications,
  network: Network,
  peers: Peers,
  far: FarSites,
  facts: HostFacts,
  quit: (withApplications: boolean) => Promise<void>,
): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  return {
    'host.info': () => {
      const viewer = facts.web();
      const web = viewer?.address;
      const cause = viewer?.cause?.message.slice(0, LIMITS.causeCharacters);
      return {
        version: facts.version,
        protocol: PROTOCOL_VERSION,
        pid: process.pid,
        host: facts.host,
        directory: facts.directory,
        flowDirectory: facts.flowDirectory,
        port: facts.port(),
        startedAt: facts.startedAt,
        webState: viewer?.state ?? 'off',
        ...(web === undefined ? {} : { web }),
        ...(cause === undefined ? {} : { webCause: cause }),
      };
    },
    'host.applications': () => applications.list(),
    'host.run': ([options, host]) => {
      refuseConfigurationOnly(options);
      return network.run(options, host);
    },
    'host.open': ([name]) => applications.open(name),
    'host.restart': ([options]) => {
      refuseConfigurationOnly(options);
      return applications.restart(options);
    },
    'host.stop': ([name, host]) => network.stop(name, host),
    'host.network': () => network.hosts(),
    'host.introduce': ([host], { session, peerAddress }) => {
      if (peerAddress === undefined) {
        throw new MirrorflowError('NOT_PERMITTED', 'host.introduce is for host servers of other hosts only');
      }
      return peers.introduced(requirePermanent('host.introduce', session), host, peerAddress);
    },
    'host.running': ([names], { session }) => {
      peers.setRunning(requirePermanent('host.running', session), names);
      return true;
    },
    'host.relay': ([host, call], { session }) => {
      const application = session === undefined ? undefined : applications.ofSession(session);
      if (application === undefined) {
        throw new MirrorflowError('NOT_PERMITTED', 'host.relay is for the app servers of this host only');
      }
      return network.relay(application, host, call);
    },
    'host.forward': ([application, call], { session, peerAddress }) => {
      const connection = requirePermanent('host.forward', session);
      const isProgram = peerAddress !== undefined && !peers.isIntroduced(connection) && isReading(call);
      return network.forward(isProgram ? facts.host : peers.nameOf(connection), application, call);
    },
    'host.quit': async ([withApplications], origin) => {
      refuseElsewhere('host.quit', origin);
      await quit(withApplications ?? false);
      return true;
    },
    'host.subscribe': ([ready], origin) => {
      refuseElsewhere('host.subscribe', origin);
      const adopted = applications.subscribe(ready, requirePermanent('host.subscribe', origin.session));
      // After the answer, and on every connection: what the app server has may be outdated.
      setImmediate(() => network.sendHosts(ready.name));
      return { adopted };
    },
    'child.ready': ([served], origin) => {
      refuseElsewhere('child.ready', origin);
      return facts.web()?.reportReady(served) ?? false;
    },
    'child.failed': ([failure], origin) => {
      refuseElsewhere('child.failed', origin);
      const isKnown = facts.web()?.startFailed(failure) === true || far.process.startFailed(failure);
      if (!isKnown) applications.childFailed(failure);
      return true;
    },
    'site.subscribe': ([ready], origin) => {
      refuseElsewhere('site.subscribe', origin);
      return far.process.subscribe(ready, requirePermanent('site.subscribe', origin.session));
    },
    'site.report': ([report], origin) => {
      refuseElsewhere('site.report', origin);
      far.sites.report(requirePermanent('site.report', origin.session), report);
      return true;
    },
    'site.answer': ([site, host, call], origin) => {
      refuseElsewhere('site.answer', origin);
      return far.answers.answer(site, host, call);
    },
  };
}

/**
 * Throws NOT_PERMITTED for programs and access: a caller of the host server must not be able to run
 * any program as its user, or to admit others.
 */
function refuseConfigurationOnly(options: ApplicationOptions): void {
  for (const member of ['programs', 'access'] as const) {
    if (options[member] === undefined) continue;
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `the ${member} of ${options.name} can be stated in the configuration file of the host server only`,
    );
  }
  if (options.record?.directory === undefined) return;
  throw new MirrorflowError(
    'NOT_PERMITTED',
    `the directory of the recordings of ${options.name} can be stated in the configuration file of the host server only; without it they are kept in its state directory`,
  );
}

/**
 * Throws NOT_PERMITTED for a caller that may be on another machine: neither another host nor a
 * program with the secret over HTTP ends a host server, or counts as one of its processes.
 */
function refuseElsewhere(method: string, { peerAddress, isElsewhere = false }: CallOrigin): void {
  if (peerAddress === undefined && !isElsewhere) return;
  throw new MirrorflowError(
    'NOT_PERMITTED',
    `${method} is not for callers with the shared secret: call it on its own machine, over the socket or with a token of the runtime directory`,
    { method },
  );
}

/** Calls of programs on other machines, which receive flows and are no host: see docs/attach.md. */
function isReading({ method }: RelayedCall): boolean {
  return method === 'remote.serve' || method === 'remote.network' || method === 'remote.statistics';
}

/** For methods that bind something to the connection. Throws REFUSED over HTTP. */
function requirePermanent(method: string, session: HostSession | undefined): HostSession {
  if (session !== undefined) return session;
  throw new MirrorflowError(
    'REFUSED',
    `${method} is for permanent connections only: its effect ends with the connection of the caller`,
  );
}
