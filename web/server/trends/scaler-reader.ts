/**
 * The newest values of scalers: numbers in flows of JSON records that programs write, such as
 * `{"beam": 123456}`. `TrendSampler` reads one per application. Opens the flows, lossy, so that no
 * provider is ever held back, and closes those that no trend needs.
 */
import type { InputFlow } from '../../../client-lib/index.js';
import type { Logger } from '../../../protocol/base/log.js';
import type { TrendSource } from '../../wire/trends.js';
import type { AppLink } from '../app-link.js';
import { RateMeter } from './rate-meter.js';

type ScalerSource = TrendSource & { readonly kind: 'scaler' };

interface OpenFlow {
  input: InputFlow | undefined;
  opening: boolean;
  /** When the last attempt to open it began; `nowMs` of `rate`. */
  triedMs: number;
  record: { readonly value: unknown; readonly publishedMs: number } | undefined;
  /** By field. */
  readonly meters: Map<string, RateMeter>;
}

/** Time between two attempts to open a flow that does not exist yet. */
const RETRY_MS = 5_000;

export class ScalerReader {
  /** A link of its own: the link of the pages is replaced whenever a mirror cannot be attached. */
  readonly #link: AppLink;
  readonly #log: Logger;
  readonly #flows = new Map<string, OpenFlow>();
  #releaseLink: (() => void) | undefined;
  #closed = false;

  constructor(link: AppLink, log: Logger) {
    this.#link = link;
    this.#log = log;
  }

  /** Increase per second; undefined without a record, or where it has no such number. */
  rate({ flow, field }: ScalerSource, nowMs: number): number | undefined {
    const open = this.#open(flow, nowMs);
    this.#readNewest(open);
    const sum = open.record === undefined ? undefined : numberAt(open.record.value, field);
    let meter = open.meters.get(field);
    if (meter === undefined) open.meters.set(field, (meter = new RateMeter()));
    if (sum !== undefined && open.record !== undefined && open.input !== undefined)
      return meter.measure({ sum, publishedMs: open.record.publishedMs, nowMs });
    meter.reset();
    return undefined;
  }

  /** Closes the flows that are not among these. */
  keepOnly(flows: ReadonlySet<string>): void {
    for (const [name, { input }] of this.#flows) {
      if (flows.has(name)) continue;
      this.#flows.delete(name);
      void input?.close();
    }
    if (this.#flows.size > 0) return;
    this.#releaseLink?.();
    this.#releaseLink = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.keepOnly(new Set());
    await this.#link.close();
  }

  #open(flow: string, nowMs: number): OpenFlow {
    let open = this.#flows.get(flow);
    if (open === undefined) {
      open = { input: undefined, opening: false, triedMs: -Infinity, record: undefined, meters: new Map() };
      this.#flows.set(flow, open);
    }
    if (open.input?.ended === true) {
      void open.input.close();
      open.input = undefined;
      open.record = undefined;
    }
    if (open.input === undefined && !open.opening && nowMs - open.triedMs >= RETRY_MS) {
      open.triedMs = nowMs;
      void this.#tryOpen(flow, open);
    }
    return open;
  }

  async #tryOpen(flow: string, open: OpenFlow): Promise<void> {
    open.opening = true;
    try {
      this.#releaseLink ??= this.#link.keepOpen();
      const client = await this.#link.client();
      const input = await client.openInput(flow, {
        type: 'json',
        delivery: 'lossy',
        start: 'newest',
        inline: true,
      });
      if (this.#closed || this.#flows.get(flow) !== open) return void input.close();
      open.input = input;
    } catch (error) {
      this.#log.debug('cannot open the flow of a scaler', { flow, error });
      // The client may be that of an application that has ended; the next attempt has a new one.
      const isInUse = [...this.#flows.values()].some(({ input }) => input !== undefined);
      if (!isInUse) await this.#link.close();
    } finally {
      open.opening = false;
    }
  }

  #readNewest(open: OpenFlow): void {
    const buffers = open.input?.takeAll() ?? [];
    const newest = buffers.at(-1);
    if (newest !== undefined) {
      try {
        const text = Buffer.from(newest.data).toString('utf8');
        // Copied, and only then known to be whole: an inline flow is read in place.
        if (newest.stillValid())
          open.record = { value: JSON.parse(text), publishedMs: newest.timestampNs / 1e6 };
      } catch {
        // Not a record; the next one may be.
      }
    }
    for (const buffer of buffers) buffer.release();
  }
}

/** The number at a place such as `target.rate` in a record. */
function numberAt(record: unknown, field: string): number | undefined {
  let value = record;
  for (const name of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
