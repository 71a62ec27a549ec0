/**
 * SpecTcl's gates on one plot: their figures in the table, and what can be done with them; drawing
 * one is in `gate-drawing.ts`. `Plot` creates it and calls it with each drawing; input reaches it
 * through `PlotHandle.gates`. Changes gates only through `GateChanges`.
 */
import { formatAxisValue } from '../../plotting/ticks.js';
import { channelWidth, xAxis, yAxis } from '../view/axis.js';
import { gateCells } from '../view/gate-cells.js';
import { draftOf, missingPart, newDraft, shapeOf, type GateDraft } from '../view/gate-draft.js';
import { gatesOn, parametersOf } from '../view/gates-on.js';
import { isSpecTclName, type GatePoint } from '../wire/changes.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { MarkArea } from './draw-marks.js';
import type { GateChanges } from './gate-changes.js';
import { GateDrawing } from './gate-drawing.js';
import { GateTable, type GateBar } from './gate-table.js';
import type { MenuItem } from './menu.js';
import type { ChannelPoint, DrawnShape, PlotHandle } from './plot-interface.js';
import { showRename } from './rename-dialog.js';

const TYPES = { slice: 's', band: 'b', contour: 'c' } as const;

export class PlotGates {
  readonly element: HTMLElement;
  readonly #plot: PlotHandle;
  readonly #changes: GateChanges;
  readonly #table: GateTable;
  readonly #drawing: GateDrawing;
  /** Takes the corners of a contour that is not for SpecTcl. */
  #use: ((points: readonly GatePoint[]) => void) | undefined;
  /** The spectrum for which the draft was begun. */
  #spectrum = '';

