/**
 * Checks of what runs: host server, applications, their gateways, and the SpecTcl programs behind
 * them.
 */
import { connect as connectTcp } from 'node:net';
import { createServer } from 'node:net';
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError, describeError, isMirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { withClient, withHost } from '../servers.js';
import { packageVersion } from '../../protocol/base/installation.js';
import { fail, ok, warn, type Check, type Finding, type Patient } from './check.js';

/** Port of the host server's XML-RPC when nothing else is stated. */
const HOST_PORT = 7390;
const ANSWER_TIMEOUT_MS = 2_000;

export const hostServer: Check = {
  title: 'host server',
  async run(patient) {
    try {
      const info = await withHost(patient, (host) => host.info());
      const found = `process ${info.pid} in ${info.directory}, version ${info.version}`;
      if (info.version === packageVersion()) return ok(found);
      return warn(
        `${found}; this command is version ${packageVersion()}`,
        '`mirrorflow host stop --keep`, then `mirrorflow host start`: data keep moving meanwhile',
      );
    } catch (error) {
      if (!isMirrorflowError(error, 'NOT_RUNNING'))
        return fail(describeError(error), 'see its log, logs/host-server.log');
      const taken = await portIsTaken(HOST_PORT);
      const start = '`mirrorflow host start`';
      if (!taken) return warn('none runs', start);
      return warn(
        `none runs, and another program listens on its port ${HOST_PORT}`,
        `${start.slice(0, -1)} --listen tcp://127.0.0.1:0\``,
      );
    }
  },
};

export const applications: Check = {
  title: 'applications',
  async run(patient) {
    const known = await applicationsOf(patient);
    if (known.length === 0)
      return ok('none is known yet; `mirrorflow run NAME --spectcl ADDRESS` starts one');
    return known.map(({ name, state, cause }) =>
      state === 'failed'
        ? fail(
            `${name} failed: ${cause ?? 'no cause is known'}`,
            `\`mirrorflow run ${name}\` starts it again`,
          )
        : ok(`${name} is ${state}`),
    );
  },
};

export const gateways: Check = {
  title: 'gateways',
  async run(patient) {
    const running = (await applicationsOf(patient)).filter(({ state }) => state === 'running');
    const findings = await Promise.all(
      running.map(async ({ name }): Promise<Finding | undefined> => {
        const { gateway } = await withClient(patient, name, (client) => client.appInfo());
        if (gateway === undefined) return undefined;
        const where = `${gateway.host}, REST ${gateway.restPort}, mirror ${gateway.mirrorPort}`;
        if (gateway.state === 'running') return ok(`${name}: ${where}`);
        const cause = gateway.cause ?? `it is ${gateway.state}`;
        return fail(
          `${name} has no gateway: ${cause}`,
          'free the port, or stop the application and choose another',
        );
      }),
    );
    const known = findings.filter((finding) => finding !== undefined);
    return known.length === 0 ? ok('none is asked for') : known;
  },
};

export const spectcl: Check = {
  title: 'SpecTcl',
  async run(patient) {
    const known = await applicationsOf(patient).catch(() => []);
    const sources = new Set(known.flatMap(({ source }) => source ?? []));
    if (patient.spectcl !== undefined) sources.add(patient.spectcl);
    if (sources.size === 0) return ok('none is known; `mirrorflow doctor --spectcl ADDRESS` asks one');
    return Promise.all([...sources].map((source) => examine(source, patient.signal)));
  },
};

async function examine(source: string, signal: AbortSignal): Promise<Finding> {
  try {
    const address = parseAddress(source, { schemes: ['spectcl'] });
    const [restPort, mirrorPort] = await Promise.all([
      portOf(address, address.rest, signal),
      portOf(address, address.mirror, signal),
    ]);
    const rest = new SpecTclRest({ host: address.host, port: restPort }, { timeoutMs: ANSWER_TIMEOUT_MS });
    try {
      const { major, minor, editLevel, programName = 'SpecTcl' } = await rest.version(signal);
      const bytes = await rest.shmemSize(signal);
      await reach(address.host, mirrorPort);
      return ok(
        `${programName} ${major}.${minor}-${editLevel} at ${source}, ${bytes / 2 ** 20} MiB of spectra`,
      );
    } finally {
      rest.close();
    }
  } catch (error) {
    return fail(
      `${source}: ${describeError(error)}`,
      'is SpecTcl running, with its REST and mirror servers started (variables HTTPDPort, MirrorPort), and no firewall between?',
    );
  }
}

function portOf(
  { host, user }: AddressOf<'spectcl'>,
  service: number | string,
  signal: AbortSignal,
): Promise<number> {
  if (typeof service === 'number') return Promise.resolve(service);
  return lookUpService(host, service, user, { timeoutMs: ANSWER_TIMEOUT_MS, signal });
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string): void =>
      reject(
        new MirrorflowError(
          'SOURCE_UNREACHABLE',
          `the mirror service on port ${port} cannot be reached: ${why}`,
        ),
      );
    const socket = connectTcp({ host, port, timeout: ANSWER_TIMEOUT_MS });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => {
      socket.destroy();
      refuse('no answer');
    });
    socket.once('error', (error) => refuse(describeError(error)));
  });
}

async function applicationsOf(patient: Patient) {
  try {
    return await withHost(patient, (host) => host.applications());
  } catch (error) {
    if (isMirrorflowError(error, 'NOT_RUNNING')) return [];
    throw error;
  }
}

function portIsTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error) === 'EADDRINUSE'));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(false)));
  });
}
