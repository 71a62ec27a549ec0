/**
 * The requests of a page that change SpecTcl, with their checks: the body of `POST /api/change`.
 * A page writes one, `spectcl-changes.ts` of the server checks it and sends it to SpecTcl. Pure.
 *
 * The fields are those of SpecTcl's own requests, so that each change is one request to SpecTcl.
 * What a gate means (how many points, which parameters) SpecTcl decides, in its own words.
 */

export interface GatePoint {
  readonly x: number;
  readonly y: number;
}

/** A gate as `gate/edit` takes it: made when there is none of this name, else replaced. */
export interface GateEdit {
  readonly name: string;
  /** Slice, band, contour, and the three for gamma spectra, which have any number of parameters. */
  readonly type: 's' | 'b' | 'c' | 'gs' | 'gb' | 'gc';
  /** One parameter for a slice; those of x and y for `b` and `c`. */
  readonly parameters: readonly string[];
  /** Limits of `s` and `gs`, in units of the axis. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Corners of the other types, in units of the axes. */
  readonly points?: readonly GatePoint[] | undefined;
}

/** A spectrum of one axis or two, without counts. */
export interface NewSpectrum {
  readonly name: string;
  readonly axes: readonly NewAxis[];
  readonly channels: 'long' | 'word' | 'byte';
}

/** In units of the parameter. */
export interface NewAxis {
  readonly parameter: string;
  readonly low: number;
  readonly high: number;
  readonly bins: number;
}

/** A new spectrum with the counts of a map, summed onto one of its axes. */
export interface NewProjection {
  readonly source: string;
  readonly name: string;
  readonly direction: 'x' | 'y';
  /** A contour of SpecTcl within which is summed. */
  readonly contour?: string | undefined;
  /** Whether it stays as it is; otherwise SpecTcl counts into it. */
  readonly snapshot: boolean;
}

export type SpecTclChange =
  | ({ readonly request: 'gate/edit' } & GateEdit)
  /** The gate becomes one that is false for every event. */
  | { readonly request: 'gate/delete'; readonly name: string }
  | { readonly request: 'apply/apply'; readonly gate: string; readonly spectrum: string }
  /** Removes the gate of a spectrum. */
  | { readonly request: 'ungate'; readonly name: string }
  /** Sets all channels to 0: of one spectrum, or of all where none is named. */
  | { readonly request: 'spectrum/zero'; readonly spectrum?: string | undefined }
  | ({ readonly request: 'spectrum/create' } & NewSpectrum)
  | ({ readonly request: 'project' } & NewProjection);

/** A change and the application whose SpecTcl it concerns. */
export interface ChangeRequest {
  readonly app: string;
  readonly change: SpecTclChange;
}

/** The name and value pairs of a request to SpecTcl; names may be repeated. */
export type QueryPairs = readonly (readonly [name: string, value: string])[];

const GATE_TYPES: readonly GateEdit['type'][] = ['s', 'b', 'c', 'gs', 'gb', 'gc'];
/** Points of a gate, and parameters of a gamma gate. */
const GATE_POINTS_MAX = 1_000;
const PARAMETERS_MAX = 64;
/** SpecTcl's axes are shorter. */
const BINS_MAX = 2 ** 20;
/** SpecTcl's own names are shorter: 127 characters in the display memory. */
const NAME_CHARACTERS_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

/** Undefined for a change that is none, or has fields that are not valid; never throws. */
export function parseChange(value: unknown): SpecTclChange | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Fields;
  const { request, name, gate, spectrum } = fields;
  switch (request) {
    case 'gate/edit':
      return parseEdit(fields);
    case 'gate/delete':
    case 'ungate':
      return isSpecTclName(name) ? { request, name } : undefined;
    case 'apply/apply':
      return isSpecTclName(gate) && isSpecTclName(spectrum) ? { request, gate, spectrum } : undefined;
    case 'spectrum/zero':
      if (spectrum === undefined) return { request };
      return isSpecTclName(spectrum) ? { request, spectrum } : undefined;
    case 'spectrum/create':
      return parseNewSpectrum(fields);
    case 'project':
      return parseNewProjection(fields);
    default:
      return undefined;
  }
}

/** What SpecTcl's REST service takes for a change that `parseChange` has accepted. */
export function changeQuery(change: SpecTclChange): QueryPairs {
  switch (change.request) {
    case 'gate/edit':
      return editQuery(change);
    case 'gate/delete':
    case 'ungate':
      return [['name', change.name]];
    case 'apply/apply':
      return [
        ['gate', change.gate],
        ['spectrum', change.spectrum],
      ];
    case 'spectrum/zero':
      return [['pattern', change.spectrum === undefined ? '*' : literalPattern(change.spectrum)]];
    case 'spectrum/create':
      return createQuery(change);
    case 'project':
      return projectQuery(change);
    default:
      return change satisfies never;
  }
}

