/**
 * SpecTcl's REST service from a recording: lists are answered as they were at the player's
 * position, and changes are refused. Owned by the replayed SpecTcl. Listens on a loopback port
 * until `close`.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bindings } from '../../protocol/spectcl/display-memory.js';
import { globMatcher } from '../../protocol/spectcl/glob.js';

export interface ReplayedRestOptions {
  /** The present display memory. */
  readonly memory: () => Buffer;
  /** Size of the channel storage. */
  readonly channelBytes: number;
  /** SpecTcl's recorded answer to a request at the present position; its JSON text. */
  readonly answer: (request: string) => Buffer | undefined;
  /** Shown among SpecTcl's variables. */
  readonly variables: () => Readonly<Record<string, string>>;
  /** Counts changes of definitions. */
  readonly definitions: () => number;
}

/** A value of SpecTcl's JSON. */
type Detail = unknown;
type Query = (name: string) => string | undefined;

/** Lists that are answered as recorded, with the member that a pattern selects by. */
const RECORDED: Readonly<Record<string, readonly [parameter: string, member: string]>> = {
  'spectrum/list': ['filter', 'name'],
  'gate/list': ['pattern', 'name'],
  'apply/list': ['pattern', 'spectrum'],
};
/** Must differ from the key of the recorded SpecTcl, whose memory is the live one. */
const NO_MEMORY_KEY = 'file:/nonexistent/mirrorflow-replay';
/** Traces of this service; a forgotten one counts as expired. */
const TRACES_MAX = 1_000;

export class ReplayedRest {
  readonly #options: ReplayedRestOptions;
  readonly #server: Server;
  /** Definitions that each trace has reported. */
  readonly #traces = new Map<number, number>();
  #nextToken = 1;

  constructor(options: ReplayedRestOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const query: Query = (name) => searchParams.get(name) ?? undefined;
      try {
        this.#respond(response, pathname.replace(/^\/spectcl\//, ''), query);
      } catch (error) {
        send(response, { status: `the recording cannot be read: ${String(error)}` });
      }
    });
  }

  async listen(host: string): Promise<number> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #respond(response: ServerResponse, request: string, query: Query): void {
    const detail = this.#detail(request, query);
    if (detail !== undefined) return send(response, { status: 'OK', detail });
    send(response, {
      status: `this is a recording: ${request} is not part of it, and nothing can be changed`,
    });
  }

  #detail(request: string, query: Query): Detail {
    const { memory, variables } = this.#options;
    const selects = (parameter: string) => globMatcher(query(parameter) ?? '*');
    const [parameter, member] = RECORDED[request] ?? [];
    if (parameter !== undefined && member !== undefined) {
      const isSelected = selects(parameter);
      const list = this.#recorded(request);
      if (!Array.isArray(list)) return [];
      return list.filter((item: Record<string, unknown>) => isSelected(String(item[member])));
    }
    switch (request) {
      case 'version':
        return this.#recorded('version') ?? { major: 5, minor: 13, editlevel: 0 };
      case 'shmem/key':
        return NO_MEMORY_KEY;
      case 'shmem/size':
        return String(this.#options.channelBytes);
      case 'shmem/variables': {
        const recorded = this.#recorded('shmem/variables');
        return { ...(typeof recorded === 'object' ? recorded : {}), ...variables() };
      }
      case 'mirror':
        return [];
      case 'sbind/list': {
        const isSelected = selects('pattern');
        return bindings(memory())
          .filter(({ name }) => isSelected(name))
          .map(({ name, slot }) => ({ spectrumid: slot, name, binding: slot }));
      }
      case 'specstats': {
        const isSelected = selects('pattern');
        return bindings(memory())
          .filter(({ name }) => isSelected(name))
          .map(({ name, dimensions, underflows, overflows }) => ({
            name,
            underflows: underflows.slice(0, dimensions),
            overflows: overflows.slice(0, dimensions),
          }));
      }
      case 'trace/establish':
        return this.#establish();
      case 'trace/fetch':
        return this.#fetch(Number(query('token')));
      case 'trace/done':
        return this.#traces.delete(Number(query('token'))) ? null : undefined;
      default:
        return undefined;
    }
  }

  #recorded(request: string): Detail {
    const body = this.#options.answer(request);
    if (body === undefined) return undefined;
    const { detail } = JSON.parse(body.toString('utf8')) as { readonly detail?: unknown };
    return detail;
  }

  #establish(): number {
    const token = this.#nextToken++;
    this.#traces.set(token, this.#options.definitions());
    const [oldest] = this.#traces.keys();
    if (this.#traces.size > TRACES_MAX && oldest !== undefined) this.#traces.delete(oldest);
    return token;
  }

  /** Undefined for an unknown token, which the client takes for an expired one. */
  #fetch(token: number): Detail {
    const reported = this.#traces.get(token);
    if (reported === undefined) return undefined;
    const definitions = this.#options.definitions();
    this.#traces.set(token, definitions);
    const binding =
      reported === definitions
        ? []
        : bindings(this.#options.memory()).map(({ name, slot }) => `add ${name} ${slot}`);
    return { parameter: [], spectrum: [], gate: [], binding };
  }
}

function send(response: ServerResponse, value: object): void {
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}
