/**
 * Looks up the ports of named services (`SpecTcl_REST`, `SpecTcl_MIRROR`) at the NSCLDAQ port
 * manager of a host. Used by duplicators to connect to a SpecTcl. Opens one TCP connection per
 * lookup, sends LIST and reads one answer.
 */
import { type Socket, connect } from 'node:net';
import { userInfo } from 'node:os';
import { MirrorflowError, describeError } from '../base/errors.js';
import { printableText } from '../base/printable.js';
import { type Service, ServiceListReader } from './service-list.js';

export const PORT_MANAGER_PORT = 30_000;
const DEFAULT_TIMEOUT_MS = 5_000;

export interface LookUpOptions {
  /** Port of the port manager. Default 30000. */
  readonly port?: number;
  /** Total time, from the name lookup to the last line. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The port of `service` as registered by `user` (by default the user of this process); both must
 * match exactly. Throws SOURCE_UNREACHABLE (no answer), SOURCE_PROTOCOL (not the answer of a port
 * manager), SOURCE_REFUSED (FAIL, or no such service) or CLOSED (aborted by the signal).
 */
export async function lookUpService(
  host: string,
  service: string,
  user: string | undefined,
  options: LookUpOptions = {},
): Promise<number> {
  const owner = user ?? userInfo().username;
  const services = await listServices(host, options);
  const match = services.find((entry) => entry.service === service && entry.user === owner);
  if (match !== undefined) return match.port;
  const others = services.filter((entry) => entry.service === service).map((entry) => entry.user);
  throw new MirrorflowError(
    'SOURCE_REFUSED',
    `The port manager of ${host} has no service ${JSON.stringify(service)} of user ${JSON.stringify(owner)}${
      others.length === 0 ? '' : `, only of ${printableText(others.slice(0, 10).join(', '))}`
    }. Check that SpecTcl runs on ${host}, and the user's name`,
    { host, service, user: owner },
  );
}

function listServices(host: string, options: LookUpOptions): Promise<readonly Service[]> {
  const port = options.port ?? PORT_MANAGER_PORT;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const where = `The port manager at ${host}:${port}`;
  const facts = { host, port };
  const unreachable = (reason: string, cause?: unknown) =>
    new MirrorflowError('SOURCE_UNREACHABLE', `${where} cannot be reached: ${reason}`, facts, cause);

  const socket = connect({ host, port });
  const finished = new AbortController();
  const timer = setTimeout(() => socket.destroy(unreachable(`no answer within ${timeoutMs} ms`)), timeoutMs);
  options.signal?.addEventListener(
    'abort',
    () => socket.destroy(new MirrorflowError('CLOSED', `${where}: the request was aborted`, facts)),
    { signal: finished.signal },
  );
  if (options.signal?.aborted === true)
    socket.destroy(new MirrorflowError('CLOSED', `${where}: the request was aborted`, facts));

  return readList(socket)
    .then(
      (state) => {
        if (state.kind === 'complete') return state.services;
        if (state.kind === 'incomplete')
          throw unreachable('it closed the connection before the end of its answer');
        if (state.kind === 'failed') {
          throw new MirrorflowError(
            'SOURCE_REFUSED',
            `${where} answered ${JSON.stringify(printableText(state.text))}`,
            facts,
          );
        }
        throw new MirrorflowError(
          'SOURCE_PROTOCOL',
          `${where} sent an invalid answer: ${printableText(state.problem)}`,
          facts,
        );
      },
      (error: unknown) => {
        throw error instanceof MirrorflowError ? error : unreachable(describeError(error), error);
      },
    )
    .finally(() => {
      clearTimeout(timer);
      finished.abort();
      socket.destroy();
    });
}

/**
 * Resolves with the first state that is not `incomplete`, or with `incomplete` when the port
 * manager closes the connection before.
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