/** As a person reads it: "zero tof". */
export function changeText(change: SpecTclChange): string {
  switch (change.request) {
    case 'gate/edit':
      return `edit gate ${change.name}`;
    case 'gate/delete':
      return `delete gate ${change.name}`;
    case 'apply/apply':
      return `apply gate ${change.gate} to ${change.spectrum}`;
    case 'ungate':
      return `remove the gate of ${change.name}`;
    case 'spectrum/zero':
      return change.spectrum === undefined ? 'zero all spectra' : `zero ${change.spectrum}`;
    case 'spectrum/create':
      return `create spectrum ${change.name}`;
    case 'project':
      return `project ${change.source} onto ${change.direction} as ${change.name}`;
    default:
      return change satisfies never;
  }
}

/** A name of one line, which SpecTcl's lists can hold. */
export function isSpecTclName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > NAME_CHARACTERS_MAX) return false;
  return value.trim() !== '' && /^[^\p{C}{}"\\]+$/u.test(value);
}

function parseEdit({ name, type, parameters, low, high, points }: Fields): SpecTclChange | undefined {
  const known = GATE_TYPES.find((allowed) => allowed === type);
  if (known === undefined || !isSpecTclName(name) || !isList(parameters, PARAMETERS_MAX, isSpecTclName))
    return undefined;
  const edit = { request: 'gate/edit', name, type: known, parameters } as const;
  if (known === 's' || known === 'gs')
    return isFinite(low) && isFinite(high) ? { ...edit, low, high } : undefined;
  return isList(points, GATE_POINTS_MAX, isPoint) ? { ...edit, points } : undefined;
}

function editQuery({ name, type, parameters, low, high, points }: GateEdit): QueryPairs {
  const query: [string, string][] = [
    ['name', name],
    ['type', type],
  ];
  const [x, y] = parameters;
  // A plane has two axes; a gamma gate one list of parameters for all of them.
  if (type === 'b' || type === 'c') {
    if (x !== undefined) query.push(['xparameter', x]);
    if (y !== undefined) query.push(['yparameter', y]);
  } else for (const parameter of parameters) query.push(['parameter', parameter]);
  if (low !== undefined) query.push(['low', String(low)]);
  if (high !== undefined) query.push(['high', String(high)]);
  for (const [index, point] of (points ?? []).entries()) {
    query.push([`xcoord(${index})`, String(point.x)], [`ycoord(${index})`, String(point.y)]);
  }
  return query;
}

function parseNewSpectrum({ name, axes, channels }: Fields): SpecTclChange | undefined {
  const known = (['long', 'word', 'byte'] as const).find((allowed) => allowed === channels);
  if (known === undefined || !isSpecTclName(name) || !isList(axes, 2, isNewAxis)) return undefined;
  return axes.length === 0 ? undefined : { request: 'spectrum/create', name, axes, channels: known };
}

function parseNewProjection(fields: Fields): SpecTclChange | undefined {
  const { source, name, direction, contour, snapshot } = fields;
  if (!isSpecTclName(source) || !isSpecTclName(name) || typeof snapshot !== 'boolean') return undefined;
  if ((direction !== 'x' && direction !== 'y') || (contour !== undefined && !isSpecTclName(contour)))
    return undefined;
  return { request: 'project', source, name, direction, contour, snapshot };
}

function isNewAxis(value: unknown): value is NewAxis {
  if (typeof value !== 'object' || value === null) return false;
  const { parameter, low, high, bins } = value as Fields;
  const isCount = Number.isInteger(bins) && (bins as number) >= 1 && (bins as number) <= BINS_MAX;
  return isSpecTclName(parameter) && isFinite(low) && isFinite(high) && low < high && isCount;
}

/** SpecTcl's types 1 and 2 are the histograms of one and of two parameters. */
function createQuery({ name, axes, channels }: NewSpectrum): QueryPairs {
  return [
    ['name', name],
    ['type', String(axes.length)],
    ['parameters', axes.map(({ parameter }) => `{${parameter}}`).join(' ')],
    ['axes', axes.map(({ low, high, bins }) => `{${low} ${high} ${bins}}`).join(' ')],
    ['chantype', channels],
  ];
}

function projectQuery({ source, name, direction, contour, snapshot }: NewProjection): QueryPairs {
  return [
    ['snapshot', snapshot ? '1' : '0'],
    ['source', source],
    ['newname', name],
    ['direction', direction],
    ...(contour === undefined ? [] : [['contour', contour] as const]),
  ];
}

/** The pattern that matches this name only: Tcl's `string match` has wildcards. */
function literalPattern(name: string): string {
  return name.replace(/[*?[\]\\]/g, '\\$&');
}

function isList<T>(
  value: unknown,
  countMax: number,
  isItem: (item: unknown) => item is T,
): value is readonly T[] {
  return Array.isArray(value) && value.length <= countMax && value.every(isItem);
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isPoint(value: unknown): value is GatePoint {
  if (typeof value !== 'object' || value === null) return false;
  const { x, y } = value as Fields;
  return isFinite(x) && isFinite(y);
}
