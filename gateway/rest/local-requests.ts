/**
 * The REST requests that the gateway answers itself, from the mirror where possible.
 *
 * `rest-service.ts` looks a handler up by the path after `/spectcl/`; requests without a handler,
 * or whose handler returns undefined, go to SpecTcl. Reads the mirror's header and channels, the
 * mirror directory and, through `LastAnswers`, SpecTcl; begins and ends traces; caches lists.
 */
import { hostname } from 'node:os';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import { bindings, type Binding } from '../../protocol/spectcl/display-memory.js';
import { globMatcher } from '../../protocol/spectcl/glob.js';
import type { MirrorDirectory, MirrorEntry, Peer } from '../mirror-directory.js';
import type { DecodedHeader } from '../mirror-source.js';
import type { Lease } from '../publications.js';
import { success, type Answer } from './answer.js';
import { contentsAnswer } from './contents.js';
import { bindingDetail, spectrumDetail, statisticsDetail } from './from-header.js';
import type { LastAnswers } from './last-answers.js';
import type { Changes, Traces } from './traces.js';

const MEGABYTE = 1024 * 1024;
/** Limits of cached lists. */
const LISTS_MAX = 64;
const LISTS_BYTES_MAX = 16 * MEGABYTE;
/** Longer retentions are cut to this: SpecTcl keeps all changes for that time. */
const RETENTION_MAX_S = 3_600;
/** Answers with contents that are made at the same time; further requests wait. */
const CONTENTS_AT_ONCE = 2;

export interface LocalRequestsOptions {
  readonly header: () => Promise<DecodedHeader>;
  /** Path of the image. */
  readonly imagePath: () => Promise<string | undefined>;
  /** The newest publication; rejects when there is no mirror. */
  readonly newest: () => Promise<Lease>;
  readonly source: LastAnswers;
  /** When SpecTcl stopped answering; undefined while it answers. */
  readonly unreachableSince: () => Date | undefined;
  readonly traces: Traces;
  readonly directory: MirrorDirectory;
  /** Key of this host's shared memory, if it has one. */
  readonly memoryKey: () => string | undefined;
  readonly ports: () => { readonly restPort: number; readonly mirrorPort: number };
}

export interface RequestContext {
  readonly query: (name: string) => string | undefined;
  /** The program that asks. */
  readonly peer: Peer;
}

/** Undefined: SpecTcl has to answer. An error becomes an error answer. */
type Handler = (request: RequestContext) => Promise<Answer | undefined>;

/** Makes a handler of a function that returns the detail of the answer. */
function withDetail(detail: (request: RequestContext) => unknown): Handler {
  return async (request) => success(await detail(request));
}

export class LocalRequests {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly #options: LocalRequestsOptions;
  /** SpecTcl's numbers of spectra by name, for one version of the header. */
  #ids: { readonly version: string; readonly byName: ReadonlyMap<string, number> } | undefined;
  /** Lists by request and pattern, each with the object that it was made from. */
  readonly #lists = new Map<string, { readonly madeFrom: WeakRef<object>; readonly answer: Answer }>();
  #listsBytes = 0;
  #contentsInProgress = 0;
  readonly #waitingForContents: (() => void)[] = [];

