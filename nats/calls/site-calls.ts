/**
 * Calls between sites as requests and replies over NATS: of this host's programs to other sites,
 * and of other sites to this host, which its host server answers. Owned by the NATS process. Sends
 * and receives over a connection that it is given.
 */
import { randomBytes } from 'node:crypto';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError, isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import { natsTransport } from '../../protocol/nats/packages.js';
import type { SiteSeals } from '../../protocol/nats/signature.js';
import { NatsSubjects } from '../../protocol/nats/subjects.js';
import { STARTING_METHODS, type SiteCall } from '../../protocol/rpc/contract/sites.js';
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';
import { decodeAnswer, decodeSiteCall, encodeAnswer, encodeSiteCall } from './call-documents.js';
import { CLOCK_DIFFERENCE_MS, SeenCalls } from './seen-calls.js';

/**
 * A host whose subscription is still on its way over hub and leaf nodes is called again so often,
 * for so long.
 */
const ABSENT_RETRY_MS = 100;
const ABSENT_MS = 2_000;
/** Calls of one site that are being answered. */
const ANSWERED_MAX = 64;
const START_TIMEOUT_MS = LIMITS.childReadyTimeoutMs + 1_000;

export interface SiteCallsOptions {
  readonly connection: NatsConnection;
  readonly subjects: NatsSubjects;
  /** The name of this host. */
  readonly host: string;
  readonly seals: SiteSeals;
  /** Asks the host server; rejects with the error for the caller. */
  readonly answer: (site: string, host: string, call: SiteCall) => Promise<RpcValue>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is kept of a site that calls. */
interface Caller {
  /** Undefined: calls of the site are not received at present. */
  subscription: Subscription | undefined;
  /** Outlives the subscription, so that no recorded call counts after a site was away. */
  readonly seen: SeenCalls;
  answering: number;
}

/** By which a server marks the place of an answer beyond a gateway. */
const GATEWAY_MARK = /^_GR_\.[^.]+\.[^.]+\./;

export class SiteCalls {
  readonly #options: SiteCallsOptions;
  readonly #refusals: RateLimitedLog;
  /** By site. */
  readonly #callers = new Map<string, Caller>();

  constructor(options: SiteCallsOptions) {
    this.#options = options;
    this.#refusals = new RateLimitedLog(options.clock, options.log);
    this.answerSites([]);
  }

  /**
   * Answers the other hosts of this site, and those of `sites`, from now on. One subscription for
   * each: a hub passes a subscription to a leaf node only where all of it may be published
   * there, and a site may publish its own calls only.
   */
  answerSites(sites: readonly string[]): void {
    const { connection, subjects, host, log } = this.#options;
    const wanted = new Set([subjects.site, ...sites]);
    for (const [site, caller] of this.#callers) {
      if (wanted.has(site)) continue;
      caller.subscription?.unsubscribe();
      caller.subscription = undefined;
      if (caller.seen.isEmpty) this.#callers.delete(site);
    }
    for (const site of wanted) {
      const caller = this.#callerOf(site);
      caller.subscription ??= connection.subscribe(subjects.ask(host, site), {
        callback: (error, message) => {
          if (error === null) this.#received(site, caller, message);
          else log.warn('calls of another site are not received', { site, cause: error.message });
        },
      });
    }
  }

  #callerOf(site: string): Caller {
    let caller = this.#callers.get(site);
    if (caller === undefined) {
      caller = { subscription: undefined, seen: new SeenCalls(() => Date.now()), answering: 0 };
      this.#callers.set(site, caller);
    }
    return caller;
  }

  /**
   * Calls a host of another site. Rejects with its error, TRANSPORT_ERROR when it is not there,
   * TIMED_OUT, TOO_LARGE, REFUSED for a forged answer.
   */
  async call(site: string, host: string, call: SiteCall): Promise<RpcValue> {
    const { connection, subjects, seals, host: own } = this.#options;
    const target = new NatsSubjects(subjects.prefix, site);
    const subject = target.ask(host, subjects.site);
    const header = { id: randomBytes(16).toString('hex'), atMs: Date.now(), host: own };
    const bytes = encodeSiteCall(seals, subject, header, call);
    const most = connection.info?.max_payload ?? 0;
    if (bytes.length > most) {
      throw new MirrorflowError(
        'TOO_LARGE',
        `the call has ${bytes.length} bytes; the NATS server takes ${most}: raise its max_payload`,
        { bytes: bytes.length, most },
      );
    }
    const timeout = STARTING_METHODS.includes(call.method) ? START_TIMEOUT_MS : LIMITS.rpcCallTimeoutMs;
    const reply = await this.#request(subject, bytes, timeout, `${host} at site ${site}`);
    return decodeAnswer(seals, site, header.id, reply.data);
  }

