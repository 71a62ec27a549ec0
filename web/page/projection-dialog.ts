/**
 * The dialog that projects a map within one of SpecTcl's gates or within a contour. Corners are in
 * channels of the axes, typed or drawn; those of the first region are there to begin with.
 * `dialogs.ts` exports it. Adds a dialog to the document until it is closed, and a plot to the
 * board.
 */
import { toChannel, xAxis, yAxis } from '../view/axis.js';
import { gatesOn } from '../view/gates-on.js';
import { parseContour, type ProjectedPart } from '../view/projected-part.js';
import type { PlotSpec } from '../view/plot-spec.js';
import type { GatePoint } from '../wire/changes.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import { labelled, openDialog } from './dialog.js';
import { element, selectBox, setText } from './dom.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

const CONTOUR = '';

/** `drawn`: corners to begin with. */
export function showProjectionDialog(plot: PlotHandle, actions: PlotActions, drawn?: string): void {
  const { info, spec } = plot;
  if (info === undefined) return;
  const gates = gatesOn(info, undefined, plot.gateShapes);
  let gate = drawn === undefined ? (gates[0]?.name ?? CONTOUR) : CONTOUR;
  const corners = element('textarea', { rows: '3', spellcheck: 'false' }, drawn ?? regionText(spec));
  const cornersField = labelled('Corners: x,y x,y …', corners);
  const note = element('p', { class: 'hint', role: 'status' });
  const draw = element('button', { type: 'button' }, 'Draw it on the plot');
  const showContour = (): void => {
    for (const one of [cornersField, draw]) one.hidden = gate !== CONTOUR;
  };
  showContour();
  const within = selectBox(
    'Within',
    [...gates.map(({ name }) => [name, `Gate ${name}`] as const), [CONTOUR, 'A contour'] as const],
    gate,
    (chosen) => {
      gate = chosen;
      showContour();
    },
  );
  const project = (event: Event, projection: 'x' | 'y'): void => {
    const part = gate === CONTOUR ? contourOf(corners.value) : { gate };
    if (part !== undefined) return actions.add([projectionOf(spec, projection, part)]);
    event.preventDefault();
    setText(note, 'A contour has at least 3 and at most 64 corners, each with x and y in channels.');
  };
  const dialog = openDialog(
    `Project ${spec.spectra.join(', ')}`,
    [labelled('Within', within), cornersField, draw, note],
    [],
    'Cancel',
  );
  draw.addEventListener('click', () => {
    dialog.close();
    plot.gates.beginContour((points) => showProjectionDialog(plot, actions, cornersText(points, info)));
  });
  dialog
    .querySelector('form')
    ?.prepend(
      element('button', { class: 'primary', onclick: (event: Event) => project(event, 'x') }, 'Onto x'),
      ' ',
      element('button', { class: 'primary', onclick: (event: Event) => project(event, 'y') }, 'Onto y'),
      ' ',
    );
}

function contourOf(text: string): ProjectedPart | undefined {
  const contour = parseContour(text);
  return contour === undefined ? undefined : { contour };
}

/** All channels of the axis: those of the map may be others. */
function projectionOf(spec: PlotSpec, projection: 'x' | 'y', within: ProjectedPart): PlotSpec {
  const part = projection === 'x' ? spec.x : spec.y;
  const { look } = spec;
  return {
    ...spec,
    projection,
    within,
    band: undefined,
    x: part,
    y: undefined,
    regions: [],
    scale: undefined,
    // Limits of a map are not those of a sum.
    look: { ...look, low: undefined, high: undefined, threshold: undefined },
  };
}

/** In channels, from units of the axes. */
function cornersText(points: readonly GatePoint[], info: SpectrumInfo): string {
  const [x, y] = [xAxis(info), yAxis(info)];
  const corner = (point: GatePoint): string =>
    `${toChannel(x, point.x).toFixed(1)},${toChannel(y, point.y).toFixed(1)}`;
  return points.map(corner).join(' ');
}

/** The corners of the first region, as a contour to change. */
function regionText({ regions }: PlotSpec): string {
  const [region] = regions;
  if (region?.y === undefined) return '';
  const { x, y } = region;
  return `${x[0]},${y[0]} ${x[1]},${y[0]} ${x[1]},${y[1]} ${x[0]},${y[1]}`;
}
