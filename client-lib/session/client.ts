/**
 * A client of one application, as a program uses it: `connect` returns it. Owns the session with
 * the app server (ClientSession), the open flows, the mirrors and the message inbox. When
 * the app server was restarted the client presents itself again and opens its flows again; data
 * keep moving meanwhile. Calls the app server; flows and mirrors open their own files and links.
 */
import { EventEmitter } from 'eventemitter3';
import type { Delivery, SendResult } from '../../protocol/rpc/contract/deliveries.js';
import type {
  ApplicationStatistics,
  NetworkStatus,
  ProgramInfo,
  FlowConsumer,
} from '../../protocol/rpc/contract/statistics.js';
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { ClientInfo, FlowInfo } from '../../protocol/rpc/contract/shapes.js';
import { linkSocketPath } from '../../protocol/base/paths.js';
import { checkName } from '../../protocol/base/names.js';
import type { CallOf, ResultOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { ClientFlows } from './client-flows.js';
import { ClientMessages } from './client-messages.js';
import { ClientMirrors } from './client-mirrors.js';
import type { IncomingCalls } from './incoming-calls.js';
import type { InputFlow } from '../input/input-flow.js';
import { INPUT_OPTIONS, type InputFlowOptions } from '../input/input-options.js';
import { clientLog } from '../client-log.js';
import { checkOptionNames, checkOptionObject } from '../call-options.js';
import { badOption } from '../input/history/history-rules.js';
import type { MessageHandler, MessageWaitOptions } from '../messages/inbox.js';
import { messageToWire, type MessageClass } from '../messages/message-class.js';
import type { Mirror } from '../mirror/mirror.js';
import { ClientSession } from './client-session.js';
import { targetOf } from './send-target.js';
import type { ClientEventListener, ClientEventName, ClientEvents, SendTarget } from './client-events.js';
import { Openings } from './openings.js';
import type { OutputFlow } from '../output/output-flow.js';
import { OUTPUT_OPTIONS, type OutputFlowOptions } from '../output/output-options.js';
import type { Layer } from '../types/flow-type.js';
import type { ReadableType, TypedInputFlow } from '../input/typed-input-flow.js';
import type { TypedOutputFlow, TypedOutputOptions } from '../output/typed-output-flow.js';

/** An application, as `client.appInfo` returns it. */
export type AppInfo = ResultOf<MirrorflowContract['app.info']>;

/** The mirrors of an application's SpecTcl. */
export type SpecTclMirrors = ResultOf<MirrorflowContract['app.mirrors']>;

/** Name of the flow that mirrors an application's SpecTcl. */
export const SPECTRA_FLOW = 'spectra';

/** Facts about a client before it is presented to its app server. */
export interface ClientIdentity {
  readonly app: string;
  readonly name: string;
  readonly program: string;
  /** Runtime directory of the app server. */
  readonly directory: string;
  /** Path of the app server's socket. */
  readonly socket: string;
  /** The first session, already connected; owned by the client from now on. */
  readonly session: RpcSession;
  /** Answers the app server's calls on the first session and all later ones. */
  readonly incoming: IncomingCalls;
}

interface HostScope {
  /** Include the other hosts of the application. Default false. */
  readonly everywhere?: boolean;
}

/** Set by the class, for `presentClient`. */
let present: (identity: ClientIdentity) => Promise<Client>;

/** A connection to one application, from `connect`: its flows, mirror, messages and statistics. */
export class Client extends EventEmitter<ClientEvents> {
  /** Name of the application. */
  readonly app: string;
  /** Name of this client in the application; other clients send messages to it. */
  readonly name: string;
  /** Runtime directory of the application's app server. */
  readonly directory: string;
  readonly #session: ClientSession;
  readonly #call: CallOf<MirrorflowContract>;
  readonly #openings: Openings;
  readonly #messages: ClientMessages;
  readonly #mirrors: ClientMirrors;
  readonly #flows: ClientFlows;
  #closed = false;
  #closing: Promise<void> | undefined;

  private constructor(identity: ClientIdentity) {
    super();
    this.app = identity.app;
    this.name = identity.name;
    this.directory = identity.directory;
    const { dispatcher } = identity.incoming;
    identity.incoming.client = {
      deliver: (delivery) => this.#deliver(delivery),
      report: () => this.#openings.report(),
    };
    this.#messages = new ClientMessages({
      socket: identity.socket,
      token: () => this.#session.token,
      announce: () => void this.#call('client.receive', [this.#session.token, 'soon']).catch(() => undefined),
      onError: (error, message) => {
        if (this.emit('messageError', error, message)) return;
        clientLog.error('a message handler failed', { type: message.constructor.name, error });
      },
      deliver: (delivery) => this.#deliver(delivery),
    });
    this.#session = new ClientSession({
      name: identity.name,
      program: identity.program,
      socket: identity.socket,
      first: identity.session,
      dispatcher,
      presented: (session, call, token) => this.#presented(session, call, token),
      lost: () => void this.emit('disconnected'),
      regained: () => void this.emit('reconnected'),
    });
    this.#call = this.#session.call;
    this.#openings = new Openings({
      app: this.app,
      call: this.#call,
      token: () => this.#session.token,
      connected: () => this.connected,
      closing: () => this.#closing !== undefined,
      closed: () => this.#closed,
      reconnectedWithin: (delayMs) => this.#session.reconnectedWithin(delayMs),
      onStatus: (status) => this.emit('status', status),
    });
    this.#mirrors = new ClientMirrors(this.#openings, (flow) =>
      linkSocketPath(this.directory, this.app, flow),
    );
    this.#flows = new ClientFlows(this.#openings, this.#call, () => ({
      socket: identity.socket,
      session: this.#session.token,
    }));
  }

  static {
    present = async (identity) => {
      const client = new Client(identity);
      await client.#session.start();
      return client;
    };
  }

  /** Whether the client has a session with its app server now. */
  get connected(): boolean {
    return this.#session.connected;
  }

  /** The application: version, source, gateway and readers. */
  appInfo(): Promise<AppInfo> {
    return this.#call('app.info', []);
  }

  /** The flows of the application on this host. */
  flows(): Promise<FlowInfo[]> {
    return this.#call('flow.list', []);
  }

  /** The clients of the application on this host. */
  clients(): Promise<ClientInfo[]> {
    return this.#call('client.list', []);
  }

  /** Counters and rates of a flow by name. */
  async statistics(flow: string): Promise<Record<string, number>> {
    return this.#call('flow.statistics', [checkName('flow', flow)]);
  }

  /** Lag, missed buffers and back-pressure of a flow's consumers on this host, from its file. */
  async flowConsumers(flow: string): Promise<FlowConsumer[]> {
    return this.#call('flow.consumers', [checkName('flow', flow)]);
  }

  /**
   * Counts of all clients and flows, collected now; clients and flows that did not answer within a
   * second are marked.
   */
  async applicationStatistics(scope: HostScope = {}): Promise<ApplicationStatistics> {
    return this.#call('app.statistics', [isEverywhere('applicationStatistics', scope)]);
  }

  /** Providers and consumers of all flows, and the consumers that hold a provider back. */
  async network(scope: HostScope = {}): Promise<NetworkStatus> {
    return this.#call('app.network', [isEverywhere('network', scope)]);
  }

  /**
   * Requests all clients of a name, on all hosts, to quit; resolves with their number. Rejects with
   * UNKNOWN_CLIENT.
   */
  requestQuit(client: string): Promise<number> {
    return this.#call('client.request', [checkName('client', client), 'quit']);
  }

  /** The mirrors of the application's SpecTcl: in SpecTcl's directory and at the gateway. */
  spectclMirrors(): Promise<SpecTclMirrors> {
    return this.#call('app.mirrors', []);
  }

  /** The registered programs, which `runProgram` can start. */
  programs(): Promise<ProgramInfo[]> {
    return this.#call('app.programs', []);
  }

  /**
   * Starts a registered program through the app server, here or on another host where the
   * application runs; resolves with its process id. Rejects with UNKNOWN_PROGRAM, START_FAILED,
   * LIMIT_REACHED, UNKNOWN_HOST.
   */
  runProgram(program: string, host?: string): Promise<number> {
    const name = checkName('program', program);
    return this.#call('app.run', host === undefined ? [name] : [name, checkName('host', host)]);
  }

  /**
   * Registers a message class: its objects are invoked when they arrive. Throws BAD_OPTION for a
   * wrong declaration.
   */
  register(cls: MessageClass): void {
    this.#messages.register(cls);
  }

  override on<E extends ClientEventName>(event: E, listener: ClientEventListener<E>, context?: unknown): this;
  /**
   * Calls the handler with the messages of a class: one at a time and in the order of arrival, all
   * classes together; a returned promise is awaited before the next message. `invoke()` of the
   * message runs first. Errors of a handler are emitted as `messageError`.
   */
  override on<M extends object>(cls: MessageClass<M>, handler: MessageHandler<M>): this;
  override on(subject: unknown, listener: unknown, context?: unknown): this {
    if (typeof subject === 'function') {
      this.#messages.on(subject as MessageClass, listener as MessageHandler<object>);
      return this;
    }
    return super.on(subject as ClientEventName, listener as ClientEventListener<ClientEventName>, context);
  }

  /** Removes a listener; see `on`. */
  override off<E extends ClientEventName>(
    event: E,
    listener?: ClientEventListener<E>,
    context?: unknown,
    once?: boolean,
  ): this;
  /** Removes a handler, or all handlers of the class. */
  override off<M extends object>(cls: MessageClass<M>, handler?: MessageHandler<M>): this;
  override off(subject: unknown, listener?: unknown, context?: unknown, once?: boolean): this {
    if (typeof subject === 'function') {
      this.#messages.off(subject as MessageClass, listener as MessageHandler<object> | undefined);
      return this;
    }
    return super.off(
      subject as ClientEventName,
      listener as ClientEventListener<ClientEventName>,
      context,
      once,
    );
  }

  /**
   * The next message of a class, resolved in the turn in which it arrives and before handlers run,
   * so that a handler may wait for another message. Rejects with TIMED_OUT, or CLOSED when aborted
   * or when the client closes.
   */
  waitFor<M extends object>(cls: MessageClass<M>, options: MessageWaitOptions = {}): Promise<M> {
    return this.#messages.waitFor(cls, options);
  }

  /**
   * The next message of a class that the event loop has not taken, with the thread blocked; the
   * message is passed to handlers later too. Undefined when none arrived within `timeoutMs`.
   */
  waitForSync<M extends object>(cls: MessageClass<M>, timeoutMs: number): M | undefined {
    return this.#messages.waitForSync(cls, timeoutMs);
  }

  /**
   * Sends a message; resolves with the clients that have queued it and those that have not, each
   * with the reason. Rejects with
   * INVALID_PARAMETERS for values that cannot be sent, UNKNOWN_CLIENT or UNKNOWN_FLOW for a target
   * that does not exist, BAD_OPTION for a target that is none, and, unless sent to the application,
   * when no receiver queued it, with the first one's reason: LIMIT_REACHED, TIMED_OUT, …
   */
  async send(message: object, options: { readonly to: SendTarget }): Promise<SendResult> {
    const target = targetOf(options);
    return this.#call('client.send', [this.#session.token, target, messageToWire(message)]);
  }

  /**
   * Opens a flow for reading: its buffers, in order. Throws UNKNOWN_FLOW, WRONG_FLOW_TYPE,
   * BAD_OPTION, TIMED_OUT when its duplicator does not answer within a second, or the cause why it
   * could not be started. The caller closes the flow; closing the client closes it too. With a flow
   * type object, takes return that type's buffers, and a flow of another type or with other
   * properties throws WRONG_FLOW_TYPE naming both.
   */
  openInput(flow: string, options?: InputFlowOptions & { readonly type?: string }): Promise<InputFlow>;
  openInput<B extends Layer>(
    flow: string,
    options: InputFlowOptions & { readonly type: ReadableType<B> },
  ): Promise<TypedInputFlow<B>>;
  async openInput(
    flow: string,
    options: InputFlowOptions & { readonly type?: string | ReadableType<Layer> } = {},
  ): Promise<InputFlow | TypedInputFlow<Layer>> {
    checkOptionNames('openInput', options, ['type', ...INPUT_OPTIONS]);
    const { type, ...rest } = options;
    if (typeof type === 'object' && (type as unknown) !== null)
      return this.#flows.openTypedInput(flow, rest, type);
    if (type !== undefined && typeof type !== 'string')
      throw badOption('type', type, 'the name of a flow type, or a flow type such as json()');
    return this.#flows.openInput(flow, rest, type);
  }

  /**
   * Opens a flow for writing: this client becomes its only provider. Throws FLOW_BUSY naming the
   * present provider, TOO_LARGE and NO_SPACE with the numbers, WRONG_FLOW_TYPE naming both types,
   * TIMED_OUT when its duplicator does not answer within a second. The caller closes the flow;
   * closing the client closes it too. With a flow type object, that type's values are written.
   */
  openOutput(flow: string, options: OutputFlowOptions): Promise<OutputFlow>;
  openOutput<Value, Place, Form>(
    flow: string,
    options: TypedOutputOptions<Value, Place, Form>,
  ): Promise<TypedOutputFlow<Value, Place, Form>>;
  async openOutput<Value, Place, Form>(
    flow: string,
    options: OutputFlowOptions | TypedOutputOptions<Value, Place, Form>,
  ): Promise<OutputFlow | TypedOutputFlow<Value, Place, Form>> {
    return isTyped(options)
      ? this.#flows.openTypedOutput(flow, options)
      : this.#flows.openOutput(flow, options);
  }

  /**
   * The mirror of a display memory on this host, started where needed. One per flow and client,
   * until `unmap`. Throws NOT_A_MIRROR for a flow of another type, TIMED_OUT when its duplicator
   * does not answer within a second, or the cause why it could not be started.
   */
  async mirror(flow: string = SPECTRA_FLOW): Promise<Mirror> {
    return this.#mirrors.get(flow);
  }

  /**
   * Memory of `mirror(flow)`: the newest display memory, byte for byte SpecTcl's, mapped
   * read-only.
   */
  async getMemory(flow: string = SPECTRA_FLOW): Promise<Buffer> {
    return (await this.mirror(flow)).memory;
  }

  /** Whether this client's mirror of the flow is attached and its source is live. */
  async isMirroring(flow: string = SPECTRA_FLOW): Promise<boolean> {
    return this.#mirrors.isMirroring(flow);
  }

  /**
   * Detaches from a mirror; memory that `getMemory` returned must not be used any more. Does
   * nothing without a mirror.
   */
  async unmap(flow: string = SPECTRA_FLOW): Promise<void> {
    await this.#mirrors.unmap(flow);
  }

  /**
   * Closes every flow and mirror, leaves the application and ends the connection. Waits for room
   * for queued buffers; where their flow has no duplicator any more, for 10 s. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#messages.stop();
    await this.#flows.closeAll();
    this.#closed = true;
    await this.#messages.close();
    await this.#mirrors.unmapAll();
    await this.#session.close();
  }

  /** Errors are sent back to the sender of the delivery. */
  #deliver(delivery: Delivery): void {
    const { kind, from = '', flow, mark } = delivery;
    switch (kind) {
      case 'message':
        this.#messages.accept(delivery);
        break;
      case 'flowControl':
        for (const output of this.#flows.outputs(flow)) {
          if (mark !== undefined) output.emit('flowControl', { ...mark, consumer: from });
        }
        break;
      case 'demoted':
        for (const output of this.#flows.outputs(flow)) output.emit('demoted', from);
        break;
      case 'quit':
        if (!this.emit('quit')) void this.close();
        break;
    }
  }

  async #presented(session: RpcSession, call: CallOf<MirrorflowContract>, token: string): Promise<void> {
    if (this.#messages.hasThread) await call('client.receive', [token, 'soon']);
    this.#messages.identify(token);
    await this.#openings.reopenAll(session, token);
  }
}

/**
 * Presents a client to its app server. Throws VERSION_MISMATCH and what else the server answers.
 */
export function presentClient(identity: ClientIdentity): Promise<Client> {
  return present(identity);
}

function isTyped<Value, Place, Form>(
  options: OutputFlowOptions | TypedOutputOptions<Value, Place, Form>,
): options is TypedOutputOptions<Value, Place, Form> {
  checkOptionObject('openOutput', options, OUTPUT_OPTIONS);
  return typeof options.type === 'object' && (options.type as unknown) !== null;
}

function isEverywhere(call: string, scope: HostScope): boolean {
  checkOptionNames(call, scope, ['everywhere']);
  const { everywhere = false } = scope;
  if (typeof everywhere !== 'boolean') throw badOption('everywhere', everywhere, 'true or false');
  return everywhere;
}