  /** `figuresWanted`: whether the figures are needed has changed. */
  constructor(plot: PlotHandle, changes: GateChanges, figuresWanted: () => void) {
    this.#plot = plot;
    this.#changes = changes;
    this.#drawing = new GateDrawing(plot);
    this.#table = new GateTable({
      toggled: figuresWanted,
      menuOf: (name) => this.#menuOf(name),
      named: (name) => this.#drawing.change((draft) => ({ ...draft, name })),
      limitsTyped: (low, high) => this.#limitsTyped(low, high),
      send: () => void this.#send(),
      cancel: () => this.cancel(),
      undo: () => void changes.undo(),
    });
    this.element = this.#table.element;
  }

  /** Whether the frames of the plot have the figures inside gates. */
  get wantsFigures(): boolean {
    return this.#table.isOpen && this.#onPlot().length > 0;
  }

  get isDrawing(): boolean {
    return this.#drawing.draft !== undefined;
  }

  /** The gates as they are drawn; the one that is being changed is drawn by `draw`. */
  get shown(): readonly GateShape[] {
    const { gates } = this.#changes;
    const draft = this.#drawing.draft;
    return draft?.isEdit === true ? gates.filter(({ name }) => name !== draft.name) : gates;
  }

  /** Draws a contour that stays on this page; `use` receives its corners, in units of the axes. */
  beginContour(use: (points: readonly GatePoint[]) => void): void {
    const { info, spec } = this.#plot;
    if (info === undefined) return;
    const parameters = parametersOf(info, spec.projection).map((parameter) => parameter ?? '');
    this.#start(newDraft('c', parameters, 'contour'), use);
  }

  begin(shape: DrawnShape): void {
    const { info, spec } = this.#plot;
    if (info === undefined || !this.#mayChange()) return;
    const parameters = parametersOf(info, spec.projection).map((parameter) => parameter ?? '');
    this.#start(newDraft(TYPES[shape], parameters, this.#freeName()));
  }

  cancel(): void {
    this.#use = undefined;
    this.#drawing.stop();
    // The form loses the focus with its elements.
    if (this.element.contains(document.activeElement)) this.#plot.element.focus();
  }

  down(at: ChannelPoint, removes: boolean): void {
    this.#drawing.down(at, removes);
  }

  move(at: ChannelPoint): void {
    this.#drawing.move(at);
  }

  up(): void {
    this.#drawing.up();
  }

  cancelDrag(): void {
    this.#drawing.cancelDrag();
  }

  /** Returns false for a key that has no function while a gate is drawn. */
  handleKey(key: string): boolean {
    if (!this.isDrawing) return false;
    if (key === 's' || key === 'S') void this.#send();
    else if (key === 'Escape') this.cancel();
    else return this.#drawing.handleKey(key);
    return true;
  }

  /** Updates the table from the newest frame. */
  update(): void {
    const { info, spec } = this.#plot;
    if (this.isDrawing && spec.spectra[0] !== this.#spectrum) {
      this.#drawing.stop();
      this.#use = undefined;
    }
    const answers = this.#plot.frames[0]?.frame.head.gates ?? [];
    const labels = this.#labels();
    const rows = this.#onPlot().map(({ name }) => {
      const answer = answers.find((candidate) => candidate.name === name);
      return {
        name,
        state: this.#changes.isPending(name) ? ('pending' as const) : ('listed' as const),
        applied: info?.gate === name,
        cells: answer === undefined ? undefined : gateCells(answer, labels),
      };
    });
    this.#table.update(rows, this.#bar(), this.#changes.undoable);
    this.#plot.element.dataset['drawing'] = String(this.isDrawing);
  }

  draw(context: CanvasRenderingContext2D, markArea: MarkArea): void {
    this.#drawing.draw(context, markArea);
  }

  #onPlot(): readonly GateShape[] {
    const { info, spec } = this.#plot;
    return info === undefined ? [] : gatesOn(info, spec.projection, this.#changes.gates);
  }

  #menuOf(name: string): readonly MenuItem[] {
    const changes = this.#changes;
    const allowed = (run: () => void) => (): void => {
      if (this.#mayChange()) run();
    };
    const spectra = this.#plot.spec.spectra.map((spectrum) => {
      const isApplied = spectrum === this.#plot.info?.name && this.#plot.info.gate === name;
      return {
        text: isApplied ? `Take it off ${spectrum}` : `Apply it to ${spectrum}`,
        run: allowed(() => void changes.apply(isApplied ? undefined : name, spectrum)),
      };
    });
    return [
      { text: 'Change its shape', run: allowed(() => this.#edit(name)) },
      ...spectra,
      { text: 'Rename …', run: allowed(() => showRename(name, (to) => void changes.rename(name, to))) },
      { text: 'Delete', run: allowed(() => void changes.remove(name)) },
    ];
  }

  #mayChange(): boolean {
    const { refusal } = this.#changes;
    if (refusal !== undefined) this.#plot.notices.show(refusal);
    return refusal === undefined;
  }

  #edit(name: string): void {
    const gate = this.#onPlot().find((shape) => shape.name === name);
    if (gate !== undefined) this.#start(draftOf(gate));
  }

  #start(draft: GateDraft, use?: (points: readonly GatePoint[]) => void): void {
    this.#use = use;
    this.#drawing.start(draft);
    this.#spectrum = this.#plot.spec.spectra[0] ?? '';
    this.#plot.element.focus({ preventScroll: true });
  }

  async #send(): Promise<void> {
    const draft = this.#drawing.draft;
    if (draft === undefined) return;
    const missing = missingPart(draft);
    if (missing !== undefined) return this.#plot.notices.show(`The gate needs ${missing}.`);
    const use = this.#use;
    if (use !== undefined) {
      this.cancel();
      return use(draft.points);
    }
    if (!isSpecTclName(draft.name))
      return this.#plot.notices.show('The name of a gate has no braces, quotes or backslashes.');
    if (!draft.isEdit && this.#changes.gates.some(({ name }) => name === draft.name))
      return this.#plot.notices.show(`There is a gate ${draft.name} already: choose another name.`);
    this.#table.open();
    this.cancel();
    // What SpecTcl refuses can be corrected.
    if (!(await this.#changes.edit(shapeOf(draft))) && !this.isDrawing) this.#start(draft);
  }

  #limitsTyped(low: string, high: string): boolean {
    const [from, to] = [low, high].map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
    if (from === undefined || to === undefined || !Number.isFinite(from) || !Number.isFinite(to))
      return false;
    const points = [from, to].sort((one, other) => one - other).map((x) => ({ x, y: 0 }));
    this.#drawing.change((draft) => ({ ...draft, points, selected: 1 }));
    return true;
  }

  #bar(): GateBar | undefined {
    const draft = this.#drawing.draft;
    if (draft === undefined) return undefined;
    const missing = missingPart(draft);
    const shape = shapeOf(draft);
    const width = this.#plot.axes === undefined ? 1 : channelWidth(this.#plot.axes.x);
    const text = (at: number): string => {
      const point = draft.points[at];
      return point === undefined ? '' : formatAxisValue(point.x, width / 2).replaceAll(',', '');
    };
    return {
      title: this.#use === undefined ? `${draft.isEdit ? 'Change' : 'New'} ${shape.shape}` : 'Contour',
      isForPage: this.#use !== undefined,
      name: draft.name,
      isNameFixed: draft.isEdit,
      limits: shape.shape === 'slice' ? [text(0), text(1)] : undefined,
      hint:
        missing === undefined ? 'Shift-click removes a point.' : `Click on the plot: it needs ${missing}.`,
      canSend: missing === undefined,
    };
  }

  /** The first of gate1, gate2, … that SpecTcl does not have. */
  #freeName(): string {
    const names = new Set(this.#changes.gates.map(({ name }) => name));
    let number = 1;
    while (names.has(`gate${number}`)) number += 1;
    return `gate${number}`;
  }

  #labels(): readonly string[] {
    const { info, spec, isOneDimensional } = this.#plot;
    if (info === undefined) return [];
    const x = spec.projection === 'y' ? yAxis(info) : xAxis(info);
    return isOneDimensional ? [x.label] : [x.label, yAxis(info).label];
  }
}
