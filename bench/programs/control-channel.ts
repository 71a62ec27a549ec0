/**
 * What the programs of a benchmark share: they read settings as JSON from the command line, reply
 * to the benchmark's requests over the process's message channel, and exit when that channel
 * closes. The other side is `bench-process.ts`.
 */

/** `id` identifies the request in its reply. */
export interface Request {
  readonly id: number;
  readonly name: string;
}

export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The settings with which the benchmark started this program. */
export function readSettings<Settings>(): Settings {
  return JSON.parse(process.argv[2] ?? '{}') as Settings;
}

/** Reports that the program is ready, then replies to requests until the benchmark ends. */
export function serveRequests(handlers: Readonly<Record<string, () => unknown>>): void {
  process.on('message', (request: Request) => {
    void reply(request, handlers[request.name]);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0 } satisfies Reply);
}

/** Resolves in the next turn of the event loop, so that requests and signals are handled. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function reply({ id, name }: Request, handler: (() => unknown) | undefined): Promise<void> {
  try {
    if (handler === undefined) throw new Error(`this program has no handler for the request ${name}`);
    process.send?.({ id, value: await handler() } satisfies Reply);
  } catch (error) {
    process.send?.({ id, error: String(error) } satisfies Reply);
  }
}
