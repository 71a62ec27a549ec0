/**
 * Checks of what runs: host server, applications, their gateways and recorders, and their SpecTcl
 * programs.
 *
 * `mirrorflow doctor` runs them. They connect to the servers and to SpecTcl's REST and mirror ports
 * and change nothing.
 */
import { connect as connectTcp, createServer } from 'node:net';
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError, describeError, isMirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { withClient, withHost } from '../servers.js';
import { packageVersion } from '../../protocol/base/installation.js';
import { fail, forController, ok, warn, type Check, type Finding, type CheckContext } from './check.js';

/** Default port of the host server's XML-RPC. */
const HOST_PORT = 7390;
const ANSWER_TIMEOUT_MS = 2_000;

export const hostServer: Check = {
  title: 'host server',
  async run(context) {
    try {
      const info = await withHost(context, (host) => host.info());
      const found = `process ${info.pid} in ${info.directory}, version ${info.version}`;
      if (info.version === packageVersion()) return ok(found);
      return warn(
        `${found}; this command is version ${packageVersion()}`,
        forController(
          context,
          '`mirrorflow host stop --keep`, then `mirrorflow host start`: data keep moving in the meantime',
        ),
      );
    } catch (error) {
      if (!isMirrorflowError(error, 'NOT_RUNNING'))
        return fail(describeError(error), 'see its log, logs/host-server.log');
      const start = '`mirrorflow host start`';
      if (!(await isPortInUse(HOST_PORT))) return warn('none runs', start);
      return warn(
        `none runs, and another program listens on its port ${HOST_PORT}`,
        `${start.slice(0, -1)} --listen tcp://127.0.0.1:0\``,
      );
    }
  },
};

export const applications: Check = {
  title: 'applications',
  async run(context) {
    const applications = await applicationsOf(context);
    if (applications.length === 0) {
      return ok(
        context.controller === undefined
          ? 'none yet; `mirrorflow run NAME --spectcl ADDRESS` starts one'
          : `none yet; ${context.controller} can start one`,
      );
    }
    return applications.map(({ name, state, cause }) =>
      state === 'failed'
        ? fail(
            `${name} failed: ${cause ?? 'unknown cause'}`,
            forController(context, `\`mirrorflow run ${name}\` starts it again`),
          )
        : ok(`${name} is ${state}`),
    );
  },
};

export const gateways: Check = {
  title: 'gateways',
  async run(context) {
    const running = (await applicationsOf(context)).filter(({ state }) => state === 'running');
    const findings = await Promise.all(
      running.map(async ({ name }): Promise<Finding | undefined> => {
        const { gateway } = await withClient(context, name, (client) => client.appInfo());
        if (gateway === undefined) return undefined;
        const where = `${gateway.host}, REST ${gateway.restPort}, mirror ${gateway.mirrorPort}`;
        if (gateway.state === 'running') return ok(`${name}: ${where}`);
        const cause = gateway.cause ?? `its state is ${gateway.state}`;
        return fail(
          `${name} has no gateway: ${cause}`,
          forController(context, 'free the port, or stop the application and choose another'),
        );
      }),
    );
    const gatewayFindings = findings.filter((finding) => finding !== undefined);
    return gatewayFindings.length === 0 ? ok('none is configured') : gatewayFindings;
  },
};

export const recorders: Check = {
  title: 'recorders',
  async run(context) {
    const running = (await applicationsOf(context)).filter(({ state }) => state === 'running');
    const findings = await Promise.all(
      running.map(async ({ name }): Promise<Finding | undefined> => {
        const { recorder } = await withClient(context, name, (client) => client.appInfo());
        if (recorder === undefined) return undefined;
        const { state, directory, cause } = recorder;
        if (state === 'full')
          return fail(
            `${name} is not recorded: ${cause ?? 'the disk is full'}`,
            forController(context, `free space for ${directory}`),
          );
        if (state === 'faulty' || state === 'failed')
          return fail(
            `${name} is not recorded: ${cause ?? state}`,
            forController(context, 'see the log of its recorder'),
          );
        return ok(`${name}: ${state}, in ${directory}${cause === undefined ? '' : `; ${cause}`}`);
      }),
    );
    const recorderFindings = findings.filter((finding) => finding !== undefined);
    return recorderFindings.length === 0 ? ok('none is configured') : recorderFindings;
  },
};

export const spectcl: Check = {
  title: 'SpecTcl',
  async run(context) {
    const applications = await applicationsOf(context).catch(() => []);
    // The SpecTcl of a stopped application need not run.
    const expected = applications.filter(({ state }) => state !== 'stopped' && state !== 'stopping');
    const sources = new Set(expected.flatMap(({ source }) => source ?? []));
    if (context.spectcl !== undefined) sources.add(context.spectcl);
    if (sources.size === 0) return ok('none is configured; `mirrorflow doctor --spectcl ADDRESS` checks one');
    return Promise.all([...sources].map((source) => examineSource(source, context.signal)));
  },
};

async function examineSource(source: string, signal: AbortSignal): Promise<Finding> {
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
      await connectMirrorService(address.host, mirrorPort);
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

function connectMirrorService(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: string): void =>
      reject(
        new MirrorflowError(
          'SOURCE_UNREACHABLE',
          `the mirror service on port ${port} cannot be reached: ${cause}`,
        ),
      );
    const socket = connectTcp({ host, port, timeout: ANSWER_TIMEOUT_MS });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => {
      socket.destroy();
      fail('no answer');
    });
    socket.once('error', (error) => fail(describeError(error)));
  });
}

async function applicationsOf(context: CheckContext) {
  try {
    return await withHost(context, (host) => host.applications());
  } catch (error) {
    if (isMirrorflowError(error, 'NOT_RUNNING')) return [];
    throw error;
  }
}

function isPortInUse(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error) === 'EADDRINUSE'));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(false)));
  });
}
