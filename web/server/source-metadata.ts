/**
 * What only the REST service of a source knows: parameters, bins, gates. Asked for seldom, and
 * again when the list of spectra changes; without an answer everything else goes on.
 */
import { EventEmitter } from 'eventemitter3';
import { parseAddress } from '../../protocol/base/address.js';
import type { Logger } from '../../protocol/base/log.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest, type SpecTclGate, type SpecTclSpectrum } from '../../protocol/spectcl/rest-client.js';
import type { GateShape } from '../wire/messages.js';

interface FactsEvents {
  changed: [];
}

const LOOK_MS = 10_000;
const REQUEST_TIMEOUT_MS = 3_000;
const POINTS_MAX = 10_000;

export class SourceMetadata extends EventEmitter<FactsEvents> {
  readonly #log: Logger;
  #source: string | undefined;
  #rest: SpecTclRest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  #spectra = new Map<string, SpecTclSpectrum>();
  #text = '';
  gates: readonly GateShape[] = [];
  /** Grows when anything here changes. */
  revision = 0;

  constructor(log: Logger) {
    super();
    this.#log = log;
  }

  spectrum(name: string): SpecTclSpectrum | undefined {
    return this.#spectra.get(name);
  }

  /** Asks now and then from now on. Nothing happens for a source that is no SpecTcl. */
  start(source: string | undefined): void {
    if (source !== this.#source) this.stop();
    this.#source = source;
    if (source?.startsWith('spectcl:') !== true) return;
    this.#timer ??= setInterval(() => this.refresh(), LOOK_MS);
    this.refresh();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#rest?.close();
    this.#rest = undefined;
  }

  refresh(): void {
    if (this.#asking || this.#timer === undefined) return;
    this.#asking = true;
    void this.#ask().finally(() => {
      this.#asking = false;
    });
  }

  async #ask(): Promise<void> {
    try {
      this.#rest ??= await connectRest(this.#source ?? '');
      const [spectra, gates] = await Promise.all([this.#rest.spectra(), this.#rest.gates()]);
      const text = JSON.stringify([spectra, gates]);
      if (text === this.#text) return;
      this.#text = text;
      this.#spectra = new Map(spectra.map((spectrum) => [spectrum.name, spectrum]));
      this.gates = gates.flatMap(gateShape);
      this.revision += 1;
      this.emit('changed');
    } catch (error) {
      this.#log.debug('the REST service does not tell gates', { source: this.#source, error });
      // The next look finds the ports again, which may have moved.
      this.#rest?.close();
      this.#rest = undefined;
    }
  }
}

async function connectRest(source: string): Promise<SpecTclRest> {
  const { host, rest, user } = parseAddress(source, { schemes: ['spectcl'] });
  const port =
    typeof rest === 'number'
      ? rest
      : await lookUpService(host, rest, user, { timeoutMs: REQUEST_TIMEOUT_MS });
  return new SpecTclRest({ host, port }, { timeoutMs: REQUEST_TIMEOUT_MS });
}

/** SpecTcl's letters: s slice, c contour, b band; all others have no shape of their own to draw. */
const SHAPES = { s: 'slice', c: 'contour', b: 'band' } as const;

export function gateShape({ name, type, fields }: SpecTclGate): GateShape[] {
  const shape = type === 's' || type === 'c' || type === 'b' ? SHAPES[type] : undefined;
  if (shape === undefined) return [];
  const parameters = listOf(fields['parameters']).flatMap((parameter) => {
    const named: unknown = isFields(parameter) ? parameter['name'] : parameter;
    return typeof named === 'string' ? [named] : [];
  });
  const points = listOf(fields['points']).flatMap((point) => {
    if (!isFields(point)) return [];
    const [x, y] = [Number(point['x']), Number(point['y'])];
    return Number.isFinite(x) && Number.isFinite(y) ? [{ x, y }] : [];
  });
  const [low, high] = [Number(fields['low'] ?? 0), Number(fields['high'] ?? 0)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [];
  return [{ name, shape, parameters, low, high, points: points.slice(0, POINTS_MAX) }];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
