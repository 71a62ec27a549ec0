/**
 * What the request handlers of the simulator's REST service share: the parameters of a request, and
 * the error that becomes its status. Used by rest-service.ts and its files of handlers. Pure.
 */

/** An error of the service: answered with HTTP 200, the message as the status. */
export class ServiceError extends Error {
  /** Left out of the answer when undefined. */
  readonly detail: string | undefined;

  constructor(status: string, detail?: string) {
    super(status);
    this.detail = detail;
  }
}

/** The parameters of a request. */
export interface Query {
  get(name: string): string | undefined;
  /** All values of a parameter that may be repeated. */
  all(name: string): readonly string[];
}

export function queryOf(text: string): Query {
  const parameters = new URLSearchParams(text);
  return {
    get: (name) => parameters.get(name) ?? undefined,
    all: (name) => parameters.getAll(name),
  };
}

/** The points `xcoord(0)`, `ycoord(0)`, `xcoord(1)`, … up to the first number that is missing. */
export function pointsOf(query: Query): { x: number; y: number }[] {
  const points: { x: number; y: number }[] = [];
  for (;;) {
    const x = query.get(`xcoord(${points.length})`);
    const y = query.get(`ycoord(${points.length})`);
    if (x === undefined || y === undefined) return points;
    points.push({ x: Number(x), y: Number(y) });
  }
}
