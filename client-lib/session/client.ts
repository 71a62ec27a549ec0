/**
 * A client of one application: its session, the flows it has open, its mirrors. The session is a
 * permanent connection; when the app server was restarted the client presents itself again and
 * opens again what it had open, while data go on meanwhile.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock } from '../../protocol/base/clock.js';
import type { Delivery, MessageTarget } from '../../protocol/rpc/contract/deliveries.js';
import type { ApplicationStatistics, NetworkStatus, ProgramInfo } from '../../protocol/rpc/contract/figures.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { ClientInfo, FlowInfo } from '../../protocol/rpc/contract/shapes.js';
import { linkSocketPath } from '../../protocol/base/paths.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { checkName } from '../../protocol/base/names.js';
import { callerOf, type CallOf, type ResultOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { ClientFlows, type Accept } from './client-flows.js';
import { ClientMirrors } from './client-mirrors.js';
import type { IncomingCalls } from './incoming-calls.js';
import type { InputFlow } from '../input/input-flow.js';
import type { InputFlowOptions } from '../input/input-options.js';
import { clientLog } from './locate.js';
import { Inbox, type MessageHandler, type MessageWaitOptions } from '../messages/inbox.js';
import { messageToWire, type MessageClass } from '../messages/message-class.js';
import type { Mirror } from '../mirror/mirror.js';
import { Openings, type FlowStatus } from './openings.js';
import type { OutputFlow } from '../output/output-flow.js';
import type { OutputFlowOptions } from '../output/output-options.js';
import type { Layer } from '../types/flow-type.js';
import { checkStack, stackIdentity } from '../types/stack.js';
import { TypedInputFlow, type ReadableType } from '../input/typed-input-flow.js';
import { TypedOutputFlow, untypedOutputOptions, type TypedOutputOptions } from '../output/typed-output-flow.js';

export type AppInfo = ResultOf<MirrorflowContract['app.info']>;

/** The flow of an application's SpecTcl. */
export const SPECTRA_FLOW = 'spectra';

export interface Presented {
  readonly app: string;
  readonly name: string;
  readonly program: string;
  readonly directory: string;
  readonly socket: string;
  /** The first session, already connected; owned by the client from now on. */
  readonly session: RpcSession;
  /** Answers the calls of the app server; the same for the first session and all later ones. */
  readonly incoming: IncomingCalls;
}

/** Who gets a message. */
export type SendTarget =
  | { readonly client: string }
  /** Every client of the application but the sender. */
  | { readonly application: true }
  /** The provider of a flow. */
  | { readonly provider: string };

interface ClientEvents {
  /** A flow or mirror of this client is worth something else now. */
  status: [change: FlowStatus];
  /** The app server is away; what is open goes on without it. */
  disconnected: [];
  /** The app server is back and knows this client again. */
  reconnected: [];
  /**
   * A handler of a message, or its `invoke`, threw or rejected. Without a listener it is logged.
   */
  messageError: [error: unknown, message: object];
  /** Somebody asks this client to quit. Without a listener the client closes itself. */
  quit: [];
}

type ClientEventName = EventEmitter.EventNames<ClientEvents>;
type ClientEventListener<E extends ClientEventName> = EventEmitter.EventListener<ClientEvents, E>;

interface Everywhere {
  readonly everywhere?: boolean;
}

