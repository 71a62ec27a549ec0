/**
 * The worker's side of a threaded input flow: attaches to the flow file and the signal link, runs
 * the reading loop that copies into the history, and executes the commands of the main thread's
 * ThreadedEngine. Used by main.ts. Maps the flow file, holds the link, posts messages.
 */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../../../protocol/base/clock.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { LinkEnd } from '../../../protocol/flow/signal-link/link.js';
import { attachConsumer, type AttachTarget } from '../consumer-link.js';
import { MarkWatch } from '../flow-control-marks.js';
import { MarkSender } from '../mark-sender.js';
import { CONTROL, ControlBlock, MAIN_WAITS } from '../history/control-block.js';
import { HistoryProducer } from '../history/history-producer.js';
import { checkHistoryMemory, resolveRules } from '../history/history-rules.js';
import {
  serializeError,
  type SerializedEnd,
  type FlowThreadSettings,
  type ThreadEvent,
  type FlowCommand,
} from './thread-messages.js';
import type { AttachTurns } from './attach-turns.js';
import { ReadingLoop, type ReadingHooks } from './reading-loop.js';

export class FlowReader {
  readonly #port: MessagePort;
  readonly #turns: AttachTurns;
  readonly #settings: FlowThreadSettings;
  readonly #control: ControlBlock;
  readonly #marks: MarkSender | undefined;
  readonly #watch: MarkWatch | undefined;
  readonly #hooks: ReadingHooks;
  #delivery: FlowThreadSettings['delivery'];
  #loop: ReadingLoop | undefined;
  #producer: HistoryProducer | undefined;
  #detached: LinkEnd | undefined;
  /** The ring was read to its end after the link had ended. */
  #drained = false;
  /** The end of the link ends the flow. */
  #endsWithLink: boolean;
  #closed = false;
  #reportedLost = 0;
  /** An event was sent since the last wake-up of the main thread. */
  #hasSent = false;

