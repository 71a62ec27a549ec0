/**
 * Decodes the answer of the NSCLDAQ port manager to LIST, for port-manager.ts: `OK n`, then n lines
 * `port service user`. Lines end in `\r\n` (Tcl server) or `\n` (Rust server); Tcl quotes fields
 * that contain spaces. Without I/O.
 */
import { decodeText } from './text.js';

export interface Service {
  readonly port: number;
  readonly service: string;
  readonly user: string;
}

export type ServiceListState =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly services: readonly Service[] }
  /** The port manager answered FAIL; `text` is its whole line. */
  | { readonly kind: 'failed'; readonly text: string }
  /** Not the answer of a port manager. */
  | { readonly kind: 'bad'; readonly problem: string };

/** Longest accepted line. */
const LINE_BYTES_MAX = 4096;
/** Largest accepted number of services: the number of ports. */
const SERVICES_MAX = 65_536;
/** Longest accepted answer. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const LF = 0x0a;

/** Decodes the answer from pieces. Bytes after the end of the answer have no effect. */
export class ServiceListReader {
  #rest: Uint8Array = new Uint8Array(0);
  #received = 0;
  #announced: number | undefined;
  readonly #services: Service[] = [];
  #state: ServiceListState = { kind: 'incomplete' };

  get state(): ServiceListState {
    return this.#state;
  }

  push(chunk: Uint8Array): ServiceListState {
    if (this.#state.kind !== 'incomplete') return this.#state;
    this.#received += chunk.byteLength;
    if (this.#received > ANSWER_BYTES_MAX) {
      this.#state = bad(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
      return this.#state;
    }
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, at)) {
      this.#state = this.#line(bytes.subarray(at, end));
      if (this.#state.kind !== 'incomplete') return this.#state;
      at = end + 1;
    }
    this.#rest = Uint8Array.from(bytes.subarray(at));
    if (this.#rest.byteLength > LINE_BYTES_MAX) {
      this.#state = bad(`a line of more than ${LINE_BYTES_MAX} bytes`);
    }
    return this.#state;
  }

  #line(bytes: Uint8Array): ServiceListState {
    if (bytes.byteLength > LINE_BYTES_MAX) return bad(`a line of ${bytes.byteLength} bytes`);
    const line = decodeText(bytes).replace(/\r$/, '');
    if (this.#announced === undefined) return this.#begin(line);
    const service = parseService(line);
    if (service === undefined) return bad(`${JSON.stringify(line.slice(0, 60))} is not "port service user"`);
    this.#services.push(service);
    return this.#progress(this.#announced);
  }

  #begin(line: string): ServiceListState {
    if (line.startsWith('FAIL')) return { kind: 'failed', text: line };
    const count = /^OK +(\d{1,6}) *$/.exec(line)?.[1];
    if (count === undefined) return bad(`the answer begins ${JSON.stringify(line.slice(0, 60))}`);
    if (Number(count) > SERVICES_MAX) return bad(`a list of ${count} services`);
    this.#announced = Number(count);
    return this.#progress(this.#announced);
  }

  #progress(announced: number): ServiceListState {
    if (this.#services.length < announced) return { kind: 'incomplete' };
    return { kind: 'complete', services: this.#services };
  }
}

function bad(problem: string): ServiceListState {
  return { kind: 'bad', problem };
}

function parseService(line: string): Service | undefined {
  const fields = splitTclList(line);
  const [port, service, user] = fields ?? [];
  if (fields?.length !== 3 || service === undefined || user === undefined) return undefined;
  if (port === undefined || !/^\d{1,5}$/.test(port)) return undefined;
  const number = Number(port);
  return number < 1 || number > 65_535 ? undefined : { port: number, service, user };
}

/**
 * The elements of a Tcl list on one line: bare words, `{braced words}` (braces nest), `"quoted
 * words"`; a backslash takes the next character literally. Undefined when a brace or quote is not
 * closed.
 */
export function splitTclList(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (line[at] === ' ' || line[at] === '\t') at++;
    if (at >= line.length) return words;
    const word = line[at] === '{' ? braced(line, at) : bare(line, at);
    if (word === undefined) return undefined;
    words.push(word.text);
    at = word.end;
  }
}

interface Word {
  readonly text: string;
  readonly end: number;
}

function braced(line: string, start: number): Word | undefined {
  let depth = 0;
  for (let at = start; at < line.length; at++) {
    const character = line[at];
    if (character === '\\') at++;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return { text: line.slice(start + 1, at), end: at + 1 };
  }
  return undefined;
}

function bare(line: string, start: number): Word | undefined {
  const quoted = line[start] === '"';
  let text = '';
  for (let at = quoted ? start + 1 : start; at < line.length; at++) {
    const character = line[at] ?? '';
    if (quoted ? character === '"' : character === ' ' || character === '\t') {
      return { text, end: quoted ? at + 1 : at };
    }
    text += character === '\\' ? (line[++at] ?? '') : character;
  }
  return quoted ? undefined : { text, end: line.length };
}
