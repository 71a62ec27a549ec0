/**
 * SpecTcl's gates on one plot: their figures in the table, and the one that the user draws, by
 * pointer and keys. `Plot` creates it and calls it with each drawing; input reaches it through
 * `PlotHandle.gates`. Changes gates only through `GateChanges`.
 */
import { formatAxisValue } from '../../plotting/ticks.js';
import { channelWidth, toChannel, toUnits, xAxis, yAxis } from '../view/axis.js';
import { gateCells } from '../view/gate-cells.js';
import {
  draftOf,
  missingPart,
  movedPoint,
  newDraft,
  pointNear,
  selectNext,
  shapeOf,
  withoutPoint,
  withPoint,
  type GateDraft,
  type PixelSize,
} from '../view/gate-draft.js';
import { gatesOn, parametersOf } from '../view/gates-on.js';
import { isSpecTclName, type GatePoint } from '../wire/changes.js';
import type { GateShape } from '../wire/messages.js';
import { drawGate, drawGatePoint, type MarkArea } from './draw-marks.js';
import type { GateChanges } from './gate-changes.js';
import { GateTable, type GateBar } from './gate-table.js';
import type { MenuItem } from './menu.js';
import { channelToX, channelToY } from './plot-area.js';
import type { ChannelPoint, DrawnShape, PlotHandle } from './plot-interface.js';
import { showRename } from './rename-dialog.js';
import { currentPalette } from './theme.js';

const TYPES = { slice: 's', band: 'b', contour: 'c' } as const;
/** Distance from a point within which it is dragged. */
const GRIP_PX = 8;

export class PlotGates {
  readonly element: HTMLElement;
  readonly #plot: PlotHandle;
  readonly #changes: GateChanges;
  readonly #table: GateTable;
  #draft: GateDraft | undefined;
  /** The spectrum for which the draft was begun. */
  #spectrum = '';
  #dragged: number | undefined;
  /** The draft before the drag. */
  #beforeDrag: GateDraft | undefined;

  /** `figuresWanted`: whether the figures are needed has changed. */
  constructor(plot: PlotHandle, changes: GateChanges, figuresWanted: () => void) {
    this.#plot = plot;
    this.#changes = changes;
    this.#table = new GateTable({
      toggled: figuresWanted,
      menuOf: (name) => this.#menuOf(name),
      named: (name) => this.#change((draft) => ({ ...draft, name })),
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
    return this.#draft !== undefined;
  }

  /** The gates as they are drawn; the one that is being changed is drawn by `draw`. */
  get shown(): readonly GateShape[] {
    const { gates } = this.#changes;
    const draft = this.#draft;
    return draft?.isEdit === true ? gates.filter(({ name }) => name !== draft.name) : gates;
  }

