/**
 * SpecTcl's own call for a display memory, `getSpecTclMemory(host, rest, mirror, user)`: the same
 * arguments, order of attempts and error cases by name. Called by programs written for SpecTcl's
 * mirror client; part of the public surface. A SpecTcl on this host gives its own shared memory,
 * any other is mirrored, once per host. Calls SpecTcl's REST service, the host server and the app
 * server.
 */
import { hostname, networkInterfaces, userInfo } from 'node:os';
import { formatAddress, parseAddress, type AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { attachLocalMemory, type LocalDisplayMemory } from '../mirror/local-display-memory.js';
import { SpectraView } from '../mirror/spectra.js';
import { connect } from './connect.js';
import { connectHost } from './host-connection.js';
import type { LocateOptions } from './find-server.js';

/**
 * The error cases of SpecTcl's function with its numbers; each error of `getSpecTclMemory` has one
 * as `facts.mirrorError`.
 */
export const MIRROR_ERRORS = {
  MIRROR_SUCCESS: 0,
  /** The REST service is not advertised on that host. */
  MIRROR_NORESTSVC: 1,
  /** The mirror service is not advertised on that host. */
  MIRROR_NOMIRRORSVC: 2,
  MIRROR_CANTGETUSERNAME: 3,
  MIRROR_CANTGETSIZE: 4,
  MIRROR_CANTGETMIRRORS: 5,
  MIRROR_SETUPFAILED: 6,
  MIRROR_CANTGETHOSTNAME: 7,
} as const;

/** An error number of `getSpecTclMemory`: see `MIRROR_ERRORS`. */
export type MirrorError = keyof typeof MIRROR_ERRORS;

/** A SpecTcl's display memory, from `getSpecTclMemory`. */
export interface SpecTclMemory {
  /** Display header and channel storage, updated in place; read-only. Valid until `unmap`. */
  readonly memory: Buffer;
  /** Spectra by name over it. */
  readonly spectra: SpectraView;
  /** `own`: SpecTcl's own memory on this host; `mirror`: a mirror of it. */
  readonly kind: 'own' | 'mirror';
  /** Whether the memory is up to date. SpecTcl's own memory always is until `unmap`. */
  readonly isMirroring: boolean;
  /** Releases the memory. Idempotent. */
  unmap(): Promise<void>;
}

const REST_TIMEOUT_MS = 2_000;
const NAME_CHARACTERS_MAX = 64;

/**
 * The display memory of a SpecTcl.
 * @param host where SpecTcl runs
 * @param rest its REST service: a port, or the name under which it is advertised on that host
 * @param mirror its mirror service, likewise
 * @param user user that runs SpecTcl, for services by name; default: this process's user
 *
 * Throws a MirrorflowError whose `facts.mirrorError` is one of MIRROR_ERRORS and `facts.mirrorCode`
 * its number.
 */
export async function getSpecTclMemory(
  host: string,
  rest: number | string,
  mirror: number | string,
  user?: string,
  options: LocateOptions = {},
): Promise<SpecTclMemory> {
  const address = parseAddress(
    formatAddress({ scheme: 'spectcl', host, rest, mirror, ...(user === undefined ? {} : { user }) }),
    { schemes: ['spectcl'] },
  );
  const owner = hasServiceName(address) ? userOf(address) : undefined;
  const [restPort] = await Promise.all([
    portOf(address.host, address.rest, owner, 'MIRROR_NORESTSVC'),
    portOf(address.host, address.mirror, owner, 'MIRROR_NOMIRRORSVC'),
  ]);
  const service = new SpecTclRest({ host: address.host, port: restPort }, { timeoutMs: REST_TIMEOUT_MS });
  try {
    const channelBytes = await withMirrorError('MIRROR_CANTGETSIZE', service.shmemSize());
    await withMirrorError('MIRROR_CANTGETMIRRORS', service.mirrors());
    if (isThisHost(address.host)) {
      const own = await attachLocalMemory(service, channelBytes);
      if (own !== undefined) return ownMemory(own);
    }
  } finally {
    service.close();
  }
  return withMirrorError('MIRROR_SETUPFAILED', mirrored(address, owner, options));
}

function ownMemory({ memory, detach }: LocalDisplayMemory): SpecTclMemory {
  let isAttached = true;
  return {
    memory,
    spectra: new SpectraView(memory),
    kind: 'own',
    get isMirroring() {
      return isAttached;
    },
    unmap() {
      if (isAttached) detach();
      isAttached = false;
      return Promise.resolve();
    },
  };
}

/** The mirror of the application with this source, which is started if no application has it. */
async function mirrored(
  address: AddressOf<'spectcl'>,
  owner: string | undefined,
  options: LocateOptions,
): Promise<SpecTclMemory> {
  const source = formatAddress(owner === undefined ? address : { ...address, user: owner });
  const host = await connectHost(options);
  let app: string;
  try {
    const existing = (await host.applications()).find((application) => application.source === source);
    app = (existing ?? (await host.run({ name: nameFor(address), source }))).name;
  } finally {
    await host.close();
  }
  const client = await connect({ ...options, app, right: 'read' });
  try {
    const mirror = await client.mirror();
    return {
      get memory() {
        return mirror.memory;
      },
      get spectra() {
        return mirror.spectra;
      },
      kind: 'mirror',
      get isMirroring() {
        return mirror.isMirroring;
      },
      unmap: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Name of a SpecTcl's application; a host may run several SpecTcls. */
function nameFor({ host, rest, user }: AddressOf<'spectcl'>): string {
  const name = `spectcl-${host}-${rest}${user === undefined ? '' : `-${user}`}`;
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, NAME_CHARACTERS_MAX);
}

function hasServiceName({ rest, mirror }: AddressOf<'spectcl'>): boolean {
  return typeof rest === 'string' || typeof mirror === 'string';
}

function userOf({ user }: AddressOf<'spectcl'>): string {
  if (user !== undefined) return user;
  try {
    return userInfo().username;
  } catch (error) {
    throw mirrorFailure('MIRROR_CANTGETUSERNAME', error);
  }
}

function portOf(
  host: string,
  service: number | string,
  user: string | undefined,
  mirrorError: MirrorError,
): Promise<number> {
  if (typeof service === 'number') return Promise.resolve(service);
  return withMirrorError(mirrorError, lookUpService(host, service, user, { timeoutMs: REST_TIMEOUT_MS }));
}

function isThisHost(host: string): boolean {
  let own: string;
  try {
    own = hostname();
  } catch (error) {
    throw mirrorFailure('MIRROR_CANTGETHOSTNAME', error);
  }
  const name = host.toLowerCase();
  if (['localhost', own.toLowerCase(), own.toLowerCase().split('.', 1)[0]].includes(name)) return true;
  if (name.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === name));
}

async function withMirrorError<T>(mirrorError: MirrorError, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw mirrorFailure(mirrorError, error);
  }
}

function mirrorFailure(mirrorError: MirrorError, error: unknown): MirrorflowError {
  const facts = { mirrorError, mirrorCode: MIRROR_ERRORS[mirrorError] };
  const [code, causeFacts] = isMirrorflowError(error)
    ? [error.code, error.facts]
    : (['SYSTEM_ERROR', {}] as const);
  return new MirrorflowError(
    code,
    `${mirrorError}: ${describeError(error)}`,
    { ...causeFacts, ...facts },
    error,
  );
}
