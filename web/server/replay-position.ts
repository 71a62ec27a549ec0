/**
 * Follows the position of a replay: an application whose source is a SpecTcl of `mirrorflow play`,
 * which reports it among its variables. `AppWatch` starts it with the source's address. Asks a
 * replay every second, any other SpecTcl once; opens HTTP connections.
 */
import { EventEmitter } from 'eventemitter3';
import type { Logger } from '../../protocol/base/log.js';
import type { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { connectSpecTclRest } from '../../protocol/spectcl/rest-connection.js';
import { replayOf } from '../view/replay.js';
import type { Replay } from '../wire/recording.js';

interface ReplayEvents {
  changed: [];
}

const INTERVAL_MS = 1_000;
const REQUEST_TIMEOUT_MS = 3_000;
/** Requests in a row without an answer after which the replay is over. */
const FAILURES_MAX = 5;

export class ReplayPosition extends EventEmitter<ReplayEvents> {
  readonly #log: Logger;
  #source: string | undefined;
  #rest: SpecTclRest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #replay: Replay | undefined;
  #failures = 0;

  constructor(log: Logger) {
    super();
    this.#log = log;
  }

  /** Undefined for an application that is no replay. */
  get replay(): Replay | undefined {
    return this.#replay;
  }

  start(source: string | undefined): void {
    if (source === this.#source) return;
    this.stop();
    this.#source = source;
    if (source?.startsWith('spectcl:') === true) void this.#follow(source);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source = undefined;
    this.#rest?.close();
    this.#rest = undefined;
    this.#set(undefined);
  }

  /** Asks again at once, since a command was sent. */
  refresh(): void {
    const source = this.#source;
    if (source === undefined || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#follow(source);
  }

  async #follow(source: string): Promise<void> {
    const asked = await this.#ask(source);
    if (source !== this.#source) return;
    // A replay that does not answer once is still one.
    this.#failures = asked === 'failed' ? this.#failures + 1 : 0;
    if (asked !== 'failed') this.#set(asked);
    else if (this.#failures >= FAILURES_MAX) this.#set(undefined);
    if (this.#replay === undefined) return;
    this.#timer = setTimeout(() => void this.#follow(source), INTERVAL_MS);
  }

  async #ask(source: string): Promise<Replay | 'failed' | undefined> {
    try {
      this.#rest ??= await connectSpecTclRest(source, REQUEST_TIMEOUT_MS);
      return replayOf(await this.#rest.variables());
    } catch (error) {
      this.#log.debug('cannot read the variables of a source', { source, error });
      this.#rest?.close();
      this.#rest = undefined;
      return this.#replay === undefined ? undefined : 'failed';
    }
  }

  #set(replay: Replay | undefined): void {
    if (JSON.stringify(replay) === JSON.stringify(this.#replay)) return;
    this.#replay = replay;
    this.emit('changed');
  }
}
