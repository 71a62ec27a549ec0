/**
 * SpecTcl's own way to get at a display memory, `getSpecTclMemory(host, rest, mirror, user)`: the
 * same arguments, the same order of attempts and the same error cases by name. A SpecTcl on this
 * host gives its own memory; any other is mirrored, once for all who ask.
 */
import { hostname, networkInterfaces, userInfo } from 'node:os';
import { formatAddress, parseAddress, type AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { openImage } from '../../protocol/flow/flow-file/image.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../../protocol/spectcl/display-memory.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { parseMemoryKey } from '../../protocol/spectcl/sysv/memory-key.js';
import { attachSegment } from '../../protocol/spectcl/sysv/segment.js';
import { connect } from './connect.js';
import { connectHost } from './host-connection.js';
import type { LocateOptions } from './locate.js';
import { SpectraView } from '../mirror/spectra.js';

/**
 * The error cases of SpecTcl's function with its numbers; every error of ours carries one as
 * `facts.mirrorError`.
 */
export const MIRROR_ERRORS = {
  MIRROR_SUCCESS: 0,
  /** The REST service is not advertised in that host. */
  MIRROR_NORESTSVC: 1,
  /** The mirror service is not advertised in that host. */
  MIRROR_NOMIRRORSVC: 2,
  MIRROR_CANTGETUSERNAME: 3,
  MIRROR_CANTGETSIZE: 4,
  MIRROR_CANTGETMIRRORS: 5,
  MIRROR_SETUPFAILED: 6,
  MIRROR_CANTGETHOSTNAME: 7,
} as const;

export type MirrorError = keyof typeof MIRROR_ERRORS;

export interface SpecTclMemory {
  /** Display header and channel storage, always the newest; read-only. Valid until `unmap`. */
  readonly memory: Buffer;
  /** Spectra by name over it. */
  readonly spectra: SpectraView;
  /** `own`: SpecTcl's own memory on this host; `mirror`: one that mirrorflow keeps. */
  readonly kind: 'own' | 'mirror';
  /** Whether what is seen is up to date; SpecTcl's own memory always is while it runs. */
  readonly isMirroring: boolean;
  /** Gives the memory up. Idempotent. */
  unmap(): Promise<void>;
}

const REST_TIMEOUT_MS = 2_000;
const NAME_CHARACTERS_MAX = 64;

/**
 * @param host where SpecTcl runs
 * @param rest its REST service: a port, or the name under which it is advertised there
 * @param mirror its mirror service, likewise
 * @param user who runs SpecTcl, for services by name; this process's user when left out
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
  const owner = named(address) ? userOf(address) : undefined;
  const [restPort] = await Promise.all([
    portOf(address.host, address.rest, owner, 'MIRROR_NORESTSVC'),
    portOf(address.host, address.mirror, owner, 'MIRROR_NOMIRRORSVC'),
  ]);
  const service = new SpecTclRest({ host: address.host, port: restPort }, { timeoutMs: REST_TIMEOUT_MS });
  try {
    const channelBytes = await failing('MIRROR_CANTGETSIZE', service.shmemSize());
    await failing('MIRROR_CANTGETMIRRORS', service.mirrors());
    if (isThisHost(address.host)) {
      const own = await ownMemory(service, channelBytes);
      if (own !== undefined) return own;
    }
  } finally {
    service.close();
  }
  return failing('MIRROR_SETUPFAILED', mirrored(address, owner, options));
}

/**
 * The memory of a SpecTcl on this host, by its key. Undefined where it cannot be had (another
 * user's, another IPC namespace, no library) or is not its: under a container's key this host may
 * have something else.
 */
async function ownMemory(service: SpecTclRest, channelBytes: number): Promise<SpecTclMemory | undefined> {
  try {
    const key = parseMemoryKey(await service.shmemKey());
    const bytes = DISPLAY_HEADER_BYTES + channelBytes;
    const attached = attachOwn(key, bytes);
    if (attached === undefined) return undefined;
    const memory = attached.memory.subarray(0, bytes);
    const there = (await service.bindings()).map(({ binding, name }) => `${binding} ${name}`);
    const here = new Set(bindings(memory).map(({ slot, name }) => `${slot} ${name}`));
    if (memory.byteLength < bytes || here.size !== there.length || !there.every((one) => here.has(one))) {
      attached.detach();
      return undefined;
    }
    let open = true;
    return {
      memory,
      spectra: new SpectraView(memory),
      kind: 'own',
      get isMirroring() {
        return open;
      },
      unmap() {
        if (open) attached.detach();
        open = false;
        return Promise.resolve();
      },
    };
  } catch (error) {
    if (isMirrorflowError(error)) return undefined;
    throw error;
  }
}

function attachOwn(
  key: ReturnType<typeof parseMemoryKey>,
  bytes: number,
): { readonly memory: Buffer; readonly detach: () => void } | undefined {
  switch (key?.kind) {
    case 'sysv':
      return attachSegment(key.key, bytes, 'read');
    case 'file':
      return { memory: openImage(key.path), detach: () => undefined };
    case 'posix':
      return { memory: openImage(`/dev/shm/${key.name.replace(/^\//, '')}`), detach: () => undefined };
    case undefined:
      return undefined;
  }
}

/** The mirror of an application that has this very source, or of a new one. */
async function mirrored(
  address: AddressOf<'spectcl'>,
  owner: string | undefined,
  options: LocateOptions,
): Promise<SpecTclMemory> {
  const source = formatAddress(owner === undefined ? address : { ...address, user: owner });
  const host = await connectHost(options);
  let app: string;
  try {
    const known = (await host.applications()).find((application) => application.source === source);
    app = (known ?? (await host.run({ name: nameFor(address), source }))).name;
  } finally {
    await host.close();
  }
  const client = await connect({ ...options, app });
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

/** An application of its own for each SpecTcl: a host may run several. */
function nameFor({ host, rest, user }: AddressOf<'spectcl'>): string {
  const plain = `spectcl-${host}-${rest}${user === undefined ? '' : `-${user}`}`;
  return plain.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, NAME_CHARACTERS_MAX);
}

function named({ rest, mirror }: AddressOf<'spectcl'>): boolean {
  return typeof rest === 'string' || typeof mirror === 'string';
}

function userOf({ user }: AddressOf<'spectcl'>): string {
  if (user !== undefined) return user;
  try {
    return userInfo().username;
  } catch (error) {
    throw failed('MIRROR_CANTGETUSERNAME', error);
  }
}

function portOf(
  host: string,
  service: number | string,
  user: string | undefined,
  otherwise: MirrorError,
): Promise<number> {
  if (typeof service === 'number') return Promise.resolve(service);
  return failing(otherwise, lookUpService(host, service, user, { timeoutMs: REST_TIMEOUT_MS }));
}

function isThisHost(host: string): boolean {
  let own: string;
  try {
    own = hostname();
  } catch (error) {
    throw failed('MIRROR_CANTGETHOSTNAME', error);
  }
  const wanted = host.toLowerCase();
  if (['localhost', own.toLowerCase(), own.toLowerCase().split('.', 1)[0]].includes(wanted)) return true;
  if (wanted.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === wanted));
}

async function failing<T>(mirrorError: MirrorError, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failed(mirrorError, error);
  }
}

function failed(mirrorError: MirrorError, error: unknown): MirrorflowError {
  const facts = { mirrorError, mirrorCode: MIRROR_ERRORS[mirrorError] };
  const [code, before] = isMirrorflowError(error)
    ? [error.code, error.facts]
    : (['SYSTEM_ERROR', {}] as const);
  return new MirrorflowError(code, `${mirrorError}: ${describeError(error)}`, { ...before, ...facts }, error);
}