  constructor(port: MessagePort, settings: FlowThreadSettings, turns: AttachTurns) {
    this.#port = port;
    this.#turns = turns;
    this.#settings = settings;
    this.#control = ControlBlock.attach(settings.control);
    this.#delivery = settings.delivery;
    this.#endsWithLink = settings.whenDetached === 'end';
    const { flowControl } = settings;
    if (flowControl !== undefined) {
      const marks = new MarkSender(flowControl.socket, flowControl.identity);
      this.#marks = marks;
      this.#watch = new MarkWatch(flowControl.marks, (kind, mark, fill) =>
        marks.send({ kind, mark, total: this.#control.load(CONTROL.capacity), fill }),
      );
    }
    this.#hooks = this.#makeHooks();
    void this.#attach(0, settings.opened);
  }

  handle(message: FlowCommand): void {
    switch (message.kind) {
      case 'roomFreed':
        this.#loop?.roomFreed();
        break;
      case 'grow':
        this.#grow(message.call, message.buffers);
        break;
      case 'shrink':
        this.#producer?.shrink(message.buffers);
        break;
      case 'retired':
        this.#producer?.freeRetiredSegments();
        break;
      case 'pause':
        this.#loop?.setPaused(message.paused);
        break;
      case 'fillFell':
        this.#checkMarks();
        break;
      case 'identify':
        this.#marks?.identify(message.identity);
        break;
      case 'reattach':
        void this.#attach(message.call, message.opened);
        break;
      case 'endDetached':
        this.#endsWithLink = true;
        this.#endIfDone();
        break;
    }
  }

  /**
   * Resolves when the link and the connection for marks are closed; sends nothing from the call on.
   * Called once.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#loop?.close();
    this.#settings.segments.close();
    await this.#marks?.close();
  }

  #makeHooks(): ReadingHooks {
    return {
      later: (action) => void setImmediate(action),
      idle: (isIdle) => {
        const word = isIdle ? 1 : 0;
        if (this.#control.peek(CONTROL.idle) !== word) this.#control.store(CONTROL.idle, word);
      },
      wake: () => {
        this.#wakeMain();
        this.#reportLost();
      },
      restarted: (epoch) => this.#send({ kind: 'restarted', epoch }),
      state: (state, generation) => this.#send({ kind: 'state', state, generation }),
      isPaused: () => this.#control.load(CONTROL.paused) === 1,
      ...(this.#watch === undefined ? {} : { filled: () => this.#checkMarks() }),
      demoted: () => {
        this.#delivery = 'lossy';
        this.#send({ kind: 'demoted' });
      },
      detached: (end) => {
        this.#detached = end;
        this.#send({ kind: 'detached', end: serializeEnd(end) });
      },
      drained: () => {
        this.#drained = true;
        this.#endIfDone();
      },
    };
  }

  #send(message: ThreadEvent): void {
    this.#hasSent = true;
    if (!this.#closed) this.#port.postMessage(message);
  }

  /**
   * A control word holds how the main thread waits: a busy one costs nothing, a waiting one costs a
   * single wake-up. Behind another event it is a message, so that the two keep their order.
   */
  #wakeMain(): void {
    const control = this.#control;
    if (control.load(CONTROL.mainWaits) === MAIN_WAITS.not) return;
    const waits = control.exchange(CONTROL.mainWaits, MAIN_WAITS.not);
    if (waits === MAIN_WAITS.eventLoop && this.#hasSent) this.#send({ kind: 'ready' });
    else Atomics.notify(control.int32, CONTROL.mainWaits);
    this.#hasSent = false;
  }

  #reportLost(): void {
    if (this.#producer === undefined || this.#producer.lost === this.#reportedLost) return;
    this.#reportedLost = this.#producer.lost;
    if (this.#control.exchange(CONTROL.lostReported, 1) === 0) this.#send({ kind: 'lost' });
  }

  /**
   * Checks the marks. The main thread reports when the fill falls to one that matters; a fall while
   * that was requested is checked again here.
   */
  #checkMarks(): void {
    const watch = this.#watch;
    const producer = this.#producer;
    if (watch === undefined || producer === undefined) return;
    do {
      watch.update(producer.filled);
      this.#control.store(CONTROL.reportBelow, watch.nextFall + 1);
    } while (producer.filled <= watch.nextFall);
  }

  #endIfDone(): void {
    if (!this.#endsWithLink || !this.#drained || this.#detached === undefined) return;
    this.#control.store(CONTROL.ended, 1);
    this.#hasSent = true; // so that the wake-up arrives before the end
    this.#wakeMain();
    this.#send({ kind: 'ended', end: serializeEnd(this.#detached) });
  }

  async #attach(call: number, opened: AttachTarget): Promise<void> {
    try {
      this.#loop?.suspend();
      const start = this.#loop?.resumePoint ?? this.#settings.start;
      const link = await this.#turns.run(() => attachConsumer(opened, { delivery: this.#delivery, start }));
      if (this.#closed) {
        link.close();
        return;
      }
      const { payloadCapacity } = link.file.geometry;
      const rules = resolveRules(this.#settings.rules, payloadCapacity);
      try {
        if (this.#producer === undefined) {
          checkHistoryMemory(rules.whenFull === 'grow' ? rules.maxHistory : rules.history, payloadCapacity);
        } else checkFits(payloadCapacity, this.#producer.payloadBytes);
        this.#producer ??= new HistoryProducer(
          this.#control,
          rules,
          payloadCapacity,
          (segment) => this.#settings.segments.postMessage(segment),
          (segment) => this.#send({ kind: 'withdrawn', segment }),
        );
      } catch (error) {
        link.close();
        throw error;
      }
      if (this.#control.load(CONTROL.capacity) < rules.history && this.#loop === undefined) {
        link.close();
        throw new MirrorflowError(
          'NO_SPACE',
          `the system has no memory for ${rules.history} buffers of ${payloadCapacity} bytes; open the flow with a smaller history`,
        );
      }
      this.#detached = undefined;
      this.#drained = false;
      this.#send({ kind: 'attached', call, epoch: link.reader.epoch });
      if (this.#loop === undefined) {
        this.#loop = new ReadingLoop(link, this.#producer, this.#hooks, systemClock, this.#settings.spinUs);
        const { state, generation } = this.#loop.source;
        this.#send({ kind: 'state', state, generation });
      } else {
        this.#loop.replace(link);
      }
    } catch (error) {
      this.#loop?.resume();
      this.#send({ kind: 'failed', call, error: serializeError(error) });
    }
  }

  #grow(call: number, buffers: number): void {
    try {
      if (this.#producer === undefined) throw new MirrorflowError('CLOSED', 'the flow is not attached yet');
      checkHistoryMemory(buffers, this.#producer.payloadBytes);
      if (!this.#producer.grow(buffers)) {
        throw new MirrorflowError('NO_SPACE', `the system has no memory for a history of ${buffers} buffers`);
      }
      this.#send({ kind: 'done', call });
      this.#loop?.roomFreed();
    } catch (error) {
      this.#send({ kind: 'failed', call, error: serializeError(error) });
    }
  }
}

function checkFits(payloadCapacity: number, recordBytes: number): void {
  if (payloadCapacity <= recordBytes) return;
  throw new MirrorflowError(
    'TOO_LARGE',
    `the flow now has buffers of ${payloadCapacity} bytes and the history has room for ${recordBytes}: open the flow again`,
    { payloadCapacity, recordBytes },
  );
}

function serializeEnd(end: LinkEnd): SerializedEnd {
  return end.by === 'failure' ? { by: 'failure', error: serializeError(end.error) } : { by: end.by };
}