  constructor(options: LocalRequestsOptions) {
    this.#options = options;
    this.handlers = new Map<string, Handler>([
      ['version', withDetail(() => options.source.detail('/spectcl/version'))],
      ['shmem/key', withDetail(() => this.#memoryKey())],
      ['shmem/size', withDetail(async () => String((await options.header()).channelBytes))],
      ['shmem/variables', withDetail(() => this.#variables())],
      ['mirror', withDetail(({ query, peer }) => this.#mirrors(query('pattern'), peer))],
      ['mirror/list', withDetail(({ query }) => this.#mirrorList(query('clients')))],
      ['spectrum/list', ({ query }) => this.#spectra(query('filter'))],
      ['spectrum/contents', (request) => this.#contents(request)],
      ['sbind/list', ({ query }) => this.#bindings(query('pattern'))],
      ['specstats', ({ query }) => this.#statistics(query('pattern'))],
      ['trace/establish', withDetail(({ query, peer }) => this.#establishTrace(query('retention'), peer))],
      ['trace/fetch', withDetail(({ query, peer }) => this.#fetchTrace(query('token'), peer))],
      ['trace/done', withDetail(({ query }) => this.#endTrace(query('token')))],
    ]);
  }

  async #memoryKey(): Promise<string> {
    const key = this.#options.memoryKey();
    if (key !== undefined) return key;
    const path = await this.#options.imagePath();
    return `file:${path ?? ''}`;
  }

  /**
   * SpecTcl's variables with the gateway's ports, to which programs connect next. A variable that
   * SpecTcl does not have says when it stopped answering.
   */
  async #variables(): Promise<unknown> {
    const state = (): object => {
      const since = this.#options.unreachableSince();
      return since === undefined ? {} : { MirrorflowSource: `unreachable since ${since.toISOString()}` };
    };
    try {
      const variables = await this.#options.source.detail('/spectcl/shmem/variables', { hurry: true });
      if (typeof variables !== 'object' || variables === null) return variables;
      const { restPort, mirrorPort } = this.#options.ports();
      return {
        ...variables,
        ...('HTTPDPort' in variables ? { HTTPDPort: String(restPort) } : {}),
        ...('MirrorPort' in variables ? { MirrorPort: String(mirrorPort) } : {}),
        ...state(),
      };
    } catch (error) {
      if (isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
      const { channelBytes } = await this.#options.header();
      return { DisplayMegabytes: String(channelBytes / MEGABYTE), ...state() };
    }
  }

  /**
   * The mirrors that a viewer may attach. Viewers take the first entry whatever host it names, so
   * the asker's own comes first, and without one the list is empty: the viewer then mirrors by
   * itself. The shared memory of this host is listed to programs of this host only. A request with
   * a pattern asks for information and gets the other hosts in any case.
   */
  #mirrors(pattern: string | undefined, asker: Peer): MirrorEntry[] {
    const shmkey = this.#options.memoryKey();
    const shared =
      shmkey === undefined || !asker.local
        ? []
        : [...new Set([hostname(), 'localhost'])].map((host) => ({ host, shmkey, peer: asker }));
    const all = [...shared, ...this.#options.directory.list()];
    const own = all.filter(({ peer }) => peer.host === asker.host);
    if (pattern === undefined && own.length === 0) return [];
    const isSelected = peerMatcher(pattern ?? '*');
    return [...own, ...all.filter((entry) => !own.includes(entry))]
      .filter(({ host, peer }) => isSelected(host, peer))
      .map(({ host, shmkey }) => ({ host, shmkey }));
  }

  /** Each live mirror once: this host's own, and the clients with or without a memory key. */
  async #mirrorList(clients = '*') {
    const { channelBytes } = await this.#options.header();
    const own = {
      peer: { host: hostname(), address: '127.0.0.1', local: true },
      shmkey: await this.#memoryKey(),
    };
    const isSelected = peerMatcher(clients);
    return [own, ...this.#options.directory.clients()]
      .filter(({ peer }) => isSelected(peer.host, peer))
      .map(({ peer, shmkey }) => ({ name: shmkey ?? '', size: channelBytes / MEGABYTE, client: peer.host }));
  }

  async #spectra(filter = '*'): Promise<Answer> {
    const isSelected = globMatcher(filter);
    try {
      const { source } = this.#options;
      const path = '/spectcl/spectrum/list?filter=*';
      const complete = await source.get(path, { hurry: true });
      // The list of 10,000 spectra takes a good part of a second to parse and to write again.
      if (filter === '*' && source.isSuccess(complete)) return complete;
      const detail = source.detailOf(path, complete);
      const spectra: readonly unknown[] = Array.isArray(detail) ? (detail as unknown[]) : [];
      return this.#list(`spectra ${filter}`, spectra, () =>
        spectra.filter((spectrum) => {
          const name = nameOf(spectrum);
          return name !== undefined && isSelected(name);
        }),
      );
    } catch (error) {
      if (isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
      const header = await this.#options.header();
      return this.#list(`spectra ${filter}`, header, () =>
        header.bindings.filter(({ name }) => isSelected(name)).map(spectrumDetail),
      );
    }
  }

  async #bindings(pattern = '*'): Promise<Answer> {
    const header = await this.#options.header();
    const ids = await this.#idsOf(header);
    const isSelected = globMatcher(pattern);
    return this.#list(`bindings ${header.version} ${pattern}`, ids, () =>
      inOrderOf(ids, header)
        .filter(({ name }) => isSelected(name))
        .map((binding) => bindingDetail(binding, ids.get(binding.name))),
    );
  }

  async #statistics(pattern = '*'): Promise<Answer> {
    const header = await this.#options.header();
    const ids = await this.#idsOf(header);
    const isSelected = globMatcher(pattern);
    return this.#list(`statistics ${pattern}`, header, () =>
      inOrderOf(ids, header)
        .filter(({ name }) => isSelected(name))
        .map(statisticsDetail),
    );
  }

  /** Channels from the mirror; undefined for a spectrum that is not bound. */
  async #contents({ query }: RequestContext): Promise<Answer | undefined> {
    if (this.#contentsInProgress >= CONTENTS_AT_ONCE) {
      await new Promise<void>((resolve) => this.#waitingForContents.push(resolve));
    } else this.#contentsInProgress += 1;
    const lease = await this.#options.newest().catch(() => undefined);
    try {
      const name = query('name');
      const binding =
        lease === undefined ? undefined : bindings(lease.memory).find((candidate) => candidate.name === name);
      if (lease === undefined || binding === undefined) return undefined;
      return await contentsAnswer(lease.memory, binding, (query('compress') ?? '1') !== '0');
    } finally {
      lease?.release();
      const next = this.#waitingForContents.shift();
      if (next === undefined) this.#contentsInProgress -= 1;
      else next();
    }
  }

  async #establishTrace(retention: string | undefined, { host }: Peer): Promise<number> {
    const retentionS = Number(retention);
    if (!(retentionS > 0)) {
      const status = `retention is ${JSON.stringify(retention)}; it must be a number of seconds`;
      throw new MirrorflowError('BAD_OPTION', status);
    }
    return this.#options.traces.establish(Math.min(retentionS, RETENTION_MAX_S), host);
  }

  async #fetchTrace(token: string | undefined, { host }: Peer): Promise<Changes> {
    const changes = await this.#options.traces.fetch(Number(token ?? NaN), host);
    if (changes === undefined) throw invalidToken();
    return changes;
  }

  #endTrace(token: string | undefined): undefined {
    if (!this.#options.traces.done(Number(token ?? NaN))) throw invalidToken();
  }

  /** The cached list of that name if it was made from the same object, else a new one. */
  #list(name: string, madeFrom: object, make: () => readonly unknown[]): Answer {
    const cached = this.#lists.get(name);
    if (cached?.madeFrom.deref() === madeFrom) return cached.answer;
    const answer = success(make());
    this.#forgetList(name);
    this.#lists.set(name, { madeFrom: new WeakRef(madeFrom), answer });
    this.#listsBytes += answer.body.byteLength;
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= LISTS_MAX && this.#listsBytes <= LISTS_BYTES_MAX) break;
      this.#forgetList(oldest);
    }
    return answer;
  }

  #forgetList(name: string): void {
    this.#listsBytes -= this.#lists.get(name)?.answer.body.byteLength ?? 0;
    this.#lists.delete(name);
  }

  /** SpecTcl's numbers of its spectra, which a header lacks; requested once per header. */
  async #idsOf({ version }: DecodedHeader): Promise<ReadonlyMap<string, number>> {
    if (this.#ids?.version === version) return this.#ids.byName;
    try {
      const entries = await this.#options.source.detail('/spectcl/sbind/list?pattern=*', {
        hurry: true,
      });
      const byName = new Map<string, number>();
      for (const entry of Array.isArray(entries) ? (entries as unknown[]) : []) {
        const name = nameOf(entry);
        const id = Number((entry as { spectrumid?: unknown }).spectrumid);
        if (name !== undefined && Number.isSafeInteger(id)) byName.set(name, id);
      }
      this.#ids = { version, byName };
      return byName;
    } catch {
      return this.#ids?.byName ?? new Map();
    }
  }
}

/** SpecTcl's error. */
function invalidToken(): MirrorflowError {
  const status = 'Invalid trace token';
  return new MirrorflowError('SOURCE_REFUSED', status, { status });
}

/** SpecTcl lists spectra in an order of its own; those that its list lacks come last, by slot. */
function inOrderOf(ids: ReadonlyMap<string, number>, { bindings: all }: DecodedHeader): readonly Binding[] {
  const positions = new Map([...ids.keys()].map((name, position) => [name, position]));
  const position = ({ name }: Binding): number => positions.get(name) ?? Infinity;
  return all.toSorted((one, other) => {
    const [first, second] = [position(one), position(other)];
    return first === second ? one.slot - other.slot : first - second;
  });
}

/** Matches the name, the address, or for this machine any of its names. */
function peerMatcher(pattern: string): (host: string, peer: Peer) => boolean {
  const isSelected = globMatcher(pattern);
  return (host, { address, local }) => {
    const names = local ? [host, address, 'localhost', '127.0.0.1', hostname()] : [host, address];
    return names.some(isSelected);
  };
}

function nameOf(entry: unknown): string | undefined {
  const name = typeof entry === 'object' && entry !== null ? (entry as { name?: unknown }).name : undefined;
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined;
}
