/** What the host server answers: its part of the contract, over sessions and HTTP alike. */
import { hostname } from 'node:os';
import type { MirrorflowContract } from '../protocol/contract/methods.js';
import { PROTOCOL_VERSION, type ApplicationOptions } from '../protocol/contract/shapes.js';
import { MirrorflowError } from '../protocol/errors.js';
import type { Handlers } from '../protocol/xml-rpc/contract.js';
import type { Applications } from './applications.js';
import type { HostContext } from './host-context.js';

interface HostFacts {
  readonly version: string;
  readonly directory: string;
  readonly flowDirectory: string;
  readonly startedAt: Date;
  /** Of XML-RPC over HTTP; known when it listens. */
  port(): number;
  /** Address of the web viewer; undefined while it does not serve. */
  web(): string | undefined;
}

/** `quit` resolves when the host server is about to end. */
export function hostHandlers(
  applications: Applications,
  facts: HostFacts,
  quit: (everything: boolean) => Promise<void>,
): Partial<Handlers<MirrorflowContract, HostContext>> {
  return {
    'host.info': () => {
      const web = facts.web();
      return {
        version: facts.version,
        protocol: PROTOCOL_VERSION,
        pid: process.pid,
        host: hostname(),
        directory: facts.directory,
        flowDirectory: facts.flowDirectory,
        port: facts.port(),
        startedAt: facts.startedAt,
        ...(web === undefined ? {} : { web }),
      };
    },
    'host.applications': () => applications.list(),
    'host.run': ([options]) => {
      refuseConfiguredOnly(options);
      return applications.run(options);
    },
    'host.restart': ([options]) => {
      refuseConfiguredOnly(options);
      return applications.restart(options);
    },
    'host.stop': ([name]) => applications.stop(name),
    'host.quit': async ([everything]) => {
      await quit(everything ?? false);
      return true;
    },
    'host.subscribe': ([ready], { session }) => {
      if (session === undefined) {
        throw new MirrorflowError(
          'REFUSED',
          'host.subscribe is taken on a permanent connection only: it is the life line of the app server',
        );
      }
      return { adopted: applications.subscribe(ready, session) };
    },
    'child.failed': ([failure]) => {
      applications.childFailed(failure);
      return true;
    },
  };
}

/** Whoever may call may not therefore run any program as the user of this server, or let others in. */
function refuseConfiguredOnly(options: ApplicationOptions): void {
  for (const what of ['programs', 'access'] as const) {
    if (options[what] === undefined) continue;
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `the ${what} of ${options.name} can be stated in the configuration file of the host server only`,
    );
  }
}
