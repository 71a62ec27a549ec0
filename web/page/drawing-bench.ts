/**
 * The browser's half of the benchmark `page-peers` (`bench/page-peers.ts`, which bundles and loads
 * it): draws the same counts with a plot of the page, with JSROOT and with uPlot, first into an
 * empty element and then again with other counts. Each function resolves with the milliseconds by
 * the clock until the browser has had an animation frame with the picture.
 */
import { defaultPlot } from '../view/plot-spec.js';
import { savedFrame } from '../view/saved-frame.js';
import type { SavedSpectrum } from '../../plotting/files/saved-spectrum.js';
import { DrawLoop } from './draw-loop.js';
import { Fits } from './fits.js';
import { histogramOf, type Jsroot, type RootHistogram } from './jsroot-histogram.js';
import { GateChanges } from './gate-changes.js';
import { Moments } from './moments.js';
import { Notices } from './notices.js';
import { PageState } from './page-state.js';
import { Plot } from './plot.js';
import { Subscriptions } from './subscriptions.js';
import { Travel } from './travel.js';

/** What is used of JSROOT besides. */
interface RedrawingJsroot extends Jsroot {
  redraw(place: string, histogram: RootHistogram, options: string): Promise<unknown>;
}

/** What is used of uPlot. */
interface UPlot {
  setData(data: readonly ArrayLike<number>[]): void;
}

interface UPlotConstructor {
  new (options: object, data: readonly ArrayLike<number>[], place: HTMLElement): UPlot;
  readonly paths: { stepped(options: object): unknown };
}

interface Drawing {
  /** Draws counts; the first into an empty element. */
  draw(spectrum: SavedSpectrum): Promise<void>;
}

type Kind = 'histogram' | 'map';

const CHANNELS = { histogram: 4_096, map: 1_024 } as const;
/** Size of the pictures, in CSS pixels. */
const SIZE = { width: 1_200, height: 800 };
/** The plot's is the first view that its page opens. */
const FIRST_VIEW = 1;

/** Peaks on a falling background; the map has one peak in the middle. Each turn has more counts. */
function counted(kind: Kind, turn: number): SavedSpectrum {
  const channels = CHANNELS[kind];
  const x = { label: 'energy', low: 0, high: channels, channels };
  const base = { name: kind, x, atMs: turn + 1 };
  let random = 1;
  const noise = (): number => (random = (random * 16_807) % 2_147_483_647) / 2_147_483_647;
  if (kind === 'histogram') {
    const counts = Float64Array.from({ length: channels }, (_, channel) => {
      const peak = 5_000 * Math.exp(-(((channel % 512) - 256) ** 2) / 50);
      return Math.round((turn + 1) * (1_000 * Math.exp(-channel / 1_000) + peak) + 30 * noise());
    });
    return { ...base, type: '1D long', counts };
  }
  const counts = new Float64Array(channels * channels);
  for (let row = 0; row < channels; row += 1) {
    for (let column = 0; column < channels; column += 1) {
      const distance = ((row - 512) ** 2 + (column - 512) ** 2) / 40_000;
      counts[row * channels + column] = Math.round((turn + 1) * 1_000 * Math.exp(-distance) + 10 * noise());
    }
  }
  return { ...base, type: '2D long', y: x, counts };
}

function place(): HTMLElement {
  const created = document.createElement('div');
  created.id = 'place';
  created.style.cssText = `display:grid;width:${SIZE.width}px;height:${SIZE.height}px`;
  document.body.replaceChildren(created);
  return created;
}

function ours(kind: Kind): Drawing {
  const subscriptions = new Subscriptions(() => undefined);
  const state = new PageState();
  state.connected = true;
  const notices = new Notices();
  const services = {
    state,
    subscriptions,
    loop: new DrawLoop(),
    fits: new Fits(),
    notices,
    travel: new Travel(state, subscriptions, { send: () => undefined, moved: () => undefined }),
    moments: new Moments(() => undefined),
    showLayouts: () => undefined,
    showTrends: () => undefined,
    gateChanges: new GateChanges(state, notices),
  };
  const ignore = (): void => undefined;
  let plot: Plot | undefined;
  return {
    draw: async (spectrum) => {
      const { head, values } = savedFrame(spectrum, kind);
      const content = { values, head: { ...head, sequence: spectrum.atMs } };
      if (plot === undefined) {
        subscriptions.saved.add(kind, content);
        plot = new Plot(defaultPlot(kind), services, {
          changed: ignore,
          remove: ignore,
          move: ignore,
          add: ignore,
          share: ignore,
        });
        place().append(plot.element);
      } else {
        subscriptions.frame({ id: FIRST_VIEW, ...content });
      }
      while (plot.element.dataset['sequence'] !== String(spectrum.atMs)) await animationFrame();
    },
  };
}

function jsroot(kind: Kind): Drawing {
  place();
  const { JSROOT } = globalThis as unknown as { JSROOT: RedrawingJsroot };
  const options = kind === 'map' ? 'colz' : 'hist';
  return {
    draw: async (spectrum) => {
      // The first call draws.
      await JSROOT.redraw('place', histogramOf(JSROOT, spectrum), options);
    },
  };
}

function uplot(): Drawing {
  const { uPlot: uPlotClass } = globalThis as unknown as { uPlot: UPlotConstructor };
  const container = place();
  let drawn: UPlot | undefined;
  return {
    draw: ({ counts, x }) => {
      const data = [Float64Array.from({ length: x.channels }, (_, channel) => channel), counts];
      const paths = uPlotClass.paths.stepped({ align: 1 });
      const series = [{}, { stroke: '#0b7468', paths, points: { show: false } }];
      if (drawn === undefined)
        drawn = new uPlotClass({ ...SIZE, scales: { x: { time: false } }, series }, data, container);
      else drawn.setData(data);
      return Promise.resolve();
    },
  };
}

function animationFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      // After the browser's own work of this frame.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve();
      port2.postMessage(undefined);
    });
  });
}

const DRAWINGS = { ours, jsroot, uplot } as const;
let current: Drawing | undefined;
let next: SavedSpectrum | undefined;

/** Makes the counts of a turn, which is not measured; turn 0 begins a new drawing. */
function prepareTurn(name: keyof typeof DRAWINGS, kind: Kind, turn: number): void {
  if (turn === 0) current = DRAWINGS[name](kind);
  next = counted(kind, turn);
}

async function drawTurn(): Promise<number> {
  if (current === undefined || next === undefined) throw new Error('prepareTurn was not called');
  const startMs = performance.now();
  await current.draw(next);
  await animationFrame();
  return performance.now() - startMs;
}

Object.assign(globalThis, { prepareTurn, drawTurn });
