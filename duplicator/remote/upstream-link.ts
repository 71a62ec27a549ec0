/**
 * One link to the duplicator that sends a flow: connects over TCP or TLS, proves the shared secret,
 * and hands the welcomed link to an UpstreamReceiver. Created by UpstreamConnector for each
 * attempt. Owns its socket.
 *
 * | phase      | event                              | next                                       |
 * | ---------- | ---------------------------------- | ------------------------------------------ |
 * | connecting | connected, over TLS also verified  | handshake                                  |
 * | handshake  | welcomed                           | handshake, reading nothing: the flow is made |
 * | handshake  | the flow is made                   | receiving                                  |
 * | receiving  | frames                             | receiving                                  |
 * | any        | failure, silence, refusal, close() | ended: `over` rejects with the cause       |
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { checkConnecting } from '../../protocol/rpc/security/connecting.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import type { RecordProtection } from '../../protocol/rpc/security/records.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { TLS_CALLER, transportOf } from '../../protocol/rpc/security/transport.js';
import { DELIVERY_DETAIL, FrameKind, controlFrame } from '../../protocol/flow/wire/frame.js';
import { CallerHandshake } from '../../protocol/flow/wire/handshake.js';
import type { WireHello, WireWelcome } from '../../protocol/flow/wire/handshake-messages.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { FlowSink } from './flow-sink.js';
import { UpstreamReceiver } from './upstream-receiver.js';

/** Bytes of one read of the handshake. */
const HANDSHAKE_READ_BYTES = 16 * 1024;

export interface UpstreamLinkOptions {
  readonly address: AddressOf<'tcp' | 'tls'>;
  readonly secret: Secret;
  readonly security: Pick<Security, 'identity' | 'trust'>;
  readonly hello: WireHello;
  /** Longest time for connection and handshake together, milliseconds. */
  readonly withinMs: number;
  readonly clock: Clock;
  /** Closes the link. */
  readonly signal: AbortSignal;
}

export interface UpstreamLinkHooks {
  /**
   * Creates the flow that the frames are received into. Throws to refuse what the sender offers.
   */
  welcomed(welcome: WireWelcome): Promise<FlowSink>;
  /** `bytes` have arrived since the last call, and what is complete among them is published. */
  received(bytes: number): void;
}

type Phase =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'handshake'; readonly handshake: CallerHandshake }
  | { readonly kind: 'receiving'; readonly receiver: UpstreamReceiver }
  | { readonly kind: 'ended' };

type LossCode = 'SOURCE_UNREACHABLE' | 'SOURCE_PROTOCOL';

export class UpstreamLink {
  readonly #options: UpstreamLinkOptions;
  readonly #hooks: UpstreamLinkHooks;
  readonly #socket: Socket;
  readonly #handshakeBytes = Buffer.allocUnsafeSlow(HANDSHAKE_READ_BYTES);
  readonly #cancelDeadline: () => void;
  readonly #reportEnd: (error: MirrorflowError) => void;
  readonly #abort = (): void => this.close();
  #phase: Phase = { kind: 'connecting' };
  /** Rejects with the cause when the link has ended; never resolves. */
  readonly over: Promise<never>;

