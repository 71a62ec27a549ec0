/**
 * The answers of SpecTcl's REST service as types, and functions that read and check a parsed
 * answer, for rest-client.ts. Pure. A reader throws ShapeMismatch, which names the invalid place.
 * Numbers may arrive as strings of digits (the servers are written in Tcl), and empty lists may be
 * missing.
 */

export interface SpecTclVersion {
  readonly major: number;
  readonly minor: number;
  /** As sent: both "012" and 12 occur. */
  readonly editLevel: string;
  /** "Rustogramer" for Rustogramer; SpecTcl sends none. */
  readonly programName?: string;
}

export interface SpecTclMirror {
  /** The host of the mirror client. */
  readonly host: string;
  /** Memory key: four characters of a System V key, or `file:` and a path. */
  readonly shmkey: string;
}

export interface SpecTclAxis {
  /** Lower edge of the first bin, in the unit of the parameter. */
  readonly low: number;
  /** Upper edge of the last bin, in the unit of the parameter. */
  readonly high: number;
  /** Two fewer than the stored channels when the first and last channel are under- and overflow. */
  readonly bins: number;
}

export interface SpecTclSpectrum {
  readonly id?: number;
  readonly name: string;
  readonly type: string;
  /** All parameters, x before y. */
  readonly parameters: readonly string[];
  /** One for each dimension. */
  readonly axes: readonly SpecTclAxis[];
  /** Type of a channel: `long`, `word` or `byte`; empty when the server sends none. */
  readonly chantype: string;
  /** Name of the spectrum's gate, if it has one. */
  readonly gate?: string;
}

export interface SpecTclBinding {
  readonly spectrumid: number;
  readonly name: string;
  /** Slot of the display memory. */
  readonly binding: number;
}

export interface SpecTclStatistics {
  readonly name: string;
  /** Counts, one for each dimension. */
  readonly underflows: readonly number[];
  readonly overflows: readonly number[];
}

