/**
 * Runs XML-RPC calls for sessions and the HTTP server: finds the handler of the method, checks the
 * caller's right, the parameters and the result, and converts any error of the handler into a
 * MirrorflowError. The one place that enforces rights. Every call ends with an encoded result or a
 * MirrorflowError. No I/O except that of the handlers.
 */
import { MirrorflowError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { includesRight, type Right } from '../../base/rights.js';
import { sourceStack } from '../../base/source-stack.js';
import {
  checkParams,
  definitionOf,
  helpOf,
  methodNotFound,
  signaturesOf,
  type Contract,
  type Handlers,
  type Method,
} from './contract.js';
import { EncodedValue, encodeValue } from './encoding.js';
import { errorForCaller } from './fault.js';
import { authenticationContract, runMulticall, systemContract } from './system-methods.js';
import type { RpcValue } from './values.js';

/** What a server needs of a dispatcher. */
export interface CallDispatcher<Context> {
  /** Resolves with the encoded result; rejects with a MirrorflowError only. */
  dispatch(method: string, params: readonly RpcValue[], context: Context): Promise<EncodedValue>;
}

export interface DispatcherOptions<Context> {
  readonly log: Logger;
  /** The right of the caller; asked for every call, those of a multicall included. */
  readonly granted: (context: Context) => Right;
}

/** Returns a value that is still to be checked, or a complete encoded result. */
type AnyHandler<Context> = (
  params: RpcValue[],
  context: Context,
) => RpcValue | EncodedValue | Promise<RpcValue | EncodedValue>;

interface ServedMethod<Context> {
  readonly definition: Method;
  readonly handle: AnyHandler<Context>;
}

export class Dispatcher<C extends Contract, Context> implements CallDispatcher<Context> {
  readonly #served = new Map<string, ServedMethod<Context>>();
  readonly #options: DispatcherOptions<Context>;

  /**
   * Serves `system.*` and the methods of the contract that have a handler; calls of other methods
   * get METHOD_NOT_FOUND.
   */
  constructor(contract: C, handlers: Partial<Handlers<C, Context>>, options: DispatcherOptions<Context>) {
    this.#options = options;
    for (const [name, handler] of Object.entries(handlers)) {
      if (handler === undefined) continue;
      // The parameters are checked against the contract that gives the handler its types.
      const handle = handler as unknown as AnyHandler<Context>;
      this.#served.set(name, { definition: definitionOf(contract, name), handle });
    }
    for (const [name, handle] of Object.entries(this.#systemHandlers())) {
      this.#served.set(name, { definition: definitionOf(systemContract, name), handle });
    }
    for (const [name, definition] of Object.entries<Method>(authenticationContract)) {
      this.#served.set(name, { definition, handle: refuseAuthentication });
    }
  }

  dispatch(method: string, params: readonly RpcValue[], context: Context): Promise<EncodedValue> {
    return this.#run(method, params, context, 0);
  }

  /** `outerDepth`: the number of arrays that will enclose the result. */
  async #run(
    method: string,
    params: readonly RpcValue[],
    context: Context,
    outerDepth: number,
  ): Promise<EncodedValue> {
    try {
      const { definition, handle } = this.#find(method);
      const granted = this.#options.granted(context);
      // Before the parameters are checked: a caller without the right learns nothing from them.
      requireRight(method, definition.right, granted);
      const checked = checkParams(method, definition, params);
      const { raised } = definition;
      if (raised?.applies(checked) === true) requireRight(method, raised.right, granted, raised.when);
      const result = await handle(checked, context);
      return result instanceof EncodedValue ? result : encodeResult(method, definition, result, outerDepth);
    } catch (thrown) {
      if (!(thrown instanceof MirrorflowError)) {
        const stack = sourceStack(thrown);
        this.#options.log.error('a handler failed', { method, error: thrown, stack });
      }
      throw errorForCaller(thrown);
    }
  }

  #find(method: string): ServedMethod<Context> {
    const served = this.#served.get(method);
    if (served === undefined) throw methodNotFound(method);
    return served;
  }

  #systemHandlers(): { [K in keyof typeof systemContract]: AnyHandler<Context> } {
    return {
      'system.listMethods': () => [...this.#served.keys()].toSorted(),
      'system.methodSignature': ([name]) => signaturesOf(this.#find(name as string).definition),
      'system.methodHelp': ([name]) => helpOf(this.#find(name as string).definition),
      'system.multicall': ([calls], context) =>
        runMulticall(calls as RpcValue[], (method, params, outerDepth) =>
          this.#run(method, params, context, outerDepth),
        ),
    };
  }
}

/** What a caller without a right can do about it. */
const REMEDIES: Readonly<Record<Right, string>> = {
  read: 'connect to the socket for reading, or send the token for reading',
  provide:
    'connect to the socket for providing, or send its token; the owner permits it with "providers" in the access of the application',
  control:
    'connect to the socket for control, or send its token; the owner permits it with "control" in the access',
  child: 'it is for processes that this server has started, and for servers of other hosts',
};

/** Throws NOT_PERMITTED, naming the right that is missing. */
function requireRight(method: string, needed: Right, granted: Right, when?: string): void {
  if (includesRight(granted, needed)) return;
  const what = when === undefined ? method : `${method}, when ${when},`;
  throw new MirrorflowError(
    'NOT_PERMITTED',
    `${what} needs the right ${needed}, and this caller has ${granted}: ${REMEDIES[needed]}`,
    { method, needed, granted },
  );
}

/** The HTTP server answers these methods itself; sessions and multicalls refuse them. */
function refuseAuthentication(): never {
  throw new MirrorflowError(
    'REFUSED',
    'the shared secret can be proved only over HTTP, by calls outside a multicall',
  );
}

/**
 * Checks a result against the contract and encodes it. A wrong result is an error of the handler,
 * not of the caller, and so an APPLICATION_ERROR.
 */
function encodeResult(
  method: string,
  { returns }: Method,
  result: unknown,
  outerDepth: number,
): EncodedValue {
  try {
    const checked = returns.check(result, { method, root: 'result', path: [], unknownMembers: 'drop' });
    return new EncodedValue(encodeValue('result', checked, outerDepth));
  } catch (thrown) {
    const message = errorForCaller(thrown).message;
    throw new MirrorflowError(
      'APPLICATION_ERROR',
      `the result of ${method} breaks the contract: ${message}`,
      { method },
      thrown,
    );
  }
}