  constructor(options: UpstreamLinkOptions, hooks: UpstreamLinkHooks) {
    this.#options = options;
    this.#hooks = hooks;
    checkConnecting(options.address, options.security);
    const ending: { reject: (error: MirrorflowError) => void } = { reject: () => undefined };
    this.over = new Promise((_, reject) => (ending.reject = reject));
    this.#reportEnd = ending.reject;
    this.over.catch(() => undefined);
    this.#socket = this.#connect(() => this.#shakeHands());
    this.#socket.on('error', (error) => this.#lose(`the link failed: ${describeError(error)}`, error));
    this.#socket.on('close', () => this.#lose('the other side closed the link'));
    this.#cancelDeadline = options.clock.after(options.withinMs, () =>
      this.#lose(`no welcome arrived within ${options.withinMs} ms`),
    );
    if (options.signal.aborted) this.close();
    else options.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Requests another delivery; the sender answers with a DELIVERY frame. */
  deliver(delivery: Delivery): void {
    if (this.#phase.kind !== 'receiving') return;
    this.#phase.receiver.send(controlFrame(FrameKind.DELIVERY, 0, 0, DELIVERY_DETAIL[delivery]));
  }

  #shakeHands(): void {
    if (this.#phase.kind !== 'connecting') return;
    const { secret, hello } = this.#options;
    const handshake = new CallerHandshake(secret, hello, transportOf(this.#socket, 'caller'));
    this.#phase = { kind: 'handshake', handshake };
    this.#socket.write(handshake.hello());
  }

  /** Ends the link in good order: the sender does not keep this host's place. Idempotent. */
  close(): void {
    if (this.#phase.kind === 'ended') return;
    const isReceiving = this.#phase.kind === 'receiving';
    if (this.#phase.kind === 'receiving') this.#phase.receiver.end();
    this.#lose('the link was closed here', undefined, 'SOURCE_UNREACHABLE', isReceiving);
  }

  #connect(connected: () => void): Socket {
    const { address, security } = this.#options;
    const { identity, trust } = security;
    const { host, port } = address;
    if (address.scheme === 'tls') {
      const named = isIP(host) === 0 ? { servername: host } : {};
      const ca = trust.ca === undefined ? {} : { ca: trust.ca };
      const socket = connectTls({ host, port, ...named, ...TLS_CALLER, ...identity, ...ca }, connected);
      socket.setNoDelay(true);
      // TLS decrypts into chunks of its own.
      socket.on('data', (chunk: Buffer) => {
        if (!this.#received(chunk)) socket.pause();
      });
      return socket;
    }
    const onread = {
      buffer: () =>
        this.#phase.kind === 'receiving' ? this.#phase.receiver.nextBuffer() : this.#handshakeBytes,
      callback: (bytes: number) => this.#receivedInPlace(bytes),
    };
    return connectTcp({ host, port, noDelay: true, onread }, connected);
  }

  /** `bytes` have arrived in the buffer that the socket asked for. False suspends the reading. */
  #receivedInPlace(bytes: number): boolean {
    return this.#phase.kind === 'receiving'
      ? this.#phase.receiver.receivedInPlace(bytes)
      : this.#received(Buffer.from(this.#handshakeBytes.subarray(0, bytes)));
  }

  #received(chunk: Buffer): boolean {
    switch (this.#phase.kind) {
      case 'handshake':
        return this.#continueHandshake(this.#phase.handshake, chunk);
      case 'receiving':
        return this.#phase.receiver.receivedCopy(chunk);
      case 'connecting':
        this.#lose('bytes arrived before the handshake', undefined, 'SOURCE_PROTOCOL');
        return false;
      case 'ended':
        return false;
    }
  }

  /** False while the flow is made: nothing more is read until it is. */
  #continueHandshake(handshake: CallerHandshake, chunk: Buffer): boolean {
    const step = handshake.push(chunk);
    switch (step.kind) {
      case 'more':
        if (step.send !== undefined) this.#socket.write(step.send);
        return true;
      case 'failed':
        this.#fail(step.error);
        return false;
      case 'welcomed':
        void this.#startReceiving(step.welcome, step.rest, step.protection);
        return false;
    }
  }

  async #startReceiving(
    welcome: WireWelcome,
    rest: Buffer,
    protection: RecordProtection | undefined,
  ): Promise<void> {
    this.#cancelDeadline();
    try {
      const sink = await this.#hooks.welcomed(welcome);
      if (this.#phase.kind !== 'handshake') return;
      const receiver = new UpstreamReceiver(this.#socket, sink, protection, this.#options.clock, {
        received: (bytes) => this.#hooks.received(bytes),
        violated: (problem) => this.#lose(problem, undefined, 'SOURCE_PROTOCOL'),
        silent: (reason) => this.#lose(reason),
      });
      this.#phase = { kind: 'receiving', receiver };
      receiver.start(rest, this.#handshakeBytes);
    } catch (thrown) {
      this.#fail(
        thrown instanceof MirrorflowError
          ? thrown
          : new MirrorflowError('SYSTEM_ERROR', describeError(thrown), {}, thrown),
      );
    }
  }

  #lose(
    reason: string,
    cause?: unknown,
    code: LossCode = 'SOURCE_UNREACHABLE',
    sendsWhatWaits = false,
  ): void {
    const address = formatAddress(this.#options.address);
    const message = `the duplicator at ${address}: ${reason}`;
    this.#fail(new MirrorflowError(code, message, { address }, cause), sendsWhatWaits);
  }

  #fail(error: MirrorflowError, sendsWhatWaits = false): void {
    const phase = this.#phase;
    if (phase.kind === 'ended') return;
    this.#phase = { kind: 'ended' };
    if (phase.kind === 'receiving') phase.receiver.stop();
    this.#cancelDeadline();
    this.#options.signal.removeEventListener('abort', this.#abort);
    if (sendsWhatWaits) this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#reportEnd(error);
  }
}
