/**
 * The spectra of one plot, each with its subscription and its newest frame; while the page is
 * paused the newest waits.
 */
import type { Frame } from '../wire/frame.js';
import type { SubscriptionHandle, Subscriptions, SubscriptionRequest } from './subscriptions.js';

export interface Layer {
  readonly name: string;
  readonly handle: SubscriptionHandle;
  frame: Frame | undefined;
  /** What came while the page was paused. */
  waiting: Frame | undefined;
  missing: boolean;
}

export interface LayerEvents {
  /** A frame came. False: it shall wait, and the one that is shown stays. */
  accepts(shown: Frame): boolean;
  /** `first`: there was none of this spectrum before. */
  changed(first: boolean): void;
}

export class PlotLayers {
  readonly #subscriptions: Subscriptions;
  readonly #events: LayerEvents;
  #layers: readonly Layer[] = [];

  constructor(subscriptions: Subscriptions, events: LayerEvents) {
    this.#subscriptions = subscriptions;
    this.#events = events;
  }

  get all(): readonly Layer[] {
    return this.#layers;
  }

  get first(): Layer | undefined {
    return this.#layers[0];
  }

  get frames(): readonly { readonly name: string; readonly frame: Frame }[] {
    return this.#layers.flatMap(({ name, frame }) => (frame === undefined ? [] : [{ name, frame }]));
  }

  get missing(): readonly string[] {
    return this.#layers.filter(({ missing }) => missing).map(({ name }) => name);
  }

  has(names: readonly string[]): boolean {
    return names.join('\n') === this.#layers.map(({ name }) => name).join('\n');
  }

  /** Spectra that were shown before keep what they have. */
  show(names: readonly string[]): void {
    const old = this.#layers;
    this.#layers = names.map((name) => old.find((layer) => layer.name === name) ?? this.#open(name));
    for (const layer of old) if (!this.#layers.includes(layer)) this.#subscriptions.close(layer.handle);
  }

  /** What is wanted of each from now on; undefined while the plot is out of sight. */
  setRequests(wishOf: (name: string) => SubscriptionRequest | undefined): void {
    for (const { name, handle } of this.#layers) handle.setRequest(wishOf(name));
  }

  clearFrames(): void {
    for (const layer of this.#layers) layer.frame = undefined;
  }

  /** The page goes on: what came meanwhile is shown. */
  resume(): void {
    for (const layer of this.#layers) {
      if (layer.waiting !== undefined) layer.frame = layer.waiting;
      layer.waiting = undefined;
    }
  }

  /** What is drawn may be followed by the next. */
  acknowledge(): void {
    for (const { handle } of this.#layers) handle.acknowledge();
  }

  close(): void {
    for (const { handle } of this.#layers) this.#subscriptions.close(handle);
  }

  #open(name: string): Layer {
    const layer: Layer = {
      name,
      frame: undefined,
      waiting: undefined,
      missing: false,
      handle: this.#subscriptions.open({
        frame: (frame) => this.#came(layer, frame),
        missing: () => {
          layer.missing = true;
          layer.frame = undefined;
          this.#events.changed(false);
        },
      }),
    };
    return layer;
  }

  #came(layer: Layer, frame: Frame): void {
    if (layer.frame !== undefined && !this.#events.accepts(layer.frame)) {
      layer.waiting = frame;
      return;
    }
    const first = layer.frame === undefined;
    layer.frame = frame;
    layer.waiting = undefined;
    layer.missing = false;
    this.#events.changed(first);
  }
}