export interface SpecTclGate {
  readonly name: string;
  readonly type: string;
  /** All other fields, which depend on the gate type. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The gate that is applied to a spectrum. */
export interface SpecTclApplication {
  readonly spectrum: string;
  readonly gate: string;
}

/** The changes since the last fetch, each as a line in the server's format. */
export interface SpecTclTraces {
  readonly parameter: readonly string[];
  readonly spectrum: readonly string[];
  readonly gate: readonly string[];
  readonly binding: readonly string[];
}

/** Names the place in an answer that does not have the expected type. */
export class ShapeMismatch extends Error {
  constructor(where: string, expected: string) {
    super(`${where} is not ${expected}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

export function readVersion(detail: unknown): SpecTclVersion {
  const fields = object(detail, 'detail');
  const programName = fields['program_name'];
  return {
    major: number(fields['major'], 'major'),
    minor: number(fields['minor'], 'minor'),
    editLevel: text(fields['editlevel'], 'editlevel'),
    ...(typeof programName === 'string' ? { programName } : {}),
  };
}

export function readText(detail: unknown): string {
  return text(detail, 'detail');
}

export function readInteger(detail: unknown): number {
  return integer(detail, 'detail');
}

/** Bytes of channel storage, limited to the 32-bit sizes of mirror messages. */
export function readStorageBytes(detail: unknown): number {
  const bytes = integer(detail, 'detail');
  if (bytes < 1 || bytes > 0xffff_ffff) throw new ShapeMismatch('detail', 'a size of 1 byte to 4 GiB');
  return bytes;
}

export function readVariables(detail: unknown): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(object(detail, 'detail'))) variables[name] = textOrJson(value);
  return variables;
}

export function readMirrors(detail: unknown): SpecTclMirror[] {
  return list(detail, 'detail', (item, where) => {
    const fields = object(item, where);
    return { host: text(fields['host'], `${where}.host`), shmkey: text(fields['shmkey'], `${where}.shmkey`) };
  });
}

export function readSpectra(detail: unknown): SpecTclSpectrum[] {
  return list(detail, 'detail', (item, where) => {
    const fields = object(item, where);
    const gate = fields['gate'];
    return {
      ...(fields['id'] === undefined || fields['id'] === null
        ? {}
        : { id: integer(fields['id'], `${where}.id`) }),
      name: text(fields['name'], `${where}.name`),
      type: text(fields['type'], `${where}.type`),
      parameters: texts(fields['parameters'], `${where}.parameters`),
      axes: readAxes(fields, where),
      chantype: typeof fields['chantype'] === 'string' ? fields['chantype'] : '',
      ...(typeof gate === 'string' && gate !== '' ? { gate } : {}),
    };
  });
}

/** Servers without `axes` send the older `xaxis` and `yaxis`. */
function readAxes(fields: Fields, where: string): SpecTclAxis[] {
  const axes = Array.isArray(fields['axes']) ? (fields['axes'] as unknown[]) : undefined;
  const items =
    axes ?? [fields['xaxis'], fields['yaxis']].filter((axis) => axis !== undefined && axis !== null);
  return list(items, `${where}.axes`, (item, where) => {
    const axis = object(item, where);
    return {
      low: number(axis['low'], `${where}.low`),
      high: number(axis['high'], `${where}.high`),
      bins: integer(axis['bins'], `${where}.bins`),
    };
  });
}

export function readBindings(detail: unknown): SpecTclBinding[] {
  return list(detail, 'detail', (item, where) => {
    const fields = object(item, where);
    return {
      spectrumid: integer(fields['spectrumid'], `${where}.spectrumid`),
      name: text(fields['name'], `${where}.name`),
      binding: integer(fields['binding'], `${where}.binding`),
    };
  });
}

export function readStatistics(detail: unknown): SpecTclStatistics[] {
  return list(detail, 'detail', (item, where) => {
    const fields = object(item, where);
    return {
      name: text(fields['name'], `${where}.name`),
      underflows: list(fields['underflows'], `${where}.underflows`, number),
      overflows: list(fields['overflows'], `${where}.overflows`, number),
    };
  });
}

export function readGates(detail: unknown): SpecTclGate[] {
  return list(detail, 'detail', (item, where) => {
    const { name, type, ...fields } = object(item, where);
    return { name: text(name, `${where}.name`), type: text(type, `${where}.type`), fields };
  });
}

/** Returns only the spectra that have a gate. */
export function readApplications(detail: unknown): SpecTclApplication[] {
  return list(detail, 'detail', (item, where) => {
    const fields = object(item, where);
    const gate = fields['gate'];
    return {
      spectrum: text(fields['spectrum'], `${where}.spectrum`),
      gate: gate === null || gate === undefined ? '' : text(gate, `${where}.gate`),
    };
  }).filter(({ gate }) => gate !== '');
}

export function readTraces(detail: unknown): SpecTclTraces {
  const fields = detail === undefined || detail === null ? {} : object(detail, 'detail');
  return {
    parameter: texts(fields['parameter'], 'parameter'),
    spectrum: texts(fields['spectrum'], 'spectrum'),
    gate: texts(fields['gate'], 'gate'),
    binding: texts(fields['binding'], 'binding'),
  };
}

export function object(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ShapeMismatch(where, 'an object');
}

function list<T>(value: unknown, where: string, read: (item: unknown, where: string) => T): T[] {
  if (value === undefined || value === null || value === '') return [];
  if (!Array.isArray(value)) throw new ShapeMismatch(where, 'a list');
  return value.map((item: unknown, index) => read(item, `${where}[${index}]`));
}

/**
 * A flat list of texts. SpecTcl nests the parameters of some spectrum types by axis, and sends a
 * single one without a list.
 */
function texts(value: unknown, where: string): string[] {
  if (typeof value === 'string' && value !== '') return [value];
  return list(value, where, (item, where) =>
    Array.isArray(item) ? item.map((inner: unknown) => textOrJson(inner)) : [text(item, where)],
  ).flat();
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  // Tcl does not distinguish "123" from 123, so a name of digits may arrive as a number.
  if (typeof value === 'number') return String(value);
  throw new ShapeMismatch(where, 'a text');
}

function textOrJson(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function number(value: unknown, where: string): number {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof parsed === 'number' && Number.isFinite(parsed)) return parsed;
  throw new ShapeMismatch(where, 'a number');
}

function integer(value: unknown, where: string): number {
  const parsed = number(value, where);
  if (Number.isSafeInteger(parsed)) return parsed;
  throw new ShapeMismatch(where, 'an integer');
}