  /** Answers no further call. */
  close(): void {
    for (const { subscription } of this.#callers.values()) subscription?.unsubscribe();
    this.#callers.clear();
  }

  async #request(subject: string, bytes: Uint8Array, timeout: number, target: string): Promise<Msg> {
    const { connection, clock } = this.#options;
    const { errors } = await natsTransport();
    const untilMs = clock.nowMs() + ABSENT_MS;
    for (;;) {
      try {
        return await connection.request(subject, bytes, { timeout });
      } catch (error) {
        // The request error wraps the status of the server.
        const isAbsent =
          error instanceof errors.NoRespondersError ||
          (error instanceof errors.RequestError && error.isNoResponders());
        if (!isAbsent || clock.nowMs() >= untilMs) throw failureOf(error, isAbsent);
      }
      await new Promise<void>((resolve) => void clock.after(ABSENT_RETRY_MS, resolve));
    }

    function failureOf(error: unknown, isAbsent: boolean): MirrorflowError {
      if (isAbsent)
        return new MirrorflowError('TRANSPORT_ERROR', `host ${target} is not connected with NATS`, {}, error);
      const isLate = error instanceof errors.TimeoutError;
      return new MirrorflowError(
        isLate ? 'TIMED_OUT' : 'TRANSPORT_ERROR',
        isLate
          ? `host ${target} did not answer within ${timeout} ms`
          : `host ${target} cannot be called: ${describeError(error)}`,
        {},
        error,
      );
    }
  }

  /** What is no sound call is dropped: its sender may be any program at the NATS server. */
  #received(site: string, caller: Caller, message: Msg): void {
    const { seals, subjects } = this.#options;
    const { inbox } = new NatsSubjects(subjects.prefix, site);
    // An answer is published with the rights of this site: nowhere but where the caller reads.
    if (message.reply?.replace(GATEWAY_MARK, '').startsWith(`${inbox}.`) !== true) {
      this.#refusals.warn('a call of another site was refused: it asks for an answer outside of its inbox', {
        site,
        reply: message.reply,
      });
      return;
    }
    const decoded = decodeSiteCall(seals, site, message.subject, message.data);
    if (decoded === undefined) {
      this.#refusals.warn('a call of another site was refused: it was changed, forged, or is no call', {
        site,
      });
      return;
    }
    const { header, call } = decoded;
    if (!caller.seen.accept(header.id, header.atMs)) {
      this.#refusals.warn('a call of another site was refused: it came before, or its time is not now', {
        site,
        differenceMs: Math.round(Date.now() - header.atMs),
        allowedMs: CLOCK_DIFFERENCE_MS,
      });
      return;
    }
    void this.#answer(site, caller, header.host, call).then((answer) =>
      message.respond(this.#fitting(header.id, answer)),
    );
  }

  async #answer(
    site: string,
    caller: Caller,
    host: string,
    call: SiteCall,
  ): Promise<RpcValue | MirrorflowError> {
    if (caller.answering >= ANSWERED_MAX) {
      return new MirrorflowError(
        'LIMIT_REACHED',
        `${ANSWERED_MAX} calls of site ${site} are under way already`,
      );
    }
    caller.answering += 1;
    try {
      return await this.#options.answer(site, host, call);
    } catch (error) {
      return isMirrorflowError(error)
        ? error
        : new MirrorflowError('APPLICATION_ERROR', describeError(error));
    } finally {
      caller.answering -= 1;
    }
  }

  #fitting(id: string, answer: RpcValue | MirrorflowError): Uint8Array {
    const { connection, seals } = this.#options;
    const bytes = encodeAnswer(seals, id, answer);
    const most = connection.info?.max_payload ?? 0;
    if (bytes.length <= most) return bytes;
    const message = `the answer has ${bytes.length} bytes; the NATS server takes ${most}`;
    return encodeAnswer(seals, id, new MirrorflowError('TOO_LARGE', message));
  }
}