export class Client extends EventEmitter<ClientEvents> {
  readonly app: string;
  readonly name: string;
  /** Runtime directory in which the application was found. */
  readonly directory: string;
  readonly #connection: PermanentConnection<undefined>;
  readonly #call: CallOf<MirrorflowContract>;
  readonly #openings: Openings;
  readonly #inbox = new Inbox({
    clock: systemClock,
    log: clientLog,
    failed: (error, message) => {
      if (this.emit('messageError', error, message)) return;
      clientLog.error('a message handler failed', { type: message.constructor.name, error });
    },
  });
  readonly #mirrors: ClientMirrors;
  readonly #flows: ClientFlows;
  #token = '';
  #closed = false;

  private constructor(presented: Presented) {
    super();
    this.app = presented.app;
    this.name = presented.name;
    this.directory = presented.directory;
    const { dispatcher } = presented.incoming;
    presented.incoming.client = {
      deliver: (delivery) => this.#deliver(delivery),
      report: () => this.#openings.report(),
    };
    let first: RpcSession | undefined = presented.session;
    this.#connection = new PermanentConnection<undefined>(
      { path: presented.socket },
      {
        context: () => undefined,
        log: clientLog,
        connect: (signal) => {
          const session = first;
          first = undefined;
          if (session !== undefined) return Promise.resolve(session);
          return connectSession(
            { path: presented.socket },
            { context: () => undefined, log: clientLog, signal, dispatcher },
          );
        },
        onConnected: (session) => this.#introduce(session, presented),
      },
    );
    this.#call = callerOf(CONTRACT, this.#connection);
    this.#openings = new Openings({
      app: this.app,
      call: this.#call,
      token: () => this.#token,
      connected: () => this.connected,
      closed: () => this.#closed,
      reconnectedWithin: (delayMs) => this.#reconnectedWithin(delayMs),
      told: (status) => this.emit('status', status),
    });
    this.#mirrors = new ClientMirrors(this.#openings, (flow) =>
      linkSocketPath(this.directory, this.app, flow),
    );
    this.#flows = new ClientFlows(this.#openings, this.#call, () => ({
      socket: presented.socket,
      session: this.#token,
    }));
  }

  /**
   * Used by `connect`. Throws what the app server answers to the presentation, VERSION_MISMATCH
   * among it.
   */
  static async present(presented: Presented): Promise<Client> {
    const client = new Client(presented);
    await new Promise<void>((resolve, reject) => {
      const connection = client.#connection;
      connection.once('connected', () => {
        connection.removeAllListeners();
        connection.on('lost', () => client.emit('disconnected'));
        connection.on('connected', () => client.emit('reconnected'));
        resolve();
      });
      connection.once('failed', (error) => {
        void connection.close();
        reject(error instanceof Error ? error : new Error(describeError(error)));
      });
      connection.start();
    });
    return client;
  }

  /** Whether the app server is there now. */
  get connected(): boolean {
    return this.#connection.state === 'connected';
  }

  appInfo(): Promise<AppInfo> {
    return this.#call('app.info', []);
  }

  flows(): Promise<FlowInfo[]> {
    return this.#call('flow.list', []);
  }

  clients(): Promise<ClientInfo[]> {
    return this.#call('client.list', []);
  }

  /** Counters and rates of a flow by name. */
  async statistics(flow: string): Promise<Record<string, number>> {
    return this.#call('flow.statistics', [checkName('flow', flow)]);
  }

  /**
   * Counts of all clients and flows, collected now; who did not answer in time is marked.
   * `everywhere`: also those of the other hosts.
   */
  applicationStatistics({ everywhere = false }: Everywhere = {}): Promise<ApplicationStatistics> {
    return this.#call('app.statistics', [everywhere]);
  }

  /**
   * Who provides and who consumes which flow, and who holds whom back. `everywhere`: also on the
   * other hosts.
   */
  network({ everywhere = false }: Everywhere = {}): Promise<NetworkStatus> {
    return this.#call('app.network', [everywhere]);
  }

  /**
   * Asks all clients of a name, on all hosts, to quit; resolves with how many were asked. Rejects
   * with UNKNOWN_CLIENT.
   */
  requestQuit(client: string): Promise<number> {
    return this.#call('client.request', [checkName('client', client), 'quit']);
  }

  /** The programs that the application may be asked to run. */
  programs(): Promise<ProgramInfo[]> {
    return this.#call('app.programs', []);
  }

  /**
   * Has the app server run a registered program, here or on another host where the application
   * runs; resolves with its process id. Rejects with UNKNOWN_PROGRAM, START_FAILED, LIMIT_REACHED,
   * UNKNOWN_HOST.
   */
  runProgram(program: string, host?: string): Promise<number> {
    const name = checkName('program', program);
    return this.#call('app.run', host === undefined ? [name] : [name, checkName('host', host)]);
  }

  /**
   * Makes a message class known, so that its objects are invoked when they come. Throws BAD_OPTION
   * for a wrong declaration.
   */
  register(cls: MessageClass): void {
    this.#inbox.register(cls);
  }

  override on<E extends ClientEventName>(event: E, listener: ClientEventListener<E>, context?: unknown): this;
  /**
   * Handles the messages of a class: one at a time and in the order of arrival, all classes
   * together; a promise is awaited before the next one. `invoke()` of the message runs first. What
   * a handler throws goes to `messageError` and stops nothing.
   */
  override on<M extends object>(cls: MessageClass<M>, handler: MessageHandler<M>): this;
  override on(subject: unknown, listener: unknown, context?: unknown): this {
    if (typeof subject === 'function') {
      this.#inbox.on(subject as MessageClass, listener as MessageHandler<object>);
      return this;
    }
    return super.on(subject as ClientEventName, listener as ClientEventListener<ClientEventName>, context);
  }

  override off<E extends ClientEventName>(
    event: E,
    listener?: ClientEventListener<E>,
    context?: unknown,
    once?: boolean,
  ): this;
  /** Without a handler, all of the class. */
  override off<M extends object>(cls: MessageClass<M>, handler?: MessageHandler<M>): this;
  override off(subject: unknown, listener?: unknown, context?: unknown, once?: boolean): this {
    if (typeof subject === 'function') {
      this.#inbox.off(subject as MessageClass, listener as MessageHandler<object> | undefined);
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
   * The next message of a class. It comes in the turn in which the message arrives, before
   * handlers, so that a handler may wait for another message. Rejects with TIMED_OUT, CLOSED when
   * aborted or when the client closes.
   */
  waitFor<M extends object>(cls: MessageClass<M>, options: MessageWaitOptions = {}): Promise<M> {
    return this.#inbox.waitFor(cls, options);
  }

  /**
   * Sends a message; resolves with how many clients have queued it. Rejects with INVALID_PARAMETERS
   * for what cannot travel, UNKNOWN_CLIENT or UNKNOWN_FLOW when nobody is meant, and, when nobody
   * could take it, with the first one's reason: LIMIT_REACHED, TIMED_OUT, …
   */
  async send(message: object, { to }: { readonly to: SendTarget }): Promise<number> {
    const target: MessageTarget = { ...to };
    return this.#call('client.send', [this.#token, target, messageToWire(message)]);
  }

  /**
   * Opens a flow for reading: its buffers, in order. Throws UNKNOWN_FLOW, WRONG_FLOW_TYPE,
   * BAD_OPTION, or the cause why its duplicator could not be started. The flow is the caller's to
   * close; closing the client closes it too. With a flow type's object, its takes give that type's
   * buffers, and a flow of another type or other properties is WRONG_FLOW_TYPE, with both.
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
    const { type, ...rest } = options;
    if (typeof type !== 'object') return this.#flows.openInput(flow, rest, type);
    const accept: Accept = ({ file }) => checkStack(type, 'input', openFlowFile(file, 'read').identity);
    return new TypedInputFlow(
      type,
      await this.#flows.openInput(flow, rest, stackIdentity(type).type, accept),
    );
  }

  /**
   * Opens a flow for writing: this client becomes its one provider. Throws FLOW_BUSY naming the
   * provider there is, TOO_LARGE and NO_SPACE with the numbers, WRONG_FLOW_TYPE naming both types.
   * The flow is the caller's to close; closing the client closes it too. With a flow type's object
   * it is written in that type's values.
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
    if (!isTyped(options)) return this.#flows.openOutput(flow, options);
    const { type, whenFull } = options;
    const accept: Accept = ({ file }) => checkStack(type, 'output', openFlowFile(file, 'read').identity);
    try {
      const output = await this.#flows.openOutput(flow, untypedOutputOptions(options), accept);
      return new TypedOutputFlow(type, output, whenFull);
    } catch (error) {
      // A flow that others have open is not defined anew: if its type is why, that is the better
      // answer.
      if (isMirrorflowError(error, 'REFUSED') || isMirrorflowError(error, 'FLOW_BUSY')) {
        const found = await this.#call('flow.inquire', [flow]).catch(() => undefined);
        if (found?.file !== undefined) accept({ file: found.file });
      }
      throw error;
    }
  }

  /**
   * The mirror of a display memory on this host, started where needed. One per flow and client:
   * asking again gives the same one, until `unmap`. Throws NOT_A_MIRROR for a flow that is none, or
   * the cause why it could not be started, within a second when nothing answers.
   */
  async mirror(flow: string = SPECTRA_FLOW): Promise<Mirror> {
    return this.#mirrors.get(flow);
  }

  /**
   * `mirror(flow)` and its memory: SpecTcl's display memory byte for byte, mapped read-only, always
   * the newest.
   */
  async getMemory(flow: string = SPECTRA_FLOW): Promise<Buffer> {
    return (await this.mirror(flow)).memory;
  }

  /** Whether a mirror that this client got is attached and its source is live. */
  async isMirroring(flow: string = SPECTRA_FLOW): Promise<boolean> {
    return this.#mirrors.isMirroring(flow);
  }

  /**
   * Detaches from a mirror; what `getMemory` gave must not be used any more. Nothing happens when
   * there is none.
   */
  async unmap(flow: string = SPECTRA_FLOW): Promise<void> {
    await this.#mirrors.unmap(flow);
  }

  /** Closes every flow and mirror, leaves the application and ends the connection. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.close();
    await this.#flows.closeAll();
    await this.#mirrors.unmapAll();
    if (this.connected) await this.#call('client.leave', [this.#token]).catch(() => undefined);
    await this.#connection.close();
  }

  /** Resolves when the app server is back, at the latest after a while. */
  #reconnectedWithin(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#connection.off('connected', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      this.#connection.on('connected', done);
    });
  }

  /** What it throws goes back to the sender. */
  #deliver({ kind, from = '', message, flow, mark }: Delivery): void {
    switch (kind) {
      case 'message':
        if (message !== undefined) this.#inbox.accept(message, { from });
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

  async #introduce(session: RpcSession, { name, program }: Presented): Promise<void> {
    const call = callerOf(CONTRACT, session);
    const { session: token } = await call('client.present', [
      { name, program, pid: process.pid, version: PROTOCOL_VERSION },
    ]);
    this.#token = token;
    await this.#openings.openAgain(session, token);
  }
}

function isTyped<Value, Place, Form>(
  options: OutputFlowOptions | TypedOutputOptions<Value, Place, Form>,
): options is TypedOutputOptions<Value, Place, Form> {
  return typeof options.type === 'object';
}
