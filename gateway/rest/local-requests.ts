/**
 * The REST requests that the gateway answers itself, from the mirror where possible.
 *
 * `rest-service.ts` looks a handler up by the path after `/spectcl/`; requests without a handler go
 * to SpecTcl. Reads the mirror's header and, through `SourceRest`, SpecTcl.
 */
import { hostname } from 'node:os';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { globMatcher } from '../../protocol/spectcl/glob.js';
import type { MirrorDirectory } from '../mirror-directory.js';
import type { DecodedHeader } from '../mirror-source.js';
import { bindingDetail, spectrumDetail, statisticsDetail } from './from-header.js';
import type { SourceRest } from './source-rest.js';

const MEGABYTE = 1024 * 1024;
/** Limit of cached lists. */
const LISTS_MAX = 64;

export interface LocalRequestsOptions {
  readonly header: () => Promise<DecodedHeader>;
  /** Path of the image. */
  readonly imagePath: () => Promise<string | undefined>;
  readonly source: SourceRest;
  readonly directory: MirrorDirectory;
  /** Key of this host's shared memory, if it has one. */
  readonly memoryKey: () => string | undefined;
  readonly ports: () => { readonly restPort: number; readonly mirrorPort: number };
}

export interface RequestContext {
  readonly query: (name: string) => string | undefined;
  /** Whether the request comes from this host. */
  readonly local: boolean;
}

/** Returns the detail of the answer; an error becomes an error answer. */
type Handler = (request: RequestContext) => Promise<unknown>;

export class LocalRequests {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly #options: LocalRequestsOptions;
  /** SpecTcl's numbers of spectra by name, for one version of the header. */
  #ids: { readonly version: string; readonly byName: ReadonlyMap<string, number> } | undefined;
  /** Lists by request and pattern, each with the object that it was made from. */
  readonly #lists = new Map<string, { readonly source: object; readonly list: readonly unknown[] }>();
  /** Last answers of the source, used while it is unreachable. */
  readonly #last = new Map<string, unknown>();

  constructor(options: LocalRequestsOptions) {
    this.#options = options;
    this.handlers = new Map<string, Handler>([
      ['version', () => this.#fromSource('version')],
      ['shmem/key', () => this.#memoryKey()],
      ['shmem/size', async () => String((await options.header()).channelBytes)],
      ['shmem/variables', () => this.#variables()],
      ['mirror', async ({ query, local }) => this.#mirrors(query('pattern'), local)],
      ['mirror/list', ({ query, local }) => this.#mirrorList(query('clients'), local)],
      ['spectrum/list', ({ query }) => this.#spectra(query('filter'))],
      ['sbind/list', ({ query }) => this.#bindings(query('pattern'))],
      ['specstats', ({ query }) => this.#statistics(query('pattern'))],
    ]);
  }

  /** The source's answer, or its last one while it is unreachable. */
  async #fromSource(request: string): Promise<unknown> {
    try {
      const detail = await this.#options.source.detail(`/spectcl/${request}`);
      this.#last.set(request, detail);
      return detail;
    } catch (error) {
      const last = this.#last.get(request);
      if (last === undefined || isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
      return last;
    }
  }

  async #memoryKey(): Promise<string> {
    const key = this.#options.memoryKey();
    if (key !== undefined) return key;
    const path = await this.#options.imagePath();
    return `file:${path ?? ''}`;
  }

  /** SpecTcl's variables with the gateway's ports, to which programs connect next. */
  async #variables(): Promise<unknown> {
    try {
      const variables = await this.#fromSource('shmem/variables');
      if (typeof variables !== 'object' || variables === null) return variables;
      const { restPort, mirrorPort } = this.#options.ports();
      return {
        ...variables,
        ...('HTTPDPort' in variables ? { HTTPDPort: String(restPort) } : {}),
        ...('MirrorPort' in variables ? { MirrorPort: String(mirrorPort) } : {}),
      };
    } catch (error) {
      if (isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
      const { channelBytes } = await this.#options.header();
      return { DisplayMegabytes: String(channelBytes / MEGABYTE) };
    }
  }

  /**
   * This host's shared memory under the host's name, for viewers that look for a mirror of their
   * host, and under `localhost` for viewers on this host only.
   */
  #ownMirrors(local: boolean): { readonly host: string; readonly shmkey: string }[] {
    const shmkey = this.#options.memoryKey();
    if (shmkey === undefined) return [];
    const names = local ? [hostname(), 'localhost'] : [hostname()];
    return [...new Set(names)].map((host) => ({ host, shmkey }));
  }

  #mirrors(pattern: string | undefined, local: boolean) {
    const all = [...this.#ownMirrors(local), ...this.#options.directory.list()];
    const isSelected = globMatcher(pattern ?? '*');
    return all.filter(({ host }) => isSelected(host));
  }

  async #mirrorList(clients: string | undefined, local: boolean) {
    const { channelBytes } = await this.#options.header();
    return this.#mirrors(clients, local).map(({ host, shmkey }) => ({
      name: shmkey,
      size: channelBytes / MEGABYTE,
      client: host,
    }));
  }

  async #spectra(filter = '*'): Promise<readonly unknown[]> {
    let all: unknown;
    try {
      all = await this.#fromSource('spectrum/list?filter=*');
    } catch (error) {
      if (isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
      const header = await this.#options.header();
      all = this.#list('spectra', header, () => header.bindings.map(spectrumDetail));
    }
    if (!Array.isArray(all)) return [];
    const spectra = all as unknown[];
    const isSelected = globMatcher(filter);
    return this.#list(`spectra ${filter}`, spectra, () =>
      spectra.filter((spectrum) => {
        const name = nameOf(spectrum);
        return name !== undefined && isSelected(name);
      }),
    );
  }

  async #bindings(pattern = '*'): Promise<readonly unknown[]> {
    const header = await this.#options.header();
    const ids = await this.#idsOf(header);
    const isSelected = globMatcher(pattern);
    return this.#list(`bindings ${header.version} ${pattern}`, ids, () =>
      header.bindings
        .filter(({ name }) => isSelected(name))
        .map((binding) => bindingDetail(binding, ids.get(binding.name))),
    );
  }

  async #statistics(pattern = '*'): Promise<readonly unknown[]> {
    const header = await this.#options.header();
    const isSelected = globMatcher(pattern);
    return this.#list(`statistics ${pattern}`, header, () =>
      header.bindings.filter(({ name }) => isSelected(name)).map(statisticsDetail),
    );
  }

  /** The cached list of that name if it was made from the same object, else a new one. */
  #list(name: string, source: object, make: () => readonly unknown[]): readonly unknown[] {
    const cached = this.#lists.get(name);
    if (cached?.source === source) return cached.list;
    const list = make();
    this.#lists.delete(name);
    this.#lists.set(name, { source, list });
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= LISTS_MAX) break;
      this.#lists.delete(oldest);
    }
    return list;
  }

  /** SpecTcl's numbers of its spectra, which a header lacks; requested once per header. */
  async #idsOf({ version }: DecodedHeader): Promise<ReadonlyMap<string, number>> {
    if (this.#ids?.version === version) return this.#ids.byName;
    try {
      const entries = await this.#options.source.detail('/spectcl/sbind/list?pattern=*');
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

function nameOf(entry: unknown): string | undefined {
  const name = typeof entry === 'object' && entry !== null ? (entry as { name?: unknown }).name : undefined;
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined;
}
