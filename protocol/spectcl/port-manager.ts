/**
 * Looks up service names (`SpecTcl_REST`, `SpecTcl_MIRROR`) at the NSCLDAQ port manager of a host:
 * one connection, one LIST, one answer.
 */
import { type Socket, connect } from 'node:net';
import { userInfo } from 'node:os';
import { MirrorflowError, describeError } from '../base/errors.js';
import { type Service, ServiceListReader } from './service-list.js';

export const PORT_MANAGER_PORT = 30_000;
const DEFAULT_TIMEOUT_MS = 5_000;

export interface LookUpOptions {
  /** Where the port manager listens. Default 30000. */
  readonly port?: number;
  /** From the name lookup to the last line. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The port of `service` as registered by `user` (the user of this process when undefined); both
 * match exactly. Throws SOURCE_UNREACHABLE (no port manager answers), SOURCE_PROTOCOL (something
 * else answers), SOURCE_REFUSED (FAIL, or no such service) or CLOSED (given up by the signal).
 */
export async function lookUpService(
  host: string,
  service: string,
  user: string | undefined,
  options: LookUpOptions = {},
): Promise<number> {
  const wanted = user ?? userInfo().username;
  const services = await listServices(host, options);
  const found = services.find((entry) => entry.service === service && entry.user === wanted);
  if (found !== undefined) return found.port;
  const others = services.filter((entry) => entry.service === service).map((entry) => entry.user);
  throw new MirrorflowError(
    'SOURCE_REFUSED',
    `The port manager of ${host} knows no service ${JSON.stringify(service)} of user ${JSON.stringify(wanted)}; ${
      others.length === 0 ? 'nobody has one of that name' : `it has one of ${others.slice(0, 10).join(', ')}`
    }. Is SpecTcl running there, and by that user?`,
    { host, service, user: wanted },
  );
}

function listServices(host: string, options: LookUpOptions): Promise<readonly Service[]> {
  const port = options.port ?? PORT_MANAGER_PORT;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const where = `The port manager at ${host}:${port}`;
  const facts = { host, port };
  const unreachable = (why: string, cause?: unknown) =>
    new MirrorflowError('SOURCE_UNREACHABLE', `${where} cannot be reached: ${why}`, facts, cause);

  const socket = connect({ host, port });
  const given = new AbortController();
  const timer = setTimeout(() => socket.destroy(unreachable(`no answer within ${timeoutMs} ms`)), timeoutMs);
  options.signal?.addEventListener(
    'abort',
    () => socket.destroy(new MirrorflowError('CLOSED', `${where} was given up`, facts)),
    { signal: given.signal },
  );
  if (options.signal?.aborted === true)
    socket.destroy(new MirrorflowError('CLOSED', `${where} was given up`, facts));

  return readList(socket)
    .then(
      (state) => {
        if (state.kind === 'complete') return state.services;
        if (state.kind === 'incomplete') throw unreachable('it closed the connection in mid-answer');
        if (state.kind === 'failed') {
          throw new MirrorflowError(
            'SOURCE_REFUSED',
            `${where} answered ${JSON.stringify(state.text)}`,
            facts,
          );
        }
        throw new MirrorflowError(
          'SOURCE_PROTOCOL',
          `${where} did not answer as one: ${state.problem}`,
          facts,
        );
      },
      (error: unknown) => {
        throw error instanceof MirrorflowError ? error : unreachable(describeError(error), error);
      },
    )
    .finally(() => {
      clearTimeout(timer);
      given.abort();
      socket.destroy();
    });
}

/**
 * Settles with the first state that is not `incomplete`, or with `incomplete` when the other side
 * closes before.
 */
function readList(socket: Socket) {
  const reader = new ServiceListReader();
  return new Promise<ServiceListReader['state']>((resolve, reject) => {
    socket.on('connect', () => socket.write('LIST\n'));
    socket.on('data', (chunk) => {
      if (reader.push(chunk).kind !== 'incomplete') resolve(reader.state);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(reader.state));
  });
}
