/**
 * Runs calls: finds the handler, asks whether the caller may, checks parameters and result, and
 * turns whatever the handler throws into an error that can travel. A call always ends in a value or
 * a MirrorflowError.
 */
import { MirrorflowError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
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
import { encodeValue } from './encoding.js';
import { errorForCaller } from './fault.js';
import { authenticationContract, runMulticall, systemContract } from './system-methods.js';
import type { RpcValue } from './values.js';

/** What a server needs of a dispatcher. `dispatch` rejects with nothing but MirrorflowError. */
export interface CallDispatcher<Context> {
  dispatch(method: string, params: readonly RpcValue[], context: Context): Promise<RpcValue>;
}

export interface DispatcherOptions<Context> {
  readonly log: Logger;
  /**
   * Asked before every call, `system.*` and the calls of a multicall included; refuses by throwing.
   */
  readonly authorize?: (method: string, context: Context) => void | Promise<void>;
}

type AnyHandler<Context> = (params: RpcValue[], context: Context) => RpcValue | Promise<RpcValue>;

interface Served<Context> {
  readonly definition: Method;
  readonly handle: AnyHandler<Context>;
}

export class Dispatcher<C extends Contract, Context> implements CallDispatcher<Context> {
  readonly #served = new Map<string, Served<Context>>();
  readonly #options: DispatcherOptions<Context>;

  /**
   * Serves the methods of the contract that have a handler, and `system.*`; the others do not exist
   * here.
   */
  constructor(contract: C, handlers: Partial<Handlers<C, Context>>, options: DispatcherOptions<Context>) {
    this.#options = options;
    for (const [name, handler] of Object.entries(handlers)) {
      if (handler === undefined) continue;
      // Checked parameters have the types that the handler was compiled against.
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

  async dispatch(method: string, params: readonly RpcValue[], context: Context): Promise<RpcValue> {
    try {
      const { definition, handle } = this.#find(method);
      await this.#options.authorize?.(method, context);
      const checked = checkParams(method, definition, params);
      return checkResult(method, definition, await handle(checked, context));
    } catch (thrown) {
      if (!(thrown instanceof MirrorflowError)) {
        const stack = sourceStack(thrown);
        this.#options.log.error('a handler failed', { method, error: thrown, stack });
      }
      throw errorForCaller(thrown);
    }
  }

  #find(method: string): Served<Context> {
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
        runMulticall(calls as RpcValue[], (method, params) => this.dispatch(method, params, context)),
    };
  }
}

/** The HTTP server answers these before they come here; elsewhere there is nothing to prove. */
function refuseAuthentication(): never {
  throw new MirrorflowError('REFUSED', 'the shared secret is proved by plain calls over HTTP only');
}

/**
 * The result as the contract has it, known to be encodable; a wrong one is the handler's fault, not
 * the caller's.
 */
function checkResult(method: string, { returns }: Method, result: unknown): RpcValue {
  try {
    const checked = returns.check(result, { method, root: 'result', path: [], unknownMembers: 'drop' });
    encodeValue('result', checked);
    return checked as RpcValue;
  } catch (thrown) {
    const message = errorForCaller(thrown).message;
    throw new MirrorflowError(
      'APPLICATION_ERROR',
      `${method} has no proper result: ${message}`,
      { method },
      thrown,
    );
  }
}
