/**
 * The spectra of one plot, each with its subscription and its newest frame (the message with the
 * counts of one view of a spectrum). `Plot` draws them. While the page is paused the newest frame
 * waits behind the one that is shown. Sends requests through `Subscriptions`; draws nothing.
 */
import type { Frame } from '../wire/frame.js';
import type { SubscriptionHandle, SubscriptionRequest, Subscriptions } from './subscriptions.js';

export interface Layer {
  readonly name: string;
  readonly handle: SubscriptionHandle;
  /** The frame that is shown. */
  frame: Frame | undefined;
  /** The newest frame that arrived while the page was paused. */
  waiting: Frame | undefined;
  /** The spectrum does not exist at the source. */
  missing: boolean;
  /** Why it is missing, where the recording has the reason. */
  reason: string | undefined;
}

export interface LayerEvents {
  /** Whether a frame that arrives may replace the one that is shown. */
  accepts(shown: Frame): boolean;
  /** `isFirst`: the layer had no frame before. */
  changed(isFirst: boolean): void;
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

  /** Why a moment of the recording cannot be shown. */
  get problem(): string | undefined {
    return this.#layers.find(({ missing, reason }) => missing && reason !== undefined)?.reason;
  }

  /** Whether the layers are these spectra in this order. */
  has(names: readonly string[]): boolean {
    return names.join('\n') === this.#layers.map(({ name }) => name).join('\n');
  }

  /** Replaces the spectra; those in both lists keep their frames. */
  show(names: readonly string[]): void {
    const previous = this.#layers;
    this.#layers = names.map((name) => previous.find((layer) => layer.name === name) ?? this.#open(name));
    for (const layer of previous) if (!this.#layers.includes(layer)) this.#subscriptions.close(layer.handle);
  }

  /** Changes the subscriptions; undefined while the plot is not visible. */
  setRequests(requestOf: (name: string) => SubscriptionRequest | undefined): void {
    for (const { name, handle } of this.#layers) handle.setRequest(requestOf(name));
  }

  clearFrames(): void {
    for (const layer of this.#layers) layer.frame = undefined;
  }

  /** Shows the frames that arrived while the page was paused. */
  resume(): void {
    for (const layer of this.#layers) {
      if (layer.waiting !== undefined) layer.frame = layer.waiting;
      layer.waiting = undefined;
    }
  }

  /** The frames are drawn: the server may send the next ones. */
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
      reason: undefined,
      handle: this.#subscriptions.open({
        frame: (frame) => this.#received(layer, frame),
        missing: (reason) => {
          layer.missing = true;
          layer.reason = reason;
          layer.frame = undefined;
          this.#events.changed(false);
        },
      }),
    };
    return layer;
  }

  #received(layer: Layer, frame: Frame): void {
    if (layer.frame !== undefined && !this.#events.accepts(layer.frame)) {
      layer.waiting = frame;
      return;
    }
    const isFirst = layer.frame === undefined;
    layer.frame = frame;
    layer.waiting = undefined;
    layer.missing = false;
    this.#events.changed(isFirst);
  }
}