  begin(shape: DrawnShape): void {
    const { info, spec } = this.#plot;
    if (info === undefined || !this.#mayChange()) return;
    const parameters = parametersOf(info, spec.projection).map((parameter) => parameter ?? '');
    this.#start(newDraft(TYPES[shape], parameters, this.#freeName()));
  }

  cancel(): void {
    this.#draft = undefined;
    this.#dragged = undefined;
    // The form loses the focus with its elements.
    if (this.element.contains(document.activeElement)) this.#plot.element.focus();
    this.#plot.redraw();
  }

  /** Grips the point at a place, removes it, or adds one there. */
  down(at: ChannelPoint, removes: boolean): void {
    const [point, pixel] = [this.#unitsOf(at), this.#pixelSize()];
    const draft = this.#draft;
    if (point === undefined || pixel === undefined || draft === undefined) return;
    const near = pointNear(draft, point, pixel, GRIP_PX);
    this.#beforeDrag = draft;
    if (removes) {
      if (near !== undefined) this.#change((drawn) => withoutPoint(drawn, near));
      return;
    }
    if (near === undefined) this.#change((drawn) => withPoint(drawn, point, pixel));
    else this.#change((drawn) => ({ ...drawn, selected: near }));
    this.#dragged = this.#draft?.selected;
  }

  move(at: ChannelPoint): void {
    const point = this.#unitsOf(at);
    const index = this.#dragged;
    if (point === undefined || index === undefined) return;
    this.#change((draft) => movedPoint(draft, index, point));
    // A limit or a point of a band that passes another one gets its place.
    this.#dragged = this.#draft?.selected;
  }

  up(): void {
    this.#dragged = undefined;
  }

  /** Ends a drag without its effect. */
  cancelDrag(): void {
    this.#dragged = undefined;
    const before = this.#beforeDrag;
    if (before !== undefined) this.#change(() => before);
  }

  /** Returns false for a key that has no function while a gate is drawn. */
  handleKey(key: string): boolean {
    const draft = this.#draft;
    if (draft === undefined) return false;
    switch (key.length === 1 ? key.toLowerCase() : key) {
      case 'Enter':
      case ' ':
        this.#addAtCursor();
        return true;
      case 'm':
        this.#moveToCursor(draft);
        return true;
      case 'g':
        this.#change(selectNext);
        return true;
      case 'Delete':
      case 'Backspace':
        this.#change((drawn) => withoutPoint(drawn, drawn.selected));
        return true;
      case 's':
        void this.#send();
        return true;
      case 'Escape':
        this.cancel();
        return true;
      default:
        return false;
    }
  }

  /** Updates the table from the newest frame. */
  update(): void {
    const { info, spec } = this.#plot;
    if (this.#draft !== undefined && spec.spectra[0] !== this.#spectrum) this.#draft = undefined;
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
    const { axes } = this.#plot;
    const draft = this.#draft;
    if (axes === undefined || draft === undefined || draft.points.length === 0) return;
    const palette = currentPalette();
    const { area, x, y } = markArea;
    drawGate(context, markArea, shapeOf(draft), axes, true, palette);
    draft.points.forEach((point, index) => {
      const left = channelToX(area, x, toChannel(axes.x, point.x));
      const top =
        y === undefined ? area.top + area.height / 2 : channelToY(area, y, toChannel(axes.y, point.y));
      drawGatePoint(context, left, top, index === draft.selected, palette);
    });
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

  #start(draft: GateDraft): void {
    this.#draft = draft;
    this.#spectrum = this.#plot.spec.spectra[0] ?? '';
    this.#plot.element.focus({ preventScroll: true });
    this.#plot.redraw();
  }

  #change(change: (draft: GateDraft) => GateDraft): void {
    if (this.#draft === undefined) return;
    this.#draft = change(this.#draft);
    this.#plot.redraw();
  }

  async #send(): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined) return;
    const missing = missingPart(draft);
    if (missing !== undefined) return this.#plot.notices.show(`The gate needs ${missing}.`);
    if (!isSpecTclName(draft.name))
      return this.#plot.notices.show('The name of a gate has no braces, quotes or backslashes.');
    if (!draft.isEdit && this.#changes.gates.some(({ name }) => name === draft.name))
      return this.#plot.notices.show(`There is a gate ${draft.name} already: choose another name.`);
    this.#table.open();
    this.cancel();
    // What SpecTcl refuses can be corrected.
    if (!(await this.#changes.edit(shapeOf(draft))) && this.#draft === undefined) this.#start(draft);
  }

  #addAtCursor(): void {
    const { cursor } = this.#plot.pointing;
    if (cursor === undefined) return this.#plot.notices.show('Move the cursor first: ← or → on the plot.');
    const [point, pixel] = [this.#unitsOf(cursor), this.#pixelSize()];
    if (point !== undefined && pixel !== undefined) this.#change((draft) => withPoint(draft, point, pixel));
  }

  #moveToCursor({ selected }: GateDraft): void {
    const { cursor } = this.#plot.pointing;
    const point = cursor === undefined ? undefined : this.#unitsOf(cursor);
    if (point !== undefined && selected >= 0) this.#change((draft) => movedPoint(draft, selected, point));
  }

  #limitsTyped(low: string, high: string): boolean {
    const [from, to] = [low, high].map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
    if (from === undefined || to === undefined || !Number.isFinite(from) || !Number.isFinite(to))
      return false;
    const points = [from, to].sort((one, other) => one - other).map((x) => ({ x, y: 0 }));
    this.#change((draft) => ({ ...draft, points, selected: 1 }));
    return true;
  }

  #bar(): GateBar | undefined {
    const draft = this.#draft;
    if (draft === undefined) return undefined;
    const missing = missingPart(draft);
    const shape = shapeOf(draft);
    const width = this.#plot.axes === undefined ? 1 : channelWidth(this.#plot.axes.x);
    const text = (at: number): string => {
      const point = draft.points[at];
      return point === undefined ? '' : formatAxisValue(point.x, width / 2).replaceAll(',', '');
    };
    return {
      title: `${draft.isEdit ? 'Change' : 'New'} ${shape.shape}`,
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

  #unitsOf({ x, y }: ChannelPoint): GatePoint | undefined {
    const { axes, isOneDimensional } = this.#plot;
    if (axes === undefined) return undefined;
    return { x: toUnits(axes.x, x), y: isOneDimensional ? 0 : toUnits(axes.y, y) };
  }

  #pixelSize(): PixelSize | undefined {
    const { axes, ranges, area } = this.#plot;
    if (axes === undefined || ranges === undefined || area === undefined) return undefined;
    return {
      x: (channelWidth(axes.x) * (ranges.x[1] - ranges.x[0])) / area.width,
      y: (channelWidth(axes.y) * (ranges.y[1] - ranges.y[0])) / area.height,
    };
  }
}
