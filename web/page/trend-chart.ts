/**
 * The plot of trends over time, drawn by uPlot: a line for each trend with the extremes behind it,
 * its thresholds and the limits of its alarms as dashed lines. `trend-plot.ts` creates it. Draws
 * within the element that is passed in.
 */
/*! Contains uPlot: Copyright (c) Leon Sorokin, MIT License, github.com/leeoniya/uPlot */
import uPlot from 'uplot';
import { valueText } from '../view/alarm-text.js';
import { momentText } from '../view/moment.js';
import { tickText, timeText, trendColumns, verticalRange } from '../view/trend-table.js';
import type { TrendHistory } from '../wire/trends.js';
import type { Palette } from './theme.js';

export interface ChartTrend {
  readonly name: string;
  readonly history: TrendHistory;
  /** Values of dashed lines. */
  readonly lines: readonly number[];
  /** Whether the axis has zero. */
  readonly isRate: boolean;
}

const HEIGHT_PX = 300;
/** Mean, lowest and highest. */
const SERIES_PER_TREND = 3;

export class TrendChart {
  readonly #element: HTMLElement;
  readonly #palette: Palette;
  #plot: uPlot | undefined;
  #trends: readonly ChartTrend[] = [];
  readonly #resizes: ResizeObserver;

  constructor(element: HTMLElement, palette: Palette) {
    this.#element = element;
    this.#palette = palette;
    this.#resizes = new ResizeObserver(() => this.#resize());
    this.#resizes.observe(element);
  }

  /** Draws these; `fromMs` to `toMs` is the whole axis, also where nothing was measured. */
  show(trends: readonly ChartTrend[], fromMs: number, toMs: number): void {
    const sameNames =
      trends.map(({ name }) => name).join('\n') === this.#trends.map(({ name }) => name).join('\n');
    this.#trends = trends;
    const data = tableOf(trends);
    if (!sameNames || this.#plot === undefined) {
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#options(), data, this.#element);
    } else this.#plot.setData(data, false);
    this.#plot.setScale('x', { min: fromMs / 1_000, max: toMs / 1_000 });
  }

  close(): void {
    this.#resizes.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #resize(): void {
    const width = this.#element.clientWidth;
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT_PX });
  }

  #options(): uPlot.Options {
    const { ink, line, series } = this.#palette;
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const colourOf = (index: number): string => series[index % series.length] ?? ink;
    return {
      width: Math.max(200, this.#element.clientWidth),
      height: HEIGHT_PX,
      scales: { x: { time: true }, y: { range: () => this.#range() } },
      axes: [
        { ...axis, values: (_plot, splits, _axis, _space, stepS) => splits.map((at) => timeText(at, stepS)) },
        { ...axis, size: 70, values: (_plot, splits) => splits.map((value) => tickText(value)) },
      ],
      series: [
        { label: 'Time', value: (_plot, at: number | null) => (at === null ? '–' : momentText(at * 1_000)) },
        ...this.#trends.flatMap(({ name }, index): uPlot.Series[] => [
          {
            label: name,
            stroke: colourOf(index),
            width: 1.5,
            points: { show: false },
            value: (_plot, value: number | null) => valueText(value ?? undefined),
          },
          ...['lowest', 'highest'].map((which) => ({
            label: `${name}, ${which}`,
            width: 0,
            points: { show: false },
            value: (_plot: uPlot, value: number | null) => valueText(value ?? undefined),
          })),
        ]),
      ],
      bands: this.#trends.map((_, index) => {
        const low = index * SERIES_PER_TREND + 2;
        return { series: [low + 1, low], fill: `color-mix(in srgb, ${colourOf(index)} 22%, transparent)` };
      }),
      hooks: { draw: [(plot) => this.#drawLines(plot, colourOf)] },
    };
  }

  #range(): [number, number] {
    const values = this.#trends.flatMap(({ history: { low, high } }) =>
      [...low, ...high].filter((value): value is number => value !== null),
    );
    return verticalRange(
      values,
      this.#trends.flatMap(({ lines }) => lines),
      this.#trends.some(({ isRate }) => isRate),
    );
  }

  #drawLines(plot: uPlot, colourOf: (index: number) => string): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    this.#trends.forEach(({ lines }, index) => {
      ctx.strokeStyle = colourOf(index);
      for (const value of lines) {
        const y = Math.round(plot.valToPos(value, 'y', true));
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
    });
    ctx.restore();
  }
}

function tableOf(trends: readonly ChartTrend[]): uPlot.AlignedData {
  const tables = trends.map(({ history }): uPlot.AlignedData => {
    const { times, mean, low, high } = trendColumns(history);
    return [times, mean, low, high];
  });
  return tables.length === 0 ? [[]] : uPlot.join(tables);
}
