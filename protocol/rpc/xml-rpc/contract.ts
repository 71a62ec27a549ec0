/**
 * Functions to define an XML-RPC contract: methods with documentation, parameters and result.
 * `protocol/rpc/contract` defines the contract of mirrorflow with them; the compiler checks
 * handlers and callers against it, the dispatcher checks calls at run time. Pure.
 */
import { assert } from '../../base/assert.js';
import { describeError, MirrorflowError } from '../../base/errors.js';
import type { Right } from '../../base/rights.js';
import type { Place, RpcTypeName, Schema, TypeOf } from './schema.js';
import type { RpcValue } from './values.js';

export interface Param<T = unknown, Optional extends boolean = boolean> {
  readonly name: string;
  readonly schema: Schema<T>;
  readonly doc: string;
  readonly optional: Optional;
}

/** Parameters that raise the right which a method needs. */
export interface RaisedRight {
  /** When it is raised: `the direction is output`. */
  readonly when: string;
  readonly right: Right;
  /** Gets the checked parameters. */
  readonly applies: (params: readonly unknown[]) => boolean;
}

export interface Method<P extends readonly Param[] = readonly Param[], R = unknown> {
  /** The right that a caller needs; the dispatcher enforces it. */
  readonly right: Right;
  readonly raised?: RaisedRight;
  readonly doc: string;
  readonly params: P;
  readonly returns: Schema<R>;
}

export type Contract = { readonly [method: string]: Method };

export function param<T>(name: string, schema: Schema<T>, doc: string): Param<T, false> {
  return { name, schema, doc, optional: false };
}

/** A parameter that may be omitted together with all parameters after it. */
export function optionalParam<T>(name: string, schema: Schema<T>, doc: string): Param<T, true> {
  return { name, schema, doc, optional: true };
}

export function method<const P extends readonly Param[], R>(definition: Method<P, R>): Method<P, R> {
  const firstOptional = definition.params.findIndex(({ optional }) => optional);
  assert(
    firstOptional < 0 || definition.params.slice(firstOptional).every(({ optional }) => optional),
    'only the last parameters of a method can be optional',
  );
  return definition;
}

export function defineContract<const C extends Contract>(contract: C): C {
  for (const name of Object.keys(contract)) {
    assert(!name.startsWith('system.'), `${name}: names of system.* are reserved for the dispatcher`);
  }
  return contract;
}

type Tuple<P extends readonly unknown[]> = P extends readonly [infer H, ...infer Rest]
  ? H extends Param<infer T, infer Optional>
    ? Optional extends true
      ? [value?: T, ...rest: Tuple<Rest>]
      : [value: T, ...rest: Tuple<Rest>]
    : never
  : [];

/** The parameters of a method as a tuple type. */
export type ParamsOf<M> = M extends { readonly params: infer P extends readonly unknown[] }
  ? Tuple<P>
  : never;

/** The result of a method. */
export type ResultOf<M> = M extends { readonly returns: infer S } ? TypeOf<S> : never;

/** The handlers of a contract: one function per method, with checked parameters and the context. */
export type Handlers<C extends Contract, Context> = {
  readonly [M in keyof C]: (
    params: ParamsOf<C[M]>,
    context: Context,
  ) => ResultOf<C[M]> | Promise<ResultOf<C[M]>>;
};

export interface CallOptions {
  /**
   * Time until the call rejects with TIMED_OUT; the other side may complete the call nevertheless.
   * Default: LIMITS.rpcCallTimeoutMs.
   */
  readonly timeoutMs?: number;
  /** Aborting it rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A caller of a contract: `call('host.info', [...])`. */
export type CallOf<C extends Contract> = <M extends keyof C & string>(
  method: M,
  params: ParamsOf<C[M]>,
  options?: CallOptions,
) => Promise<ResultOf<C[M]>>;

/** Makes untyped calls: a session, a permanent connection or an HTTP client. */
export interface Caller {
  call(method: string, params: readonly RpcValue[], options?: CallOptions): Promise<RpcValue>;
}

/**
 * Typed calls of a contract over a caller. Members of a result that the contract does not contain
 * are dropped; a result that breaks the contract rejects with BAD_MESSAGE.
 */
export function callerOf<C extends Contract>(contract: C, caller: Caller): CallOf<C> {
  return async (method, params, options) => {
    const result = await caller.call(method, params as readonly RpcValue[], options);
    const { returns } = definitionOf(contract, method);
    const place: Place = { method, root: 'result', path: [], unknownMembers: 'drop' };
    try {
      return returns.check(result, place) as ResultOf<C[typeof method]>;
    } catch (thrown) {
      const message = `the result breaks the contract: ${describeError(thrown)}`;
      throw new MirrorflowError('BAD_MESSAGE', message, { method }, thrown);
    }
  };
}

/** The definition of a method; throws METHOD_NOT_FOUND. */
export function definitionOf(contract: Contract, name: string): Method {
  const definition = Object.hasOwn(contract, name) ? contract[name] : undefined;
  if (definition === undefined) throw methodNotFound(name);
  return definition;
}

export function methodNotFound(name: string): MirrorflowError {
  const shown = JSON.stringify(name.slice(0, 128));
  return new MirrorflowError(
    'METHOD_NOT_FOUND',
    `this server has no method ${shown}; system.listMethods lists its methods`,
    { method: name.slice(0, 128) },
  );
}

/** Returns the checked parameters of a call. Throws INVALID_PARAMETERS or BAD_NAME. */
export function checkParams(name: string, definition: Method, params: readonly RpcValue[]): RpcValue[] {
  const { params: expected } = definition;
  const required = expected.filter(({ optional }) => !optional).length;
  if (params.length < required || params.length > expected.length) {
    const count = required === expected.length ? String(required) : `${required} to ${expected.length}`;
    const names = expected.map(({ name, optional }) => (optional ? `[${name}]` : name)).join(', ');
    throw new MirrorflowError(
      'INVALID_PARAMETERS',
      `${name} takes ${count} parameter${count === '1' ? '' : 's'} (${names}), not ${params.length}`,
      { method: name, expected: expected.length, found: params.length },
    );
  }
  return params.map((value, index) => {
    const { name: root, schema } = expected[index] as Param;
    return schema.check(value, { method: name, root, path: [], unknownMembers: 'refuse' }) as RpcValue;
  });
}

/** The signatures of a method, one per possible number of parameters: result type first. */
export function signaturesOf({ params, returns }: Method): RpcTypeName[][] {
  const types = params.map(({ schema }) => schema.type);
  const required = params.filter(({ optional }) => !optional).length;
  const signatures: RpcTypeName[][] = [];
  for (let count = required; count <= params.length; count++) {
    signatures.push([returns.type, ...types.slice(0, count)]);
  }
  return signatures;
}

/** The right that a method needs, as a text: `read; provide when the direction is output`. */
export function rightText({ right, raised }: Method): string {
  return raised === undefined ? right : `${right}; ${raised.right} when ${raised.when}`;
}

/** The documentation of a method as plain text: purpose, right, parameters, result. */
export function helpOf(method: Method): string {
  const { doc, params, returns } = method;
  const lines = params.map(
    ({ name, doc, schema, optional }) => `  ${name}${optional ? ' (optional)' : ''}: ${doc} (${schema.doc})`,
  );
  const parameters = lines.length > 0 ? ['Parameters:', ...lines] : [];
  return [doc, `Needs the right ${rightText(method)}.`, ...parameters, `Returns ${returns.doc}.`].join('\n');
}
