/**
 * How the host server starts the app server of an application (its program, its arguments, its
 * time-outs), what it reads from and removes of the app server's record file, and how it ends the
 * children of a dead one. Called once, by `host-server.ts`, for the room `applications/`, which
 * starts and restarts app servers.
 */
import { formatAddress } from '../protocol/base/address.js';
import { systemClock } from '../protocol/base/clock.js';
import { removeDeadFlows, stopOrphans } from '../protocol/host/clean-up/orphans.js';
import { programPath } from '../protocol/base/installation.js';
import { LIMITS } from '../protocol/base/limits.js';
import type { Logger } from '../protocol/base/log.js';
import { readersOf } from '../protocol/host/access/audience.js';
import { isAlive } from '../protocol/base/owner-identity.js';
import { logFilePath } from '../protocol/base/paths.js';
import { formatPortRange } from '../protocol/base/port-range.js';
import { stopForeign } from '../protocol/host/process-kit/foreign-process.js';
import { CHILD_RESTART_LIMITS } from '../protocol/host/process-kit/restart-policy.js';
import { appServerArguments } from '../protocol/rpc/contract/app-server-options.js';
import type { ApplicationDependencies, ApplicationTimes } from './applications/application-dependencies.js';
import {
  hasApplicationRecord,
  readApplicationRecord,
  removeApplicationLeftovers,
} from './applications/application-record.js';
import type { HostServerOptions } from './options.js';

export const APPLICATION_TIMES: ApplicationTimes = {
  readyTimeoutMs: LIMITS.childReadyTimeoutMs,
  // An app server stops its duplicators within LIMITS.childStopTimeoutMs, then itself.
  quitTimeoutMs: LIMITS.childStopTimeoutMs + 1_000,
  stopTimeoutMs: LIMITS.appServerStopTimeoutMs,
  restart: CHILD_RESTART_LIMITS,
};

/**
 * `isDisturbed`: whether another program removes files of the runtime directory. `changed` runs
 * when the state of an application has changed.
 */
export function applicationDependencies(
  hostOptions: HostServerOptions,
  times: ApplicationTimes,
  log: Logger,
  isDisturbed: () => boolean,
  changed: ApplicationDependencies['changed'],
): ApplicationDependencies {
  const { directory, flowDirectory, appServer, security } = hostOptions;
  const runningServer = (name: string): number | undefined => {
    const server = readApplicationRecord(directory, name)?.identity;
    return server !== undefined && isAlive(server) ? server.pid : undefined;
  };
  return {
    clock: systemClock,
    times,
    childSpec: (options) => ({
      title: `app server ${options.name}`,
      script: appServer ?? programPath('app-server'),
      args: appServerArguments(options, {
        ...security.files,
        ...dataOptions(hostOptions),
        directory,
        flowDirectory,
      }),
      logFile: logFilePath(directory, 'app-server', options.name),
      readyTimeoutMs: times.readyTimeoutMs,
      stopTimeoutMs: times.stopTimeoutMs,
      clock: systemClock,
    }),
    runningServer,
    stopServer: async (name) => {
      const server = readApplicationRecord(directory, name)?.identity;
      if (server !== undefined) await stopForeign(server, systemClock, times.stopTimeoutMs);
    },
    readersOf: ({ access }) => readersOf(access),
    hasRecord: (name) => hasApplicationRecord(directory, name) || isDisturbed(),
    recordedOptions: (name) => readApplicationRecord(directory, name)?.options,
    notAsConfigured: (name, changed) =>
      log.warn('an application runs with options that the configuration does not have', {
        application: name,
        changed: changed.join(', '),
        todo: `mirrorflow stop ${name} && mirrorflow run ${name} starts it as it is configured`,
      }),
    removeLeftovers: (name) => removeApplicationLeftovers(directory, name),
    stopOrphans: async (name) => {
      if (runningServer(name) !== undefined) return;
      try {
        const pids = await stopOrphans(flowDirectory, name, systemClock);
        removeDeadFlows(hostOptions, name, () => false);
        if (pids.length > 0)
          log.info('stopped the children of a dead app server', { application: name, pids });
      } catch (error) {
        log.warn('the children of a dead app server cannot be stopped', { application: name, error });
      }
    },
    changed,
  };
}

/** Data for other hosts are served on the address and with the scheme of the host server itself. */
function dataOptions({ listen, network }: HostServerOptions) {
  const { dataPorts, integrity, peers } = network;
  return {
    integrity,
    peers: peers.length === 0 ? undefined : peers.map(({ host }) => host),
    dataListen: formatAddress({ scheme: listen.scheme, host: listen.host, port: 0 }),
    dataPorts: dataPorts === undefined ? undefined : formatPortRange(dataPorts),
  };
}
